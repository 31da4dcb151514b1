#include "compose/check.h"

#include "base/map.h"
#include "base/str.h"
#include "base/vec.h"

#define NEAR_MAX 64

static int check(struct walk *walk, const struct shape *shape, const struct place *place, struct yaml **node);

/* Levenshtein's distance, for texts below NEAR_MAX. */
static unsigned distance(const char *a, const char *b)
{
    unsigned row[NEAR_MAX + 1];
    size_t n = strlen(b);
    for (unsigned j = 0; j <= n; j++)
        row[j] = j;
    for (unsigned i = 1; *a; a++, i++) {
        unsigned corner = row[0];
        row[0] = i;
        for (size_t j = 1; j <= n; j++) {
            unsigned above = row[j], change = corner + (*a != b[j - 1]);
            unsigned step = (above < row[j - 1] ? above : row[j - 1]) + 1;
            row[j] = change < step ? change : step;
            corner = above;
        }
    }
    return row[n];
}

static const char *check_near(const struct key *keys, const char *unknown)
{
    const char *nearest = NULL;
    size_t length = strlen(unknown);
    unsigned limit = length < 4 ? 1 : 2, best = limit + 1;
    if (length >= NEAR_MAX)
        return NULL;
    for (const struct key *key = keys; key && key->name; key++) {
        unsigned d = distance(unknown, key->name);
        if (d < best) {
            best = d;
            nearest = key->name;
        }
    }
    return nearest;
}

static int check_unknown(struct walk *walk, const struct shape *shape, const struct place *place,
                         struct yaml_pair *pair)
{
    struct place here = {.up = place, .key = pair->key};
    struct yaml at = {.file = pair->value->file, .line = pair->line, .column = pair->column};
    if (str_eq(pair->key, "x-shoal")) {
        if (shape->x_shoal)
            return check(walk, shape->x_shoal, &here, &pair->value);
        return place_fail(walk, &here, &at,
                          "stands here without effect, expected at the top of the file or in a service");
    }
    if (!shape->closed && str_starts(pair->key, "x-"))
        return 0;
    const char *near = check_near(shape->keys, pair->key);
    if (near)
        return place_fail(walk, &here, &at, "unknown key, did you mean %s?", near);
    return place_fail(walk, &here, &at, "unknown key%s",
                      shape->closed ? "" : ", expected one of the specification's or x-…");
}

static bool is_resource_name(const char *name)
{
    size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");
    return n && !name[n];
}

static int check_map(struct walk *walk, const struct shape *shape, const struct place *place, struct yaml *node)
{
    vec_foreach (pair, &node->map) {
        struct place here = {.up = place, .key = pair->key};
        const struct shape *under = shape_under(shape, pair->key);
        struct yaml at = {.file = pair->value->file, .line = pair->line, .column = pair->column};
        if (shape->names == NAMES_RESOURCE && !is_resource_name(pair->key))
            return place_fail(walk, &here, &at, "not a name, expected letters, digits, dot, - and _");
        int result = under         ? check(walk, under, &here, &pair->value)
                     : shape->keys ? check_unknown(walk, shape, place, pair)
                                   : 0;
        if (result < 0)
            return -1;
    }
    return 0;
}

static int check_repeats(struct walk *walk, const struct place *place, const struct yaml *list)
{
    struct map seen = {0};
    int result = 0;
    for (size_t i = 0; i < list->list.count && result == 0; i++) {
        struct place here = {.up = place, .index = i};
        struct yaml *item = list->list.items[i], *old;
        const char *text = yaml_text(walk->arena, item);
        if (text && (old = map_put(&seen, text, item)))
            result =
                place_fail(walk, &here, item, "%s stands already in line %u, expected each item once", text, old->line);
    }
    map_done(&seen);
    return result;
}

static bool is_word(const char *text, const char *const *words)
{
    for (; *words; words++) {
        if (str_glob(*words, text))
            return true;
    }
    return false;
}

static int check_scalar(struct walk *walk, const struct shape *shape, const struct place *place,
                        const struct yaml *node)
{
    bool variable = walk->raw && node->kind == YAML_STRING && strchr(node->string, '$');
    if (node->kind == YAML_STRING && shape->words && !variable && !is_word(node->string, shape->words))
        return place_fail(walk, place, node, "\"%s\", expected %s", node->string, shape->expected);
    if (node->kind == YAML_STRING && shape->fits && !variable && !shape->fits(node->string))
        return place_fail(walk, place, node, "\"%s\", expected %s", node->string, shape->expected);
    bool bounded = shape->min || shape->max;
    if (node->kind == YAML_INT && bounded && (node->integer < shape->min || node->integer > shape->max))
        return place_fail(walk, place, node, "%lld, expected %lld to %lld", (long long)node->integer,
                          (long long)shape->min, (long long)shape->max);
    return 0;
}

static bool takes(const struct shape *shape, const struct yaml *node)
{
    if (node->kind == YAML_FLOAT && shape->takes & TAKES_INT && node->number > -1e15 && node->number < 1e15 &&
        (double)(int64_t)node->number == node->number)
        return true;
    return shape->takes & 1U << node->kind;
}

static int check(struct walk *walk, const struct shape *shape, const struct place *place, struct yaml **slot)
{
    struct yaml *node = *slot;
    if (node->mark == YAML_RESET)
        return 0; /* says which key goes; its own value says nothing */
    if (!takes(shape, node)) {
        const char *text = yaml_is_scalar(node) && node->kind != YAML_NULL ? yaml_text(walk->arena, node) : NULL;
        if (text && strlen(text) < 80)
            return place_fail(walk, place, node, "%s (%s), expected %s", yaml_kind_name(node->kind), text,
                              shape->expected);
        return place_fail(walk, place, node, "%s, expected %s", yaml_kind_name(node->kind), shape->expected);
    }
    if (node->kind == YAML_MAP)
        return check_map(walk, shape, place, node);
    if (node->kind == YAML_LIST) {
        if (shape_each(walk, shape, place, node, check) < 0)
            return -1;
        return shape->unique == UNIQUE_ITEMS ? check_repeats(walk, place, node) : 0;
    }
    return check_scalar(walk, shape, place, node);
}

int check_file(struct walk *walk, struct yaml *root)
{
    return check(walk, &shape_file, NULL, &root);
}

int check_service(struct walk *walk, const struct place *place, struct yaml *service)
{
    return check(walk, &shape_service, place, &service);
}

static int required(struct walk *walk, const struct shape *shape, const struct place *place, struct yaml **node)
{
    for (const struct key *key = shape->keys; yaml_is(*node, YAML_MAP) && key && key->name; key++) {
        if (key->required && !yaml_get(*node, key->name))
            return place_fail(walk, place, *node, "%s is missing, expected %s", key->name, key->shape->expected);
    }
    return shape_each(walk, shape, place, *node, required);
}

int check_required(struct walk *walk, struct yaml *root)
{
    return required(walk, &shape_file, NULL, &root);
}
