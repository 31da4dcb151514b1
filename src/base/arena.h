#pragma once
/*
 * An arena: memory for one request or one job, released all at once. Blocks are made as needed, small ones first, so
 * that an object may have an arena of its own too; arena_done() frees them. Zeroed and aligned for any type. Never NULL
 * (see base/mem.h); whoever parses what comes from outside bounds its input first.
 *
 *     struct arena arena cleanup(arena_done) = {0};
 *     char *name = arena_strdup(&arena, "web");
 */
#include <stdarg.h>
#include <stddef.h>

struct arena_block;

struct arena {
    struct arena_block *blocks; /* owned; the newest first */
    size_t used;                /* bytes handed out in all */
};

void *arena_alloc(struct arena *arena, size_t size);
void *arena_alloc_array(struct arena *arena, size_t count, size_t size);
char *arena_strdup(struct arena *arena, const char *s); /* NULL gives NULL */
char *arena_strndup(struct arena *arena, const char *s, size_t n);
void *arena_memdup(struct arena *arena, const void *data, size_t size);
char *arena_printf(struct arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));
char *arena_vprintf(struct arena *arena, const char *format, va_list args) __attribute__((format(printf, 2, 0)));
void arena_done(struct arena *arena);

#define ARENA_NEW(arena, type) ((type *)arena_alloc(arena, sizeof(type)))
