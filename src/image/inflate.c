#include "image/inflate.h"

#include "base/mem.h"

#include <errno.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#define INPUT_SIZE      ((size_t)128 * 1024)
#define WINDOW_LOG_MAX  27
#define GZIP_WITH_CHECK (15 + 16) /* zlib: the largest window, a gzip header and no other */

struct inflate {
    struct byte_source source;
    enum compression compression;
    int64_t consumed;
    unsigned char *input; /* owned, INPUT_SIZE bytes */
    size_t start, end;    /* of what is left in input */
    bool in_frame;        /* a gzip member or a zstd frame is open */
    z_stream gzip;
    ZSTD_DStream *zstd; /* owned; NULL unless zstd */
};

/* --- The bytes beneath -------------------------------------------------------------------------------------------- */

struct byte_source byte_source_of(int fd)
{
    bool stream = lseek(fd, 0, SEEK_CUR) < 0;
    return (struct byte_source){.fd = fd, .offset = stream ? -1 : 0, .left = -1};
}

ssize_t byte_source_read(struct byte_source *source, void *data, size_t size, struct err *err)
{
    size_t done = 0;
    if (source->left >= 0 && (int64_t)size > source->left)
        size = (size_t)source->left;
    while (done < size) {
        char *to = (char *)data + done;
        ssize_t n = source->offset < 0 ? read(source->fd, to, size - done)
                                       : pread(source->fd, to, size - done, (off_t)source->offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_errno(err, errno, "cannot read the blob");
        if (n == 0)
            break;
        done += (size_t)n;
        if (source->offset >= 0)
            source->offset += n;
    }
    if (source->left >= 0)
        source->left -= (int64_t)done;
    return (ssize_t)done;
}

/* Makes sure that there is input, unless the blob is at its end. Returns how much there is. */
static ssize_t fill(struct inflate *inflate, struct err *err)
{
    if (inflate->start < inflate->end)
        return (ssize_t)(inflate->end - inflate->start);
    ssize_t n = byte_source_read(&inflate->source, inflate->input, INPUT_SIZE, err);
    if (n < 0)
        return -1;
    inflate->start = 0;
    inflate->end = (size_t)n;
    inflate->consumed += n;
    return n;
}

/* --- Opening ------------------------------------------------------------------------------------------------------ */

static const struct {
    const char *magic;
    size_t size;
    int compression; /* negative: not read here */
    const char *name;
} magics[] = {
    {"\x1f\x8b", 2, COMPRESSION_GZIP, "gzip"},
    {"\x28\xb5\x2f\xfd", 4, COMPRESSION_ZSTD, "zstd"},
    {"BZh", 3, -1, "bzip2"},
    {"\xfd"
     "7zXZ",
     5, -1, "xz"},
};

static int detect(struct inflate *inflate, struct err *err)
{
    ssize_t n = fill(inflate, err);
    if (n < 0)
        return -1;
    for (size_t i = 0; i < sizeof(magics) / sizeof(magics[0]); i++) {
        if ((size_t)n < magics[i].size || memcmp(inflate->input, magics[i].magic, magics[i].size) != 0)
            continue;
        if (magics[i].compression < 0)
            return err_set(err, ERR_UNSUPPORTED, "%s compression is not supported: use gzip, zstd or none",
                           magics[i].name);
        inflate->compression = (enum compression)magics[i].compression;
    }
    return 0;
}

struct inflate *inflate_open(const struct byte_source *source, struct err *err)
{
    struct inflate *inflate cleanup(inflate_freep) = NEW(struct inflate);
    inflate->source = *source;
    inflate->input = mem_alloc(INPUT_SIZE);
    if (detect(inflate, err) < 0)
        return NULL;
    if (inflate->compression == COMPRESSION_GZIP && inflateInit2(&inflate->gzip, GZIP_WITH_CHECK) != Z_OK) {
        err_set(err, ERR_INTERNAL, "zlib cannot start");
        return NULL;
    }
    if (inflate->compression == COMPRESSION_ZSTD) {
        inflate->zstd = ZSTD_createDStream();
        if (!inflate->zstd ||
            ZSTD_isError(ZSTD_DCtx_setParameter(inflate->zstd, ZSTD_d_windowLogMax, WINDOW_LOG_MAX))) {
            err_set(err, ERR_INTERNAL, "zstd cannot start");
            return NULL;
        }
    }
    return TAKE(inflate);
}

void inflate_free(struct inflate *inflate)
{
    if (inflate->compression == COMPRESSION_GZIP)
        (void)inflateEnd(&inflate->gzip);
    (void)ZSTD_freeDStream(inflate->zstd);
    free(inflate->input);
    free(inflate);
}

/* --- Reading ------------------------------------------------------------------------------------------------------ */

static ssize_t read_plain(struct inflate *inflate, void *data, size_t size, struct err *err)
{
    ssize_t n = fill(inflate, err);
    if (n <= 0)
        return n;
    if ((size_t)n > size)
        n = (ssize_t)size;
    memcpy(data, inflate->input + inflate->start, (size_t)n);
    inflate->start += (size_t)n;
    return n;
}

static int cut_off(struct err *err)
{
    return err_set(err, ERR_INVALID, "the compressed data is cut off");
}

/* One step; *ret_size is what came out of it, which may be nothing. Returns 0 at the end of the blob. */
static int gzip_step(struct inflate *stream, void *data, size_t size, size_t *ret_size, struct err *err)
{
    ssize_t n = fill(stream, err);
    if (n <= 0)
        return n < 0 ? -1 : stream->in_frame ? cut_off(err) : 0;
    z_stream *z = &stream->gzip;
    if (!stream->in_frame)
        (void)inflateReset(z);
    stream->in_frame = true;
    z->next_in = stream->input + stream->start;
    z->avail_in = (uInt)n;
    z->next_out = data;
    z->avail_out = (uInt)size;
    int result = inflate(z, Z_NO_FLUSH);
    stream->start += (size_t)n - z->avail_in;
    *ret_size = size - z->avail_out;
    if (result == Z_STREAM_END)
        stream->in_frame = false;
    else if (result != Z_OK && result != Z_BUF_ERROR)
        return err_set(err, ERR_INVALID, "broken gzip data: %s", z->msg ? z->msg : "unknown error");
    return 1;
}

static int zstd_step(struct inflate *inflate, void *data, size_t size, size_t *ret_size, struct err *err)
{
    ssize_t n = fill(inflate, err);
    if (n < 0)
        return -1;
    /* Even without input there may be output left inside. */
    ZSTD_inBuffer in = {inflate->input + inflate->start, (size_t)n, 0};
    ZSTD_outBuffer out = {data, size, 0};
    if (n == 0 && !inflate->in_frame)
        return 0;
    size_t result = ZSTD_decompressStream(inflate->zstd, &out, &in);
    if (ZSTD_isError(result))
        return err_set(err, ERR_INVALID, "broken zstd data: %s", ZSTD_getErrorName(result));
    inflate->start += in.pos;
    inflate->in_frame = result != 0;
    *ret_size = out.pos;
    return n == 0 && out.pos == 0 ? cut_off(err) : 1;
}

ssize_t inflate_read(struct inflate *inflate, void *data, size_t size, struct err *err)
{
    size_t got = 0;
    int more;
    if (inflate->compression == COMPRESSION_NONE)
        return read_plain(inflate, data, size, err);
    do {
        more = inflate->compression == COMPRESSION_GZIP ? gzip_step(inflate, data, size, &got, err)
                                                        : zstd_step(inflate, data, size, &got, err);
    } while (more > 0 && got == 0);
    return more < 0 ? -1 : (ssize_t)got;
}

enum compression inflate_compression(const struct inflate *inflate)
{
    return inflate->compression;
}

int64_t inflate_consumed(const struct inflate *inflate)
{
    return inflate->consumed;
}
