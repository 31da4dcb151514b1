#include "compose/model.h"

#include "base/str.h"
#include "base/vec.h"
#include "codec/units.h"
#include "compose/variables.h"
#include "compose/words.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static int type_as_it_is(struct walk *walk, const struct shape *shape, const struct place *place, struct yaml **node)
{
    return 0;
}

static int type_text(struct walk *walk, const struct shape *shape, const struct place *place, struct yaml **node)
{
    if ((*node)->kind != YAML_NULL && yaml_is_scalar(*node))
        *node = yaml_new_string(walk->arena, yaml_text(walk->arena, *node), *node);
    return 0;
}

static int type_int(struct walk *walk, const struct shape *shape, const struct place *place, struct yaml **node)
{
    if ((*node)->kind == YAML_FLOAT)
        *node = yaml_new_int(walk->arena, (int64_t)(*node)->number, *node);
    return variables_cast(walk, shape, place, node);
}

/* Single precision, as Docker's tools keep it: the shortest text that reads back as the same float. */
static int type_float(struct walk *walk, const struct shape *shape, const struct place *place, struct yaml **node)
{
    char text[40];
    if (variables_cast(walk, shape, place, node) < 0)
        return -1;
    if ((*node)->kind != YAML_FLOAT)
        return 0;
    float value = (float)(*node)->number;
    for (int precision = 1; precision <= 9; precision++) {
        snprintf(text, sizeof(text), "%.*g", precision, (double)value);
        if (strtof(text, NULL) == value)
            break;
    }
    struct yaml *number = yaml_new(walk->arena, YAML_FLOAT, *node);
    number->number = strtod(text, NULL);
    bool whole = number->number == (double)(int64_t)number->number;
    *node = whole ? yaml_new_int(walk->arena, (int64_t)number->number, *node) : number;
    return 0;
}

static int type_bytes(struct walk *walk, const struct shape *shape, const struct place *place, struct yaml **node)
{
    int64_t bytes = (*node)->kind == YAML_INT     ? (*node)->integer
                    : (*node)->kind == YAML_FLOAT ? (int64_t)(*node)->number
                                                  : 0;
    if ((*node)->kind == YAML_NULL)
        return 0;
    if ((*node)->kind == YAML_STRING && !size_parse((*node)->string, &bytes))
        return place_fail(walk, place, *node, "\"%s\", expected %s", (*node)->string, shape->expected);
    *node = yaml_new_string(walk->arena, arena_printf(walk->arena, "%" PRId64, bytes), *node);
    return 0;
}

static int type_duration(struct walk *walk, const struct shape *shape, const struct place *place, struct yaml **node)
{
    int64_t ns;
    char text[DURATION_TEXT_MAX];
    if ((*node)->kind != YAML_STRING)
        return 0;
    if (!duration_parse((*node)->string, &ns))
        return place_fail(walk, place, *node, "\"%s\", expected %s", (*node)->string, shape->expected);
    duration_format(ns, text);
    *node = yaml_new_string(walk->arena, text, *node);
    return 0;
}

static int type_count(struct walk *walk, const struct shape *shape, const struct place *place, struct yaml **node)
{
    int64_t count = -1;
    const char *text = yaml_string(*node);
    if (!text)
        return 0;
    if (!str_eq(text, "all") && !str_to_i64(text, &count))
        return place_fail(walk, place, *node, "\"%s\", expected %s", text, shape->expected);
    *node = yaml_new_int(walk->arena, count, *node);
    return 0;
}

static int type_mode(struct walk *walk, const struct shape *shape, const struct place *place, struct yaml **node)
{
    const char *text = yaml_string(*node);
    int64_t mode = yaml_is(*node, YAML_INT) ? (*node)->integer : 0;
    if (text) {
        char *end;
        mode = strtoll(text, &end, 8);
        if (!*text || *end)
            return place_fail(walk, place, *node, "\"%s\", expected %s", text, shape->expected);
    }
    *node = yaml_new_string(walk->arena, arena_printf(walk->arena, "0%" PRIo64, (uint64_t)mode), *node);
    return 0;
}

static int type_children(struct walk *walk, const struct shape *shape, const struct place *place, struct yaml **node)
{
    return shape_each(walk, shape, place, *node, model_type);
}

static int type_named(struct walk *walk, const struct shape *shape, const struct place *place, struct yaml **node)
{
    yaml_sort(*node);
    return type_children(walk, shape, place, node);
}

