#include "compose/shape.h"

#include "base/str.h"
#include "base/vec.h"

#include <stdarg.h>

const char *place_text(struct arena *arena, const struct place *place)
{
    if (!place)
        return "";
    const char *up = place_text(arena, place->up);
    if (!place->key)
        return arena_printf(arena, "%s[%zu]", up, place->index);
    return *up ? arena_printf(arena, "%s.%s", up, place->key) : place->key;
}

static void describe(const struct walk *walk, const struct place *place, const struct yaml *at, struct err *err,
                     const char *format, va_list args)
{
    err_setv(err, ERR_INVALID, 0, format, args);
    const char *text = place_text(walk->arena, place);
    if (*text)
        err_wrap(err, "%s", text);
    if (at && at->file && at->line)
        err_wrap(err, "%s:%u:%u", at->file, at->line, at->column);
}

int place_fail(const struct walk *walk, const struct place *place, const struct yaml *at, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    describe(walk, place, at, walk->err, format, args);
    va_end(args);
    return -1;
}

void place_warn(const struct walk *walk, const struct place *place, const struct yaml *at, const char *format, ...)
{
    struct err err;
    va_list args;
    if (!walk->warn)
        return;
    va_start(args, format);
    describe(walk, place, at, &err, format, args);
    va_end(args);
    walk->warn(walk->warn_data, err.message);
}

const struct shape *shape_under(const struct shape *shape, const char *key)
{
    for (const struct key *k = shape->keys; k && k->name; k++) {
        if (str_eq(k->name, key))
            return k->shape;
    }
    return shape->values;
}

int shape_each(struct walk *walk, const struct shape *shape, const struct place *place, struct yaml *node,
               shape_visit *visit)
{
    if (node->kind == YAML_MAP && (shape->keys || shape->values)) {
        vec_foreach (pair, &node->map) {
            struct place here = {.up = place, .key = pair->key};
            const struct shape *under = shape_under(shape, pair->key);
            if (under && visit(walk, under, &here, &pair->value) < 0)
                return -1;
        }
    }
    if (node->kind == YAML_LIST && shape->items) {
        for (size_t i = 0; i < node->list.count; i++) {
            struct place here = {.up = place, .index = i};
            if (visit(walk, shape->items, &here, &node->list.items[i]) < 0)
                return -1;
        }
    }
    return 0;
}
