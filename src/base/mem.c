#include "base/mem.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static _Noreturn void out_of_memory(size_t size)
{
    char line[96];
    int n = snprintf(line, sizeof(line), "shoal: out of memory (%zu bytes asked for)\n", size);
    (void)!write(STDERR_FILENO, line, (size_t)n);
    _exit(MEM_EXIT_STATUS);
}

static long fault_countdown(void)
{
    const char *value = getenv("SHOAL_FAULT_ALLOC");
    return value ? strtol(value, NULL, 10) : 0;
}

/* True once, for the allocation that SHOAL_FAULT_ALLOC names. */
static int fault_now(void)
{
    static long left = -1;
    if (left < 0)
        left = fault_countdown();
    return left > 0 && --left == 0;
}

void *mem_alloc(size_t size)
{
    void *p = fault_now() ? NULL : calloc(1, size ? size : 1);
    if (!p)
        out_of_memory(size);
    return p;
}

void *mem_alloc_array(size_t count, size_t size)
{
    size_t total;
    if (__builtin_mul_overflow(count, size, &total))
        out_of_memory(SIZE_MAX);
    return mem_alloc(total);
}

void *mem_realloc(void *old, size_t size)
{
    void *p = fault_now() ? NULL : realloc(old, size ? size : 1);
    if (!p)
        out_of_memory(size);
    return p;
}

void *mem_memdup(const void *data, size_t size)
{
    void *p = mem_alloc(size);
    if (size)
        memcpy(p, data, size);
    return p;
}

char *mem_strndup(const char *s, size_t n)
{
    size_t length = strnlen(s, n);
    char *copy = mem_alloc(length + 1);
    memcpy(copy, s, length);
    return copy;
}

char *mem_strdup(const char *s)
{
    return mem_memdup(s, strlen(s) + 1);
}

char *mem_printf(const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *text = mem_alloc((size_t)n + 1);
    (void)vsnprintf(text, (size_t)n + 1, format, again);
    va_end(again);
    return text;
}
