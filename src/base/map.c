#include "base/map.h"

#include "base/mem.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* SipHash-1-3: whoever does not know the secret cannot choose keys that collide. */
struct sip {
    uint64_t v0, v1, v2, v3;
};

static uint64_t rotate(uint64_t x, int bits)
{
    return x << bits | x >> (64 - bits);
}

static void sip_round(struct sip *s)
{
    s->v0 += s->v1;
    s->v1 = rotate(s->v1, 13) ^ s->v0;
    s->v0 = rotate(s->v0, 32);
    s->v2 += s->v3;
    s->v3 = rotate(s->v3, 16) ^ s->v2;
    s->v0 += s->v3;
    s->v3 = rotate(s->v3, 21) ^ s->v0;
    s->v2 += s->v1;
    s->v1 = rotate(s->v1, 17) ^ s->v2;
    s->v2 = rotate(s->v2, 32);
}

static void sip_add(struct sip *s, uint64_t word)
{
    s->v3 ^= word;
    sip_round(s);
    s->v0 ^= word;
}

static struct sip sip_start(void)
{
    static uint64_t secret[2];
    while (!secret[0])
        (void)!getrandom(secret, sizeof(secret), 0);
    return (struct sip){secret[0] ^ 0x736f6d6570736575, secret[1] ^ 0x646f72616e646f6d, secret[0] ^ 0x6c7967656e657261,
                        secret[1] ^ 0x7465646279746573};
}

static size_t hash(const char *key)
{
    struct sip s = sip_start();
    size_t size = strlen(key), left = size;
    uint64_t word;
    for (; left >= sizeof(word); key += sizeof(word), left -= sizeof(word)) {
        memcpy(&word, key, sizeof(word));
        sip_add(&s, word);
    }
    word = 0;
    memcpy(&word, key, left);
    sip_add(&s, word | (uint64_t)size << 56);
    s.v2 ^= 0xff;
    for (int i = 0; i < 3; i++)
        sip_round(&s);
    return (size_t)(s.v0 ^ s.v1 ^ s.v2 ^ s.v3);
}

/* The slot that holds key, or the free one where it belongs. */
static size_t slot_of(const struct map *map, const char *key)
{
    size_t i = hash(key) & (map->capacity - 1);
    while (map->entries[i].key && strcmp(map->entries[i].key, key) != 0)
        i = (i + 1) & (map->capacity - 1);
    return i;
}

static void grow(struct map *map)
{
    struct map bigger = {.capacity = map->capacity ? map->capacity * 2 : 16, .count = map->count};
    bigger.entries = mem_alloc_array(bigger.capacity, sizeof(*bigger.entries));
    for (size_t i = 0; i < map->capacity; i++)
        if (map->entries[i].key)
            bigger.entries[slot_of(&bigger, map->entries[i].key)] = map->entries[i];
    free(map->entries);
    *map = bigger;
}

const struct map_entry *map_find(const struct map *map, const char *key)
{
    const struct map_entry *entry = map->capacity ? &map->entries[slot_of(map, key)] : NULL;
    return entry && entry->key ? entry : NULL;
}

void *map_get(const struct map *map, const char *key)
{
    const struct map_entry *entry = map_find(map, key);
    return entry ? entry->value : NULL;
}

void *map_put(struct map *map, const char *key, void *value)
{
    if ((map->count + 1) * 4 > map->capacity * 3)
        grow(map);
    struct map_entry *entry = &map->entries[slot_of(map, key)];
    void *old = entry->value;
    if (!entry->key) {
        entry->key = mem_strdup(key);
        map->count++;
    }
    entry->value = value;
    return old;
}

void *map_remove(struct map *map, const char *key)
{
    if (!map->capacity)
        return NULL;
    size_t i = slot_of(map, key);
    void *old = map->entries[i].value;
    if (!map->entries[i].key)
        return NULL;
    free(map->entries[i].key);
    map->entries[i] = (struct map_entry){0};
    map->count--;
    /* Those that had been pushed past this slot move back to where a search finds them. */
    for (size_t j = (i + 1) & (map->capacity - 1); map->entries[j].key; j = (j + 1) & (map->capacity - 1)) {
        struct map_entry moved = map->entries[j];
        map->entries[j] = (struct map_entry){0};
        map->entries[slot_of(map, moved.key)] = moved;
    }
    return old;
}

void map_done(struct map *map)
{
    for (size_t i = 0; i < map->capacity; i++)
        free(map->entries[i].key);
    free(map->entries);
    *map = (struct map){0};
}

struct map_entry *map_next(const struct map *map, size_t *i)
{
    while (*i < map->capacity) {
        struct map_entry *entry = &map->entries[(*i)++];
        if (entry->key)
            return entry;
    }
    return NULL;
}
