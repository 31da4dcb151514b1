#include "codec/yaml_tree.h"
#include "base/str.h"
#include "base/vec.h"

struct yaml *yaml_new(struct arena *arena, enum yaml_kind kind, const struct yaml *at)
{
    struct yaml *node = ARENA_NEW(arena, struct yaml);
    node->kind = kind;
    if (at) {
        node->file = at->file;
        node->line = at->line;
        node->column = at->column;
    }
    return node;
}

struct yaml *yaml_new_string(struct arena *arena, const char *text, const struct yaml *at)
{
    struct yaml *node = yaml_new(arena, YAML_STRING, at);
    node->string = arena_strdup(arena, text);
    return node;
}

struct yaml *yaml_new_bool(struct arena *arena, bool value, const struct yaml *at)
{
    struct yaml *node = yaml_new(arena, YAML_BOOL, at);
    node->boolean = value;
    return node;
}

struct yaml *yaml_new_int(struct arena *arena, int64_t value, const struct yaml *at)
{
    struct yaml *node = yaml_new(arena, YAML_INT, at);
    node->integer = value;
    return node;
}

struct yaml *yaml_clone(struct arena *arena, const struct yaml *node)
{
    if (!node)
        return NULL;
    struct yaml *copy = arena_memdup(arena, node, sizeof(*node));
    if (node->kind == YAML_LIST && node->list.count) {
        copy->list.capacity = node->list.count;
        copy->list.items = arena_alloc_array(arena, node->list.count, sizeof(*node->list.items));
        for (size_t i = 0; i < node->list.count; i++)
            copy->list.items[i] = yaml_clone(arena, node->list.items[i]);
    }
    if (node->kind == YAML_MAP && node->map.count) {
        copy->map.capacity = node->map.count;
        copy->map.items = arena_memdup(arena, node->map.items, node->map.count * sizeof(*node->map.items));
        if (node->map.index)
            copy->map.index = arena_memdup(arena, node->map.index, node->map.index_size * sizeof(*node->map.index));
        vec_foreach (pair, &copy->map)
            pair->value = yaml_clone(arena, pair->value);
    }
    return copy;
}

/* --- mappings ------------------------------------------------------------------------------------------------------
 */

#define INDEX_FROM 32 /* pairs; below, comparing them all is as fast */

/* FNV-1a, from a start that differs from process to process, so that nobody can choose keys that collide. */
static size_t hash(const char *key)
{
    uint64_t h = 0xcbf29ce484222325ULL ^ (uintptr_t)&yaml_get;
    for (; *key; key++)
        h = (h ^ (unsigned char)*key) * 0x100000001b3ULL;
    return (size_t)(h ^ h >> 32);
}

/* The slot that key is in, or would be; slots hold positions + 1. */
static uint32_t *slot_of(const struct yaml *map, const char *key)
{
    for (size_t i = hash(key);; i++) {
        uint32_t *slot = &map->map.index[i & (map->map.index_size - 1)];
        if (!*slot || str_eq(map->map.items[*slot - 1].key, key))
            return slot;
    }
}

static void fill_index(struct yaml *map)
{
    if (!map->map.index)
        return;
    memset(map->map.index, 0, map->map.index_size * sizeof(*map->map.index));
    for (size_t i = 0; i < map->map.count; i++)
        *slot_of(map, map->map.items[i].key) = (uint32_t)i + 1;
}

/* After the last pair was added: at most half of the slots are in use. */
static void note_last(struct arena *arena, struct yaml *map)
{
    size_t count = map->map.count;
    if (count < INDEX_FROM)
        return;
    if (map->map.index && count * 2 <= map->map.index_size) {
        *slot_of(map, map->map.items[count - 1].key) = (uint32_t)count;
        return;
    }
    map->map.index_size = map->map.index_size ? map->map.index_size * 2 : (size_t)INDEX_FROM * 4;
    map->map.index = arena_alloc_array(arena, map->map.index_size, sizeof(*map->map.index));
    fill_index(map);
}

struct yaml_pair *yaml_find(const struct yaml *node, const char *key)
{
    if (!yaml_is(node, YAML_MAP))
        return NULL;
    if (node->map.index) {
        uint32_t slot = *slot_of(node, key);
        return slot ? &node->map.items[slot - 1] : NULL;
    }
    vec_foreach (pair, &node->map) {
        if (str_eq(pair->key, key))
            return pair;
    }
    return NULL;
}

