#include "compose/merge.h"

#include "base/map.h"
#include "base/str.h"
#include "base/vec.h"

struct merge {
    struct walk *walk;
    bool keep_marks;
};

static struct yaml *merge(const struct merge *m, const struct shape *shape, const struct place *place,
                          struct yaml *base, struct yaml *over);

static struct yaml *cannot(const struct merge *m, const struct place *place, const struct yaml *base,
                           const struct yaml *over)
{
    place_fail(m->walk, place, over, "%s, expected %s as in %s line %u", yaml_kind_name(over->kind),
               yaml_kind_name(base->kind), base->file ? base->file : "the first file", base->line);
    return NULL;
}

static struct yaml *merge_maps(const struct merge *m, const struct shape *shape, const struct place *place,
                               struct yaml *base, struct yaml *over)
{
    if (!yaml_is(base, YAML_MAP) || !yaml_is(over, YAML_MAP))
        return cannot(m, place, base, over);
    vec_foreach (pair, &over->map) {
        struct place here = {.up = place, .key = pair->key};
        struct yaml *present = yaml_get(base, pair->key), *value = pair->value;
        if (value->mark == YAML_RESET && !m->keep_marks) {
            yaml_remove(base, pair->key);
            continue;
        }
        if (present && value->mark == YAML_UNMARKED)
            value = merge(m, shape ? shape_under(shape, pair->key) : NULL, &here, present, value);
        if (!value)
            return NULL;
        yaml_set(m->walk->arena, base, pair->key, value);
    }
    return base;
}

static struct yaml *append(const struct merge *m, const struct place *place, struct yaml *base, struct yaml *over)
{
    if (!yaml_is(base, YAML_LIST) || !yaml_is(over, YAML_LIST))
        return cannot(m, place, base, over);
    vec_foreach (item, &over->list)
        yaml_push(m->walk->arena, base, *item);
    return base;
}

static void push_pair(struct arena *arena, struct yaml *list, const char *key, const struct yaml *value)
{
    const char *text = yaml_text(arena, value);
    if (value->kind == YAML_LIST) {
        vec_foreach (item, &value->list)
            push_pair(arena, list, key, *item);
    } else if (value->kind == YAML_NULL) {
        yaml_push(arena, list, yaml_new_string(arena, key, value));
    } else {
        yaml_push(arena, list, yaml_new_string(arena, arena_printf(arena, "%s=%s", key, text ? text : ""), value));
    }
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp((*(struct yaml *const *)a)->string, (*(struct yaml *const *)b)->string);
}

/* Is item KEY or KEY=VALUE? */
static bool has_key(const struct yaml *item, const char *key)
{
    const char *rest = yaml_string(item) ? str_after(item->string, key) : NULL;
    return rest && (!*rest || *rest == '=');
}

/* Removes a key from a mapping, or from a list of KEY=VALUE. */
static void remove_key(struct yaml *base, const char *key)
{
    if (base->kind == YAML_MAP)
        yaml_remove(base, key);
    for (size_t i = 0; base->kind == YAML_LIST && i < base->list.count;) {
        if (has_key(base->list.items[i], key))
            vec_remove(&base->list, i);
        else
            i++;
    }
}

static bool is_not_reset(void *data, const struct yaml_pair *pair)
{
    return pair->value->mark != YAML_RESET;
}

/* Carries out the marks in over on base, where the two are about to become lists: what is marked goes from base, !reset
 * from over too. */
static void apply_marks(struct yaml *base, struct yaml *over)
{
    for (size_t i = 0; over->kind == YAML_MAP && i < over->map.count; i++) {
        if (over->map.items[i].value->mark != YAML_UNMARKED)
            remove_key(base, over->map.items[i].key);
    }
    yaml_filter(over, is_not_reset, NULL);
}

/* A mapping as a sorted list of KEY=VALUE, a text as a list of one. */
static struct yaml *to_list(struct arena *arena, struct yaml *node)
{
    if (node->kind == YAML_LIST)
        return node;
    struct yaml *list = yaml_new(arena, YAML_LIST, node);
    if (node->kind == YAML_STRING)
        yaml_push(arena, list, node);
    if (node->kind == YAML_MAP) {
        vec_foreach (pair, &node->map)
            push_pair(arena, list, pair->key, pair->value);
        if (list->list.count)
            qsort(list->list.items, list->list.count, sizeof(*list->list.items), compare_texts);
    }
    return list;
}

