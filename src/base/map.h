#pragma once
/*
 * A hash map from text to a pointer. Keys are copied; values are the caller's. Iteration is in no useful order; the map
 * must not change meanwhile. Hashing is keyed by a secret of the process: keys from outside cannot make it slow.
 */
#include <stdbool.h>
#include <stddef.h>

struct map_entry {
    char *key;
    void *value;
};

struct map {
    struct map_entry *entries; /* owned; open addressing, key NULL where free */
    size_t count;
    size_t capacity; /* a power of two, or 0 */
};

void *map_get(const struct map *map, const char *key); /* NULL where absent */
/* The entry itself, until the map changes; NULL where absent. Its key stays where it is until it is removed. */
const struct map_entry *map_find(const struct map *map, const char *key);
/* Sets key to value (not NULL); returns the value it had, or NULL. */
void *map_put(struct map *map, const char *key, void *value);
/* Removes key, which may be the map's own copy; returns its value, or NULL where absent. */
void *map_remove(struct map *map, const char *key);
void map_done(struct map *map);

/*
 * The first entry at or after position *i, which moves past it; NULL at the end:
 *
 *     struct map_entry *entry;
 *     for (size_t i = 0; (entry = map_next(&map, &i));)
 */
struct map_entry *map_next(const struct map *map, size_t *i);
