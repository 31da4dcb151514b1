#include "compose/variables.h"

#include "base/str.h"
#include "base/vec.h"
#include "compose/interpolate.h"

#include <stdlib.h>
#include <strings.h>

struct replacer {
    struct walk *walk;
    struct env *env;
    const struct yaml *at;
    const struct place *place;
};

static void unset(void *data, const char *name)
{
    const struct replacer *r = data;
    place_warn(r->walk, r->place, r->at, "the variable %s is not set, taken as empty", name);
}

static const char *look_up(void *data, const char *name)
{
    return env_get(((struct replacer *)data)->env, name);
}

static bool is_any(const char *text, const char *const *words)
{
    for (; *words; words++) {
        if (strcasecmp(text, *words) == 0)
            return true;
    }
    return false;
}

static int cast_bool(struct walk *walk, const struct place *place, struct yaml **node)
{
    const char *text = (*node)->string;
    bool yes = is_any(text, (const char *const[]){"true", "y", "yes", "on", NULL});
    if (!yes && !is_any(text, (const char *const[]){"false", "n", "no", "off", NULL}))
        return place_fail(walk, place, *node, "\"%s\", expected true or false", text);
    *node = yaml_new_bool(walk->arena, yes, *node);
    return 0;
}

static int cast_int(struct walk *walk, const struct place *place, struct yaml **node)
{
    int64_t value;
    if (!str_to_i64((*node)->string, &value))
        return place_fail(walk, place, *node, "\"%s\", expected a whole number", (*node)->string);
    *node = yaml_new_int(walk->arena, value, *node);
    return 0;
}

static int cast_float(struct walk *walk, const struct place *place, struct yaml **node)
{
    char *end;
    const char *text = (*node)->string;
    double value = strtod(text, &end);
    if (!*text || *end || strspn(text, "0123456789.+-eE") != strlen(text))
        return place_fail(walk, place, *node, "\"%s\", expected a number", text);
    struct yaml *number = yaml_new(walk->arena, YAML_FLOAT, *node);
    number->number = value;
    *node = number;
    return 0;
}

int variables_cast(struct walk *walk, const struct shape *shape, const struct place *place, struct yaml **node)
{
    if ((*node)->kind != YAML_STRING)
        return 0;
    switch (shape->type) {
    case TYPE_BOOL:
        return cast_bool(walk, place, node);
    case TYPE_INT:
    case TYPE_ULIMIT:
        return cast_int(walk, place, node);
    case TYPE_FLOAT:
        return cast_float(walk, place, node);
    default:
        return 0;
    }
}

static int replace_text(struct walk *walk, const struct shape *shape, const struct place *place, struct yaml **node)
{
    struct replacer r = {walk, walk->data, *node, place};
    struct interpolation in = {walk->arena, look_up, &r, unset, walk->err};
    const char *text = interpolate_text(&in, (*node)->string);
    if (!text) {
        struct err why = *walk->err;
        return place_fail(walk, place, *node, "%s", why.message);
    }
    if (text != (*node)->string) {
        enum yaml_mark mark = (*node)->mark;
        *node = yaml_new_string(walk->arena, text, *node);
        (*node)->mark = mark;
    }
    return shape ? variables_cast(walk, shape, place, node) : 0;
}

/* shape is NULL where no table describes the place (extensions). */
static int replace(struct walk *walk, const struct shape *shape, const struct place *place, struct yaml **node)
{
    if ((*node)->kind == YAML_STRING)
        return replace_text(walk, shape, place, node);
    if ((*node)->kind == YAML_MAP) {
        vec_foreach (pair, &(*node)->map) {
            struct place here = {.up = place, .key = pair->key};
            if (replace(walk, shape ? shape_under(shape, pair->key) : NULL, &here, &pair->value) < 0)
                return -1;
        }
    }
    if ((*node)->kind == YAML_LIST) {
        for (size_t i = 0; i < (*node)->list.count; i++) {
            struct place here = {.up = place, .index = i};
            if (replace(walk, shape ? shape->items : NULL, &here, &(*node)->list.items[i]) < 0)
                return -1;
        }
    }
    return 0;
}

int variables_replace(struct walk *walk, struct yaml *root, struct env *env)
{
    walk->data = env;
    return replace(walk, &shape_file, NULL, &root);
}
