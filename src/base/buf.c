#include "base/buf.h"

#include "base/mem.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Makes room for size bytes and a NUL; false past the maximum, which is never so large that a sum wraps around. */
static bool make_room(struct buf *b, size_t size)
{
    size_t max = b->max < SIZE_MAX / 4 ? b->max : SIZE_MAX / 4;
    if (b->failed || size > max || b->size > max - size) {
        b->failed = true;
        return false;
    }
    size_t needed = b->size + size + 1;
    if (needed <= b->capacity)
        return true;
    size_t capacity = b->capacity ? b->capacity : 64;
    while (capacity < needed)
        capacity *= 2;
    if (capacity > max + 1)
        capacity = max + 1;
    b->data = mem_realloc(b->data, capacity);
    b->capacity = capacity;
    b->data[b->size] = '\0'; /* nothing may come to follow: size 0, or a buf_reserve() that is not claimed */
    return true;
}

void buf_add(struct buf *b, const void *data, size_t size)
{
    if (!make_room(b, size))
        return;
    if (size)
        memcpy(b->data + b->size, data, size);
    buf_claim(b, size);
}

void buf_adds(struct buf *b, const char *s)
{
    buf_add(b, s, strlen(s));
}

void buf_addc(struct buf *b, char c)
{
    buf_add(b, &c, 1);
}

void buf_vprintf(struct buf *b, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    if (make_room(b, (size_t)n)) {
        (void)vsnprintf(b->data + b->size, (size_t)n + 1, format, again);
        b->size += (size_t)n;
    }
    va_end(again);
}

void buf_printf(struct buf *b, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    buf_vprintf(b, format, args);
    va_end(args);
}

void *buf_reserve(struct buf *b, size_t size)
{
    return make_room(b, size) ? b->data + b->size : NULL;
}

void buf_claim(struct buf *b, size_t size)
{
    if (!size)
        return;
    b->size += size;
    b->data[b->size] = '\0';
}

void buf_consume(struct buf *b, size_t size)
{
    if (!size)
        return;
    b->size -= size;
    memmove(b->data, b->data + size, b->size + 1);
}

void buf_reset(struct buf *b)
{
    b->size = 0;
    b->failed = false;
    if (b->data)
        b->data[0] = '\0';
}

void buf_done(struct buf *b)
{
    free(b->data);
    *b = BUF(b->max);
}

const char *buf_str(const struct buf *b)
{
    return b->data ? b->data : "";
}

char *buf_take(struct buf *b)
{
    char *text = b->data ? b->data : mem_strdup("");
    *b = BUF(b->max);
    return text;
}
