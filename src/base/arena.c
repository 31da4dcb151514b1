#include "base/arena.h"

#include "base/mem.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* With their head and malloc's own they fill 256 and 4096 bytes. */
#define BLOCK_FIRST ((size_t)256 - 48)
#define BLOCK_MAX   ((size_t)4096 - 48)
#define ALIGNMENT   (_Alignof(max_align_t))

struct arena_block {
    struct arena_block *next;
    size_t size;
    size_t used;
    _Alignas(max_align_t) unsigned char data[];
};

static struct arena_block *block_new(size_t size)
{
    struct arena_block *block = mem_alloc(sizeof(*block) + size);
    block->size = size;
    return block;
}

static size_t room_of(const struct arena_block *block)
{
    return block->size - block->used;
}

/* As large as all before it, so that little is wasted in small arenas and few blocks are made for large ones. */
static size_t next_size(const struct arena *arena)
{
    if (arena->used < BLOCK_FIRST)
        return BLOCK_FIRST;
    return arena->used < BLOCK_MAX ? arena->used : BLOCK_MAX;
}

static struct arena_block *block_with_room(struct arena *arena, size_t size)
{
    struct arena_block *first = arena->blocks;
    if (first && room_of(first) >= size)
        return first;
    size_t usual = next_size(arena);
    struct arena_block *block = block_new(size > usual ? size : usual);
    /* The one that will have more room is in front. */
    if (first && room_of(first) > block->size - size) {
        block->next = first->next;
        first->next = block;
    } else {
        block->next = first;
        arena->blocks = block;
    }
    return block;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    if (size > SIZE_MAX / 2)
        size = SIZE_MAX / 2; /* nothing below wraps around, and it ends in mem_alloc's message */
    size = (size + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
    if (!size)
        size = ALIGNMENT;
    struct arena_block *block = block_with_room(arena, size);
    void *p = block->data + block->used;
    block->used += size;
    arena->used += size;
    return p;
}

void *arena_alloc_array(struct arena *arena, size_t count, size_t size)
{
    size_t total;
    if (__builtin_mul_overflow(count, size, &total))
        total = SIZE_MAX;
    return arena_alloc(arena, total);
}

void *arena_memdup(struct arena *arena, const void *data, size_t size)
{
    void *p = arena_alloc(arena, size);
    if (size)
        memcpy(p, data, size);
    return p;
}

char *arena_strndup(struct arena *arena, const char *s, size_t n)
{
    size_t length = strnlen(s, n);
    char *copy = arena_alloc(arena, length + 1);
    memcpy(copy, s, length);
    return copy;
}

char *arena_strdup(struct arena *arena, const char *s)
{
    return s ? arena_memdup(arena, s, strlen(s) + 1) : NULL;
}

char *arena_vprintf(struct arena *arena, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    char *text = arena_alloc(arena, (size_t)n + 1);
    (void)vsnprintf(text, (size_t)n + 1, format, again);
    va_end(again);
    return text;
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text = arena_vprintf(arena, format, args);
    va_end(args);
    return text;
}

void arena_done(struct arena *arena)
{
    struct arena_block *block = arena->blocks;
    while (block) {
        struct arena_block *next = block->next;
        free(block);
        block = next;
    }
    *arena = (struct arena){0};
}
