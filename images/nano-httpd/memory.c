/*
 * The functions that a compiler may call on its own. KEEP_LOOP keeps it from making of their loops the very calls that
 * they are.
 */
#include <stddef.h>

#define KEEP_LOOP __asm__ volatile("")

void *memcpy(void *restrict to, const void *restrict from, size_t size);
void *memset(void *to, int byte, size_t size);
int memcmp(const void *a, const void *b, size_t size);

void *memcpy(void *restrict to, const void *restrict from, size_t size)
{
    char *t = to;
    for (const char *f = from; size; size--) {
        *t++ = *f++;
        KEEP_LOOP;
    }
    return to;
}

void *memset(void *to, int byte, size_t size)
{
    for (char *t = to; size; size--) {
        *t++ = (char)byte;
        KEEP_LOOP;
    }
    return to;
}

int memcmp(const void *a, const void *b, size_t size)
{
    const unsigned char *x = a, *y = b;
    for (; size; size--, x++, y++)
        if (*x != *y)
            return *x - *y;
    return 0;
}