static int type_texts(struct walk *walk, const struct shape *shape, const struct place *place, struct yaml **node)
{
    if ((*node)->kind == YAML_STRING) {
        struct yaml *list = yaml_new(walk->arena, YAML_LIST, *node);
        yaml_push(walk->arena, list, *node);
        *node = list;
    }
    return type_children(walk, shape, place, node);
}

static int type_command(struct walk *walk, const struct shape *shape, const struct place *place, struct yaml **node)
{
    struct strings words = {0};
    const char *lost, *text = yaml_string(*node);
    if (!text)
        return type_children(walk, shape, place, node);
    if (!words_split(walk->arena, text, &words, &lost))
        return place_fail(walk, place, *node, "a quote or a parenthesis is not closed, expected words as for a shell");
    if (lost)
        place_warn(walk, place, *node,
                   "no shell reads this, so that \"%.40s\" and what follows is not run; "
                   "[\"sh\", \"-c\", …] would",
                   lost);
    struct yaml *list = yaml_new(walk->arena, YAML_LIST, *node);
    vec_foreach (word, &words)
        yaml_push(walk->arena, list, yaml_new_string(walk->arena, *word, *node));
    *node = list;
    return 0;
}

static int type_test(struct walk *walk, const struct shape *shape, const struct place *place, struct yaml **node)
{
    if ((*node)->kind == YAML_STRING) {
        struct yaml *list = yaml_new(walk->arena, YAML_LIST, *node);
        yaml_push(walk->arena, list, yaml_new_string(walk->arena, "CMD-SHELL", *node));
        yaml_push(walk->arena, list, *node);
        *node = list;
    }
    return type_children(walk, shape, place, node);
}

/* KEY=VALUE items as a mapping; a key alone has what alone says. */
static int pairs_from_list(struct walk *walk, const struct place *place, struct yaml **node, enum yaml_kind alone)
{
    struct yaml *map = yaml_new(walk->arena, YAML_MAP, *node);
    vec_foreach (item, &(*node)->list) {
        char *key = arena_strdup(walk->arena, yaml_text(walk->arena, *item));
        char *value = strchr(key, '=');
        if (value)
            *value++ = 0;
        size_t n = strlen(key);
        if (n && alone == YAML_NULL && strchr(" \t", key[n - 1]))
            return place_fail(walk, place, *item, "a blank at the end of the name \"%s\", expected NAME=value", key);
        struct yaml *text = value || alone == YAML_STRING ? yaml_new_string(walk->arena, value ? value : "", *item)
                                                          : yaml_new(walk->arena, YAML_NULL, *item);
        yaml_set(walk->arena, map, key, text);
    }
    *node = map;
    return 0;
}

static int type_pairs_or(struct walk *walk, const struct place *place, struct yaml **node, enum yaml_kind alone)
{
    if ((*node)->kind == YAML_LIST && pairs_from_list(walk, place, node, alone) < 0)
        return -1;
    if ((*node)->kind != YAML_MAP)
        return 0;
    yaml_sort(*node);
    vec_foreach (pair, &(*node)->map) {
        if (pair->value->kind == YAML_NULL && alone == YAML_NULL)
            continue;
        const char *text = yaml_text(walk->arena, pair->value);
        pair->value = yaml_new_string(walk->arena, text ? text : "", pair->value);
    }
    return 0;
}

static int type_pairs(struct walk *walk, const struct shape *shape, const struct place *place, struct yaml **node)
{
    return type_pairs_or(walk, place, node, YAML_NULL);
}

static int type_labels(struct walk *walk, const struct shape *shape, const struct place *place, struct yaml **node)
{
    return type_pairs_or(walk, place, node, YAML_STRING);
}

static int type_lists(struct walk *walk, const struct shape *shape, const struct place *place, struct yaml **node)
{
    yaml_sort(*node);
    vec_foreach (pair, &(*node)->map) {
        struct yaml *list = pair->value;
        if (list->kind != YAML_LIST) {
            list = yaml_new(walk->arena, YAML_LIST, pair->value);
            yaml_push(walk->arena, list, pair->value);
        }
        vec_foreach (item, &list->list)
            type_text(walk, NULL, place, item);
        pair->value = list;
    }
    return 0;
}

static void add_host(struct walk *walk, struct yaml *list, const char *host, const char *address, const struct yaml *at)
{
    size_t n = strlen(address);
    if (n > 2 && *address == '[' && address[n - 1] == ']')
        address = arena_strndup(walk->arena, address + 1, n - 2);
    yaml_push(walk->arena, list, yaml_new_string(walk->arena, arena_printf(walk->arena, "%s=%s", host, address), at));
}

