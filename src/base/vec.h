#pragma once
/*
 * Typed growable arrays, in the heap or in an arena.
 *
 *     VEC(struct port) ports = {0};
 *     vec_push(&ports, (struct port){…});          // heap: vec_done(&ports) frees the array, not what it points to
 *     vec_push_in(&arena, &ports, (struct port){…});  // arena: freed with the arena; never mix the two on one vector
 *     vec_foreach (p, &ports)
 *         use(p->host, p->container);
 */
#include "base/arena.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

#define VEC(type)                                                                                                      \
    struct {                                                                                                           \
        type *items;                                                                                                   \
        size_t count;                                                                                                  \
        size_t capacity;                                                                                               \
    }

#define vec_foreach(p, v) for (__typeof__((v)->items + 0) p = (v)->items; p && p < (v)->items + (v)->count; p++)

#define vec_push(v, ...)                                                                                               \
    do {                                                                                                               \
        if ((v)->count == (v)->capacity) {                                                                             \
            (v)->capacity = (v)->capacity ? (v)->capacity * 2 : 2;                                                     \
            (v)->items = mem_realloc((v)->items, (v)->capacity * sizeof(*(v)->items));                                 \
        }                                                                                                              \
        (v)->items[(v)->count++] = (__VA_ARGS__);                                                                      \
    } while (0)

#define vec_push_in(arena, v, ...)                                                                                     \
    do {                                                                                                               \
        if ((v)->count == (v)->capacity) {                                                                             \
            size_t vec_capacity_ = (v)->capacity ? (v)->capacity * 2 : sizeof(*(v)->items) > 32 ? 1 : 4;               \
            void *vec_items_ = arena_alloc_array(arena, vec_capacity_, sizeof(*(v)->items));                           \
            if ((v)->count)                                                                                            \
                memcpy(vec_items_, (v)->items, (v)->count * sizeof(*(v)->items));                                      \
            (v)->items = vec_items_;                                                                                   \
            (v)->capacity = vec_capacity_;                                                                             \
        }                                                                                                              \
        (v)->items[(v)->count++] = (__VA_ARGS__);                                                                      \
    } while (0)

/* Removes the item at index i, keeping the order of the rest. */
#define vec_remove(v, i)                                                                                               \
    do {                                                                                                               \
        size_t vec_i_ = (i);                                                                                           \
        memmove(&(v)->items[vec_i_], &(v)->items[vec_i_ + 1], ((v)->count - vec_i_ - 1) * sizeof(*(v)->items));        \
        (v)->count--;                                                                                                  \
    } while (0)

#define vec_done(v)                                                                                                    \
    do {                                                                                                               \
        free((v)->items);                                                                                              \
        (v)->items = NULL;                                                                                             \
        (v)->count = (v)->capacity = 0;                                                                                \
    } while (0)

/* A list of strings, the commonest of all. */
struct strings {
    char **items;
    size_t count;
    size_t capacity;
};
