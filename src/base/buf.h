#pragma once
/*
 * A growing byte buffer with a mandatory maximum. What would pass the maximum is not added, and the buffer stays
 * failed: callers append freely and look once, at the end, with buf_failed(). data is always NUL-terminated once
 * anything was appended (the NUL does not count in size).
 *
 *     struct buf b cleanup(buf_done) = BUF(64 * 1024);
 *     buf_printf(&b, "%s:%d", host, port);
 *     if (buf_failed(&b)) …
 */
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct buf {
    char *data; /* owned; NULL while empty */
    size_t size;
    size_t capacity;
    size_t max;
    bool failed;
};

#define BUF(maximum) ((struct buf){.max = (maximum)})

void buf_add(struct buf *b, const void *data, size_t size);
void buf_adds(struct buf *b, const char *s);
void buf_addc(struct buf *b, char c);
void buf_printf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buf_vprintf(struct buf *b, const char *format, va_list args) __attribute__((format(printf, 2, 0)));

/* Room for size bytes at the end, to be filled by read(2) and claimed with buf_claim(). NULL past the maximum. */
void *buf_reserve(struct buf *b, size_t size);
void buf_claim(struct buf *b, size_t size);

/* Drops size bytes from the front. */
void buf_consume(struct buf *b, size_t size);

/* Empties it, keeps the memory and clears the failure. */
void buf_reset(struct buf *b);
void buf_done(struct buf *b);

/* The text so far, "" when empty. */
const char *buf_str(const struct buf *b);
/* Moves the text out (to be freed by the caller), and leaves the buffer empty. */
char *buf_take(struct buf *b);

static inline bool buf_failed(const struct buf *b)
{
    return b->failed;
}
