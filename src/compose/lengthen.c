#include "compose/lengthen.h"

#include "base/str.h"
#include "base/vec.h"

int lengthen(struct walk *walk, const struct shape *shape, const struct place *place, struct yaml **node)
{
    if ((*node)->kind != YAML_NULL && shape->lengthen && shape->lengthen(walk, place, node) < 0)
        return -1;
    return shape_each(walk, shape, place, *node, lengthen);
}

int fill_defaults(struct walk *walk, const struct shape *shape, const struct place *place, struct yaml **node)
{
    if (yaml_is(*node, YAML_MAP) && shape->fill && shape->fill(walk, place, node) < 0)
        return -1;
    return shape_each(walk, shape, place, *node, fill_defaults);
}

static void set_text(struct walk *walk, struct yaml *map, const char *key, const char *text, const struct yaml *at)
{
    yaml_set(walk->arena, map, key, yaml_new_string(walk->arena, text, at));
}

static void set_bool(struct walk *walk, struct yaml *map, const char *key, bool value)
{
    yaml_set(walk->arena, map, key, yaml_new_bool(walk->arena, value, map));
}

/* Replaces a text by a mapping in which it stands under key. */
static int wrap(struct walk *walk, struct yaml **node, const char *key)
{
    if ((*node)->kind != YAML_STRING)
        return 0;
    struct yaml *map = yaml_new(walk->arena, YAML_MAP, *node);
    yaml_set(walk->arena, map, key, *node);
    *node = map;
    return 0;
}

int lengthen_build(struct walk *walk, const struct place *place, struct yaml **node)
{
    return wrap(walk, node, "context");
}

int lengthen_extends(struct walk *walk, const struct place *place, struct yaml **node)
{
    return wrap(walk, node, "service");
}

int lengthen_grant(struct walk *walk, const struct place *place, struct yaml **node)
{
    return wrap(walk, node, "source");
}

int lengthen_texts(struct walk *walk, const struct place *place, struct yaml **node)
{
    if ((*node)->kind != YAML_STRING)
        return 0;
    struct yaml *list = yaml_new(walk->arena, YAML_LIST, *node);
    yaml_push(walk->arena, list, *node);
    *node = list;
    return 0;
}

int lengthen_scalar(struct walk *walk, const struct place *place, struct yaml **node)
{
    if ((*node)->kind != YAML_STRING && yaml_is_scalar(*node))
        *node = yaml_new_string(walk->arena, yaml_text(walk->arena, *node), *node);
    return 0;
}

/* A list of names becomes a mapping to nothing. */
int lengthen_names(struct walk *walk, const struct place *place, struct yaml **node)
{
    if ((*node)->kind != YAML_LIST)
        return 0;
    struct yaml *map = yaml_new(walk->arena, YAML_MAP, *node);
    vec_foreach (item, &(*node)->list)
        yaml_set(walk->arena, map, yaml_text(walk->arena, *item), yaml_new(walk->arena, YAML_NULL, *item));
    *node = map;
    return 0;
}

int lengthen_depends_on(struct walk *walk, const struct place *place, struct yaml **node)
{
    bool list = (*node)->kind == YAML_LIST;
    if (lengthen_names(walk, place, node) < 0)
        return -1;
    vec_foreach (pair, &(*node)->map) {
        if (list)
            pair->value = yaml_new(walk->arena, YAML_MAP, pair->value);
        if (!yaml_get(pair->value, "condition"))
            set_text(walk, pair->value, "condition", "service_started", pair->value);
        if (!yaml_get(pair->value, "required"))
            set_bool(walk, pair->value, "required", true);
    }
    return 0;
}

int lengthen_env_files(struct walk *walk, const struct place *place, struct yaml **node)
{
    if (lengthen_texts(walk, place, node) < 0)
        return -1;
    vec_foreach (item, &(*node)->list) {
        wrap(walk, item, "path");
        if (!yaml_get(*item, "required"))
            set_bool(walk, *item, "required", true);
    }
    return 0;
}

int lengthen_gpus(struct walk *walk, const struct place *place, struct yaml **node)
{
    if ((*node)->kind != YAML_STRING)
        return 0;
    struct yaml *list = yaml_new(walk->arena, YAML_LIST, *node), *request = yaml_new(walk->arena, YAML_MAP, *node);
    set_text(walk, request, "count", "all", *node);
    yaml_push(walk->arena, list, request);
    *node = list;
    return 0;
}

