#include "image/inflate.h"

#include "base/buf.h"
#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#define SIZE ((size_t)700000)

static char plain[SIZE];

static int fill(void **state)
{
    for (size_t i = 0; i < SIZE; i++)
        plain[i] = (char)(i * i / 1000 % 251);
    return 0;
}

static void add_gzip(struct buf *out, const char *data, size_t size)
{
    z_stream z = {.next_in = (unsigned char *)data, .avail_in = (unsigned)size};
    assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    size_t room = deflateBound(&z, size);
    z.next_out = buf_reserve(out, room);
    z.avail_out = (unsigned)room;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    buf_claim(out, z.total_out);
    (void)deflateEnd(&z);
}

static void add_zstd(struct buf *out, const char *data, size_t size)
{
    size_t room = ZSTD_compressBound(size);
    ZSTD_CCtx *context = ZSTD_createCCtx();
    (void)ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
    size_t n = ZSTD_compress2(context, buf_reserve(out, room), room, data, size);
    (void)ZSTD_freeCCtx(context);
    assert_false(ZSTD_isError(n));
    buf_claim(out, n);
}

/* Everything that comes out of the blob; negative where it is refused. */
static int inflate_all(const struct buf *blob, struct buf *out, enum compression *ret, struct err *err)
{
    int fd = memfd_create("blob", MFD_CLOEXEC);
    assert_int_equal(write(fd, buf_str(blob), blob->size), blob->size);
    struct byte_source source = byte_source_of(fd);
    struct inflate *in = inflate_open(&source, err);
    ssize_t n = in ? 0 : -1;
    char block[5000];
    while (in && (n = inflate_read(in, block, sizeof(block), err)) > 0)
        buf_add(out, block, (size_t)n);
    if (in)
        *ret = inflate_compression(in);
    if (in && n == 0)
        assert_int_equal(inflate_consumed(in), blob->size);
    if (in)
        inflate_free(in);
    (void)close(fd);
    return (int)n;
}

static void expect(const struct buf *blob, enum compression compression, size_t times)
{
    struct buf out cleanup(buf_done) = BUF(4 * SIZE);
    struct err err;
    enum compression found;
    if (inflate_all(blob, &out, &found, &err) < 0)
        fail_msg("%s", err.message);
    assert_int_equal(found, compression);
    assert_int_equal(out.size, times * SIZE);
    for (size_t i = 0; i < times; i++)
        assert_memory_equal(out.data + i * SIZE, plain, SIZE);
}

static void refuse(const struct buf *blob, enum err_kind kind)
{
    struct buf out cleanup(buf_done) = BUF(4 * SIZE);
    struct err err;
    enum compression found;
    assert_int_equal(inflate_all(blob, &out, &found, &err), -1);
    assert_int_equal(err.kind, kind);
}

static void test_plain(void **state)
{
    struct buf blob cleanup(buf_done) = BUF(4 * SIZE);
    buf_add(&blob, plain, SIZE);
    expect(&blob, COMPRESSION_NONE, 1);
}

static void test_gzip_of_several_members(void **state)
{
    struct buf blob cleanup(buf_done) = BUF(4 * SIZE);
    add_gzip(&blob, plain, SIZE);
    expect(&blob, COMPRESSION_GZIP, 1);
    add_gzip(&blob, plain, SIZE);
    expect(&blob, COMPRESSION_GZIP, 2);
}

static void test_zstd_of_several_frames(void **state)
{
    struct buf blob cleanup(buf_done) = BUF(4 * SIZE);
    add_zstd(&blob, plain, SIZE);
    expect(&blob, COMPRESSION_ZSTD, 1);
    add_zstd(&blob, plain, SIZE);
    expect(&blob, COMPRESSION_ZSTD, 2);
}

static void test_broken_data(void **state)
{
    void (*const add[])(struct buf * out, const char *data, size_t size) = {add_gzip, add_zstd};
    for (size_t i = 0; i < ARRAY_SIZE(add); i++) {
        struct buf blob cleanup(buf_done) = BUF(4 * SIZE);
        add[i](&blob, plain, SIZE);
        blob.size -= 1; /* cut off */
        refuse(&blob, ERR_INVALID);
        blob.size += 1;
        blob.data[blob.size / 2] ^= 1;
        refuse(&blob, ERR_INVALID);
        blob.data[blob.size / 2] ^= 1;
        buf_adds(&blob, "rubbish after the end");
        refuse(&blob, ERR_INVALID);
    }
}

static void test_others_are_named(void **state)
{
    struct buf xz cleanup(buf_done) = BUF(100), bzip2 cleanup(buf_done) = BUF(100);
    buf_add(&xz,
            "\xfd"
            "7zXZ\0more",
            10);
    buf_adds(&bzip2, "BZh91AY");
    refuse(&xz, ERR_UNSUPPORTED);
    refuse(&bzip2, ERR_UNSUPPORTED);
}

static void test_a_part_of_a_file(void **state)
{
    int fd = memfd_create("blob", MFD_CLOEXEC);
    assert_int_equal(write(fd, "0123456789", 10), 10);
    struct byte_source source = {.fd = fd, .offset = 3, .left = 4};
    struct err err;
    char text[10] = "";
    assert_int_equal(byte_source_read(&source, text, sizeof(text), &err), 4);
    assert_string_equal(text, "3456");
    assert_int_equal(byte_source_read(&source, text, sizeof(text), &err), 0);
    (void)close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain),
        cmocka_unit_test(test_gzip_of_several_members),
        cmocka_unit_test(test_broken_data),
        cmocka_unit_test(test_zstd_of_several_frames),
        cmocka_unit_test(test_others_are_named),
        cmocka_unit_test(test_a_part_of_a_file),
    };
    return cmocka_run_group_tests(tests, fill, NULL);
}