/* HOST=ADDRESS[,ADDRESS]… or, as it once was, HOST:ADDRESS */
static int add_host_text(struct walk *walk, const struct place *place, struct yaml *list, const struct yaml *item)
{
    char *host = arena_strdup(walk->arena, yaml_text(walk->arena, item));
    char *rest = strchr(host, '=');
    if (!rest)
        rest = strchr(host, ':');
    if (!rest || rest == host)
        return place_fail(walk, place, item, "\"%s\", expected HOST=ADDRESS", host);
    *rest++ = 0;
    for (char *address; (address = str_split(&rest, ','));)
        add_host(walk, list, host, address, item);
    return 0;
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp((*(struct yaml *const *)a)->string, (*(struct yaml *const *)b)->string);
}

static int type_hosts(struct walk *walk, const struct shape *shape, const struct place *place, struct yaml **node)
{
    struct yaml *list = yaml_new(walk->arena, YAML_LIST, *node);
    if ((*node)->kind == YAML_LIST) {
        vec_foreach (item, &(*node)->list) {
            if (add_host_text(walk, place, list, *item) < 0)
                return -1;
        }
    }
    if ((*node)->kind == YAML_MAP) {
        vec_foreach (pair, &(*node)->map) {
            if (!*pair->key || strpbrk(pair->key, ":="))
                return place_fail(walk, place, pair->value, "\"%s\" is not the name of a host", pair->key);
            if (pair->value->kind != YAML_LIST)
                add_host(walk, list, pair->key, yaml_text(walk->arena, pair->value), pair->value);
            for (size_t i = 0; pair->value->kind == YAML_LIST && i < pair->value->list.count; i++)
                add_host(walk, list, pair->key, yaml_text(walk->arena, pair->value->list.items[i]), pair->value);
        }
    }
    if (list->list.count)
        qsort(list->list.items, list->list.count, sizeof(*list->list.items), compare_texts);
    *node = list;
    return 0;
}

static int type_ssh(struct walk *walk, const struct shape *shape, const struct place *place, struct yaml **node)
{
    if ((*node)->kind != YAML_MAP)
        return 0;
    struct yaml *list = yaml_new(walk->arena, YAML_LIST, *node);
    yaml_sort(*node);
    vec_foreach (pair, &(*node)->map) {
        const char *path = yaml_text(walk->arena, pair->value);
        const char *text = str_empty(path) ? pair->key : arena_printf(walk->arena, "%s=%s", pair->key, path);
        yaml_push(walk->arena, list, yaml_new_string(walk->arena, text, pair->value));
    }
    *node = list;
    return 0;
}

static bool says_nothing(const struct shape *shape, const struct yaml *node)
{
    switch (node->kind) {
    case YAML_NULL:
        return true;
    case YAML_BOOL:
        return !node->boolean;
    case YAML_INT:
        return node->integer == 0;
    case YAML_FLOAT:
        return node->number == 0;
    case YAML_STRING:
        return !*node->string || (shape->type == TYPE_BYTES && str_eq(node->string, "0")) ||
               (shape->type == TYPE_DURATION && str_eq(node->string, "0s"));
    case YAML_LIST:
        return node->list.count == 0;
    default:
        return node->map.count == 0;
    }
}

static struct yaml *empty_of(struct arena *arena, const struct shape *shape, const struct yaml *at)
{
    if (shape->takes & TAKES_MAP)
        return yaml_new(arena, YAML_MAP, at);
    if (shape->type == TYPE_BOOL)
        return yaml_new_bool(arena, false, at);
    return shape->type == TYPE_INT ? yaml_new_int(arena, 0, at) : yaml_new_string(arena, "", at);
}

static int type_key(struct walk *walk, const struct key *key, const struct place *place, const struct yaml *from,
                    struct yaml *to)
{
    struct place here = {.up = place, .key = key->name};
    struct yaml *value = yaml_get(from, key->name);
    if (!value || (value->kind == YAML_NULL && key->rule == KEY_ALWAYS)) {
        if (key->rule != KEY_ALWAYS && key->rule != KEY_NULL)
            return 0;
        value =
            key->rule == KEY_NULL ? yaml_new(walk->arena, YAML_NULL, from) : empty_of(walk->arena, key->shape, from);
    }
    if (value->kind != YAML_NULL && model_type(walk, key->shape, &here, &value) < 0)
        return -1;
    bool kept = key->rule == KEY_ALWAYS || key->rule == KEY_NULL || value->kind != YAML_NULL;
    if (kept && (key->rule != KEY_WHEN_SET || key->required || !says_nothing(key->shape, value)))
        yaml_set(walk->arena, to, key->name, value);
    return 0;
}