/* KEY=VALUE items become a mapping. */
int lengthen_contexts(struct walk *walk, const struct place *place, struct yaml **node)
{
    if ((*node)->kind != YAML_LIST)
        return 0;
    struct yaml *map = yaml_new(walk->arena, YAML_MAP, *node);
    vec_foreach (item, &(*node)->list) {
        char *key = arena_strdup(walk->arena, yaml_text(walk->arena, *item));
        char *value = strchr(key, '=');
        if (!value && walk->raw)
            return 0;
        if (!value)
            return place_fail(walk, place, *item, "\"%s\", expected NAME=CONTEXT", key);
        *value++ = 0;
        set_text(walk, map, key, value, *item);
    }
    *node = map;
    return 0;
}

int lengthen_ssh(struct walk *walk, const struct place *place, struct yaml **node)
{
    if ((*node)->kind != YAML_LIST)
        return 0;
    struct yaml *map = yaml_new(walk->arena, YAML_MAP, *node);
    vec_foreach (item, &(*node)->list) {
        char *key = arena_strdup(walk->arena, yaml_text(walk->arena, *item));
        char *value = strchr(key, '=');
        if (!value && !str_eq(key, "default"))
            return place_fail(walk, place, *item, "\"%s\", expected default or ID=PATH", key);
        if (value) {
            *value++ = 0;
            set_text(walk, map, key, value, *item);
        } else {
            yaml_set(walk->arena, map, key, yaml_new(walk->arena, YAML_NULL, *item));
        }
    }
    *node = map;
    return 0;
}

int lengthen_device(struct walk *walk, const struct place *place, struct yaml **node)
{
    if ((*node)->kind != YAML_STRING)
        return 0;
    char *rest = arena_strdup(walk->arena, (*node)->string);
    const char *parts[3] = {0};
    size_t n = 0;
    for (char *part; (part = str_split(&rest, ':')); n++) {
        if (n == ARRAY_SIZE(parts)) {
            if (walk->raw)
                return 0;
            return place_fail(walk, place, *node, "\"%s\", expected HOST[:CONTAINER[:PERMISSIONS]]", (*node)->string);
        }
        parts[n] = part;
    }
    struct yaml *map = yaml_new(walk->arena, YAML_MAP, *node);
    set_text(walk, map, "source", parts[0], *node);
    set_text(walk, map, "target", str_empty(parts[1]) ? parts[0] : parts[1], *node);
    set_text(walk, map, "permissions", parts[2] ? parts[2] : "rwm", *node);
    *node = map;
    return 0;
}

/* external: {name: X}, an old form, is external: true with name: X. */
int lengthen_external(struct walk *walk, const struct place *place, struct yaml **node)
{
    struct yaml *external = yaml_get(*node, "external");
    if (!yaml_is(external, YAML_MAP))
        return 0;
    const char *name = yaml_get_string(*node, "name"), *external_name = yaml_get_string(external, "name");
    if (name && external_name && !str_eq(name, external_name))
        return place_fail(walk, place, external, "name and external.name differ, expected name alone");
    yaml_set(walk->arena, *node, "external", yaml_new_bool(walk->arena, true, external));
    if (!name && external_name)
        set_text(walk, *node, "name", external_name, external);
    return 0;
}

int fill_build(struct walk *walk, const struct place *place, struct yaml **node)
{
    if (!yaml_get(*node, "context"))
        set_text(walk, *node, "context", ".", *node);
    return 0;
}

int fill_secret(struct walk *walk, const struct place *place, struct yaml **node)
{
    const char *source = yaml_get_string(*node, "source");
    if (!yaml_get(*node, "target") && source)
        set_text(walk, *node, "target", arena_printf(walk->arena, "/run/secrets/%s", source), *node);
    return 0;
}

int fill_port(struct walk *walk, const struct place *place, struct yaml **node)
{
    if (!yaml_get(*node, "protocol"))
        set_text(walk, *node, "protocol", "tcp", *node);
    if (!yaml_get(*node, "mode"))
        set_text(walk, *node, "mode", "ingress", *node);
    return 0;
}

int fill_device_request(struct walk *walk, const struct place *place, struct yaml **node)
{
    if (!yaml_get(*node, "count") && !yaml_get(*node, "device_ids"))
        set_text(walk, *node, "count", "all", *node);
    return 0;
}
