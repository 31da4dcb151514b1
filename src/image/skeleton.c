#include "image/skeleton.h"

#include "base/buf.h"
#include "base/mem.h"
#include "sys/files.h"

#include <endian.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <zstd.h>

#define LEVEL   3
#define RAW_MAX ((size_t)1 << 20) /* of one record */

struct skeleton_writer {
    int fd;
    ZSTD_CStream *zstd;   /* owned */
    struct buf pending;   /* the bytes of the last skeleton_add() that nobody has called contents yet */
    uint64_t start;       /* where pending begins in the tar */
    uint64_t content_end; /* everything before is decided */
    bool begun;
    void *out; /* owned, ZSTD_CStreamOutSize() bytes */
};

struct skeleton_writer *skeleton_writer_new(int fd)
{
    struct skeleton_writer *w = NEW(struct skeleton_writer);
    w->fd = fd;
    w->zstd = ZSTD_createCStream();
    w->out = mem_alloc(ZSTD_CStreamOutSize());
    w->pending = BUF(RAW_MAX);
    (void)ZSTD_CCtx_setParameter(w->zstd, ZSTD_c_compressionLevel, LEVEL);
    (void)ZSTD_CCtx_setParameter(w->zstd, ZSTD_c_checksumFlag, 1);
    return w;
}

void skeleton_writer_free(struct skeleton_writer *w)
{
    (void)ZSTD_freeCStream(w->zstd);
    buf_done(&w->pending);
    free(w->out);
    free(w);
}

static int compress(struct skeleton_writer *w, const void *data, size_t size, ZSTD_EndDirective directive,
                    struct err *err)
{
    ZSTD_inBuffer in = {data, size, 0};
    size_t left;
    do {
        ZSTD_outBuffer out = {w->out, ZSTD_CStreamOutSize(), 0};
        left = ZSTD_compressStream2(w->zstd, &out, &in, directive);
        if (ZSTD_isError(left))
            return err_set(err, ERR_INTERNAL, "zstd: %s", ZSTD_getErrorName(left));
        int r = file_write_all(w->fd, w->out, out.pos);
        if (r < 0)
            return err_errno(err, r, "cannot write a layer's skeleton");
    } while (directive == ZSTD_e_end ? left > 0 : in.pos < in.size);
    return 0;
}

static int put(struct skeleton_writer *w, const void *data, size_t size, struct err *err)
{
    return compress(w, data, size, ZSTD_e_continue, err);
}

/* Writes the first size bytes of pending as they are. */
static int put_raw(struct skeleton_writer *w, size_t size, struct err *err)
{
    uint32_t le_size = htole32((uint32_t)size);
    if (size == 0)
        return 0;
    if (put(w, "R", 1, err) < 0 || put(w, &le_size, sizeof(le_size), err) < 0 || put(w, w->pending.data, size, err) < 0)
        return -1;
    buf_consume(&w->pending, size);
    w->start += size;
    return 0;
}

int skeleton_add(struct skeleton_writer *w, const void *data, size_t size, struct err *err)
{
    if (!w->begun && put(w, SKELETON_MAGIC, strlen(SKELETON_MAGIC), err) < 0)
        return -1;
    w->begun = true;
    if (put_raw(w, w->pending.size, err) < 0)
        return -1;
    uint64_t known = w->content_end > w->start ? w->content_end - w->start : 0;
    if (known > size)
        known = size;
    w->start += known;
    while (size - known > RAW_MAX) {
        buf_add(&w->pending, (const char *)data + known, RAW_MAX);
        if (put_raw(w, RAW_MAX, err) < 0)
            return -1;
        known += RAW_MAX;
    }
    buf_add(&w->pending, (const char *)data + known, size - known);
    return 0;
}

static int put_content(struct skeleton_writer *w, uint64_t offset, uint64_t size, const char *path, struct err *err)
{
    uint64_t numbers[2] = {htole64(offset), htole64(size)};
    size_t length = strlen(path);
    uint16_t le_length = htole16((uint16_t)length);
    if (put(w, "F", 1, err) < 0 || put(w, numbers, sizeof(numbers), err) < 0 ||
        put(w, &le_length, sizeof(le_length), err) < 0)
        return -1;
    return put(w, path, length, err);
}

int skeleton_content(struct skeleton_writer *w, uint64_t position, uint64_t size, const char *path, struct err *err)
{
    /* What was written as it is stays so; the file is read from there on. */
    uint64_t offset = position < w->start ? w->start - position : 0;
    if (size < SKELETON_CONTENT_MIN || offset >= size)
        return 0;
    uint64_t before = position + offset - w->start;
    if (before > w->pending.size)
        return err_set(err, ERR_INTERNAL, "a layer's skeleton: contents beyond what was read");
    if (put_raw(w, (size_t)before, err) < 0 || put_content(w, offset, size - offset, path, err) < 0)
        return -1;
    w->content_end = position + size;
    uint64_t here = w->content_end - w->start;
    if (here > w->pending.size)
        here = w->pending.size;
    buf_consume(&w->pending, (size_t)here);
    w->start += here;
    return 0;
}

int skeleton_finish(struct skeleton_writer *w, struct err *err)
{
    if (skeleton_add(w, "", 0, err) < 0)
        return -1;
    uint64_t le_size = htole64(w->start);
    if (put(w, "E", 1, err) < 0)
        return -1;
    return compress(w, &le_size, sizeof(le_size), ZSTD_e_end, err);
}