struct yaml *yaml_get(const struct yaml *node, const char *key)
{
    struct yaml_pair *pair = yaml_find(node, key);
    return pair ? pair->value : NULL;
}

void yaml_append(struct arena *arena, struct yaml *map, struct yaml_pair pair)
{
    vec_push_in(arena, &map->map, pair);
    note_last(arena, map);
}

struct yaml *yaml_set(struct arena *arena, struct yaml *map, const char *key, struct yaml *value)
{
    struct yaml_pair *pair = yaml_find(map, key);
    if (pair)
        pair->value = value;
    else
        yaml_append(arena, map, (struct yaml_pair){arena_strdup(arena, key), value, value->line, value->column});
    return value;
}

void yaml_remove(struct yaml *map, const char *key)
{
    const struct yaml_pair *pair = yaml_find(map, key);
    if (!pair)
        return;
    vec_remove(&map->map, (size_t)(pair - map->map.items));
    fill_index(map);
}

void yaml_filter(struct yaml *map, yaml_keep *keep, void *data)
{
    size_t n = 0;
    if (!yaml_is(map, YAML_MAP))
        return;
    for (size_t i = 0; i < map->map.count; i++) {
        if (keep(data, &map->map.items[i]))
            map->map.items[n++] = map->map.items[i];
    }
    map->map.count = n;
    fill_index(map);
}

static int compare_keys(const void *a, const void *b)
{
    return strcmp(((const struct yaml_pair *)a)->key, ((const struct yaml_pair *)b)->key);
}

void yaml_sort(struct yaml *map)
{
    if (yaml_is(map, YAML_MAP) && map->map.count)
        qsort(map->map.items, map->map.count, sizeof(*map->map.items), compare_keys);
    if (yaml_is(map, YAML_MAP))
        fill_index(map);
}

void yaml_push(struct arena *arena, struct yaml *list, struct yaml *item)
{
    vec_push_in(arena, &list->list, item);
}

const char *yaml_string(const struct yaml *node)
{
    return yaml_is(node, YAML_STRING) ? node->string : NULL;
}

const char *yaml_get_string(const struct yaml *map, const char *key)
{
    return yaml_string(yaml_get(map, key));
}

bool yaml_get_bool(const struct yaml *map, const char *key)
{
    const struct yaml *node = yaml_get(map, key);
    return yaml_is(node, YAML_BOOL) && node->boolean;
}

static bool equal_lists(const struct yaml *a, const struct yaml *b)
{
    if (a->list.count != b->list.count)
        return false;
    for (size_t i = 0; i < a->list.count; i++) {
        if (!yaml_equal(a->list.items[i], b->list.items[i]))
            return false;
    }
    return true;
}

static bool equal_maps(const struct yaml *a, const struct yaml *b)
{
    if (a->map.count != b->map.count)
        return false;
    vec_foreach (pair, &a->map) {
        struct yaml_pair *other = yaml_find(b, pair->key);
        if (!other || !yaml_equal(pair->value, other->value))
            return false;
    }
    return true;
}

bool yaml_equal(const struct yaml *a, const struct yaml *b)
{
    if (!a || !b || a->kind != b->kind)
        return a == b;
    switch (a->kind) {
    case YAML_NULL:
        return true;
    case YAML_BOOL:
        return a->boolean == b->boolean;
    case YAML_INT:
        return a->integer == b->integer;
    case YAML_FLOAT:
        return a->number == b->number || (a->number != a->number && b->number != b->number);
    case YAML_STRING:
        return str_eq(a->string, b->string);
    case YAML_LIST:
        return equal_lists(a, b);
    default:
        return equal_maps(a, b);
    }
}

const char *yaml_kind_name(enum yaml_kind kind)
{
    static const char *const names[] = {
        [YAML_NULL] = "nothing",  [YAML_BOOL] = "a boolean", [YAML_INT] = "a number",  [YAML_FLOAT] = "a number",
        [YAML_STRING] = "a text", [YAML_LIST] = "a list",    [YAML_MAP] = "a mapping",
    };
    return names[kind];
}