static int type_struct(struct walk *walk, const struct shape *shape, const struct place *place, struct yaml **node)
{
    if ((*node)->kind != YAML_MAP)
        return 0;
    struct yaml *typed = yaml_new(walk->arena, YAML_MAP, *node);
    for (const struct key *key = shape->keys; key->name; key++) {
        if (type_key(walk, key, place, *node, typed) < 0)
            return -1;
    }
    yaml_sort(*node);
    vec_foreach (pair, &(*node)->map) {
        if (str_starts(pair->key, "x-"))
            yaml_set(walk->arena, typed, pair->key, pair->value);
    }
    *node = typed;
    return 0;
}

static int type_ulimit(struct walk *walk, const struct shape *shape, const struct place *place, struct yaml **node)
{
    if ((*node)->kind == YAML_MAP)
        return type_struct(walk, shape, place, node);
    return type_int(walk, shape, place, node);
}

static int type_env_file(struct walk *walk, const struct shape *shape, const struct place *place, struct yaml **node)
{
    if (type_struct(walk, shape, place, node) < 0)
        return -1;
    if (yaml_get_bool(*node, "required") && !yaml_get(*node, "format"))
        *node = yaml_get(*node, "path");
    return 0;
}

int model_type(struct walk *walk, const struct shape *shape, const struct place *place, struct yaml **node)
{
    static shape_visit *const types[TYPE_COUNT_] = {
        [TYPE_ANY] = type_as_it_is,      [TYPE_TEXT] = type_text,       [TYPE_BOOL] = variables_cast,
        [TYPE_INT] = type_int,           [TYPE_FLOAT] = type_float,     [TYPE_BYTES] = type_bytes,
        [TYPE_DURATION] = type_duration, [TYPE_COUNT] = type_count,     [TYPE_MODE] = type_mode,
        [TYPE_STRUCT] = type_struct,     [TYPE_NAMED] = type_named,     [TYPE_LIST] = type_children,
        [TYPE_TEXTS] = type_texts,       [TYPE_COMMAND] = type_command, [TYPE_TEST] = type_test,
        [TYPE_PAIRS] = type_pairs,       [TYPE_LABELS] = type_labels,   [TYPE_LISTS] = type_lists,
        [TYPE_HOSTS] = type_hosts,       [TYPE_ULIMIT] = type_ulimit,   [TYPE_SSH] = type_ssh,
        [TYPE_ENV_FILE] = type_env_file,
    };
    return types[shape->type](walk, shape, place, node);
}

static bool is_not_extension(void *data, const struct yaml_pair *pair)
{
    return !str_starts(pair->key, "x-") || str_eq(pair->key, "x-shoal");
}

static int drop_extensions(struct walk *walk, const struct shape *shape, const struct place *place, struct yaml **node)
{
    if (shape->keys)
        yaml_filter(*node, is_not_extension, NULL);
    return shape_each(walk, shape, place, *node, drop_extensions);
}

void model_drop_extensions(struct walk *walk, struct yaml *root)
{
    (void)shape_each(walk, &shape_file, NULL, root, drop_extensions);
}

static int drop_nulls(struct walk *walk, const struct shape *shape, const struct place *place, struct yaml **node)
{
    for (const struct key *key = shape->keys; key && key->name; key++) {
        if (key->rule == KEY_NULL && yaml_is(yaml_get(*node, key->name), YAML_NULL))
            yaml_remove(*node, key->name);
    }
    return shape_each(walk, shape, place, *node, drop_nulls);
}

void model_drop_nulls(struct walk *walk, struct yaml *root)
{
    (void)drop_nulls(walk, &shape_file, NULL, &root);
}

void model_sort(struct yaml *node)
{
    yaml_sort(node);
    if (yaml_is(node, YAML_MAP)) {
        vec_foreach (pair, &node->map)
            model_sort(pair->value);
    }
    if (yaml_is(node, YAML_LIST)) {
        vec_foreach (item, &node->list)
            model_sort(*item);
    }
}