static struct yaml *merge_hosts(const struct merge *m, struct yaml *base, struct yaml *over)
{
    struct map present = {0};
    base = to_list(m->walk->arena, base);
    over = to_list(m->walk->arena, over);
    vec_foreach (item, &base->list)
        map_put(&present, yaml_text(m->walk->arena, *item), *item);
    vec_foreach (item, &over->list) {
        if (!map_put(&present, yaml_text(m->walk->arena, *item), *item))
            yaml_push(m->walk->arena, base, *item);
    }
    map_done(&present);
    return base;
}

/* A text as a mapping with the context. */
static struct yaml *to_build(struct arena *arena, struct yaml *node)
{
    if (node->kind != YAML_STRING)
        return node;
    struct yaml *map = yaml_new(arena, YAML_MAP, node);
    yaml_set(arena, map, "context", node);
    return map;
}

/* A list of names as a mapping, to nothing or to the default condition. */
static struct yaml *to_names(struct arena *arena, struct yaml *node, bool conditions)
{
    if (node->kind != YAML_LIST)
        return node;
    struct yaml *map = yaml_new(arena, YAML_MAP, node);
    vec_foreach (item, &node->list) {
        struct yaml *value = yaml_new(arena, conditions ? YAML_MAP : YAML_NULL, *item);
        if (conditions) {
            yaml_set(arena, value, "condition", yaml_new_string(arena, "service_started", *item));
            yaml_set(arena, value, "required", yaml_new_bool(arena, true, *item));
        }
        yaml_set(arena, map, yaml_text(arena, *item), value);
    }
    return map;
}

static struct yaml *merge_logging(const struct merge *m, const struct shape *shape, const struct place *place,
                                  struct yaml *base, struct yaml *over)
{
    const char *old = yaml_get_string(base, "driver"), *new = yaml_get_string(over, "driver");
    return old && new && !str_eq(old, new) ? over : merge_maps(m, shape, place, base, over);
}

/* Pools with the same subnet are one; others are added. */
static struct yaml *merge_pools(const struct merge *m, const struct shape *shape, const struct place *place,
                                struct yaml *base, struct yaml *over)
{
    if (!yaml_is(base, YAML_LIST) || !yaml_is(over, YAML_LIST))
        return cannot(m, place, base, over);
    vec_foreach (item, &over->list) {
        struct yaml **same = NULL;
        vec_foreach (old, &base->list) {
            if (str_same(yaml_get_string(*old, "subnet"), yaml_get_string(*item, "subnet")))
                same = old;
        }
        if (!same)
            yaml_push(m->walk->arena, base, *item);
        else if (!(*same = merge_maps(m, shape->items, place, *same, *item)))
            return NULL;
    }
    return base;
}

static struct yaml *merge(const struct merge *m, const struct shape *shape, const struct place *place,
                          struct yaml *base, struct yaml *over)
{
    struct arena *arena = m->walk->arena;
    enum merge_rule rule = shape ? shape->merge : MERGE_BY_KIND;
    if (rule == MERGE_REPLACE || base->kind == YAML_NULL)
        return over;
    if (over->kind == YAML_NULL)
        return base;
    switch (rule) {
    case MERGE_SEQUENCE:
        apply_marks(base, over);
        return append(m, place, to_list(arena, base), to_list(arena, over));
    case MERGE_HOSTS:
        return merge_hosts(m, base, over);
    case MERGE_BUILD:
        return merge_maps(m, shape, place, to_build(arena, base), to_build(arena, over));
    case MERGE_NAMES:
    case MERGE_DEPENDS:
        return merge_maps(m, shape, place, to_names(arena, base, rule == MERGE_DEPENDS),
                          to_names(arena, over, rule == MERGE_DEPENDS));
    case MERGE_LOGGING:
        return merge_logging(m, shape, place, base, over);
    case MERGE_IPAM:
        return merge_pools(m, shape, place, base, over);
    default:
        break;
    }
    if (base->kind == YAML_MAP)
        return merge_maps(m, shape, place, base, over);
    return base->kind == YAML_LIST ? append(m, place, base, over) : over;
}

struct yaml *merge_trees(struct walk *walk, const struct shape *shape, const struct place *place, struct yaml *base,
                         struct yaml *over, bool keep_marks)
{
    struct merge m = {walk, keep_marks};
    return merge(&m, shape, place, base, over);
}

void merge_drop_marks(struct yaml *node)
{
    node->mark = YAML_UNMARKED;
    yaml_filter(node, is_not_reset, NULL);
    if (node->kind == YAML_MAP) {
        vec_foreach (pair, &node->map)
            merge_drop_marks(pair->value);
    }
    if (node->kind == YAML_LIST) {
        size_t n = 0;
        vec_foreach (item, &node->list) {
            if ((*item)->mark != YAML_RESET)
                node->list.items[n++] = *item;
        }
        node->list.count = n;
        vec_foreach (item, &node->list)
            merge_drop_marks(*item);
    }
}
