#include "compose/lengthen.h"
#include "compose/merge.h"

#include "base/map.h"
#include "base/str.h"
#include "base/vec.h"

/* What makes an item of a list itself. NULL: it is like no other. */

static const char *key_of_pair(struct arena *arena, const struct yaml *item)
{
    const char *text = yaml_text(arena, item);
    return text ? arena_strndup(arena, text, strcspn(text, "=")) : NULL;
}

static const char *target_of_volume(struct arena *arena, const struct yaml *item)
{
    const char *why;
    if (item->kind == YAML_STRING) /* with variables in it, or just read */
        item = volume_from_text(arena, item->string, item, &why);
    return yaml_get_string(item, "target");
}

static const char *target_of_device(struct arena *arena, const struct yaml *item)
{
    if (item->kind != YAML_STRING)
        return yaml_get_string(item, "target");
    char *rest = arena_strdup(arena, item->string);
    const char *source = str_split(&rest, ':'), *target = str_split(&rest, ':');
    return target ? target : source;
}

static const char *target_of_grant(struct arena *arena, const struct yaml *item, const char *folder)
{
    const char *target = yaml_get_string(item, "target");
    const char *source = item->kind == YAML_STRING ? item->string : yaml_get_string(item, "source");
    return target || !source ? target : arena_printf(arena, "%s/%s", folder, source);
}

static const char *text_or(struct arena *arena, const struct yaml *map, const char *key, const char *otherwise)
{
    const char *text = yaml_text(arena, yaml_get(map, key));
    return text ? text : otherwise;
}

static const char *key_of_port(struct arena *arena, const struct yaml *item)
{
    if (item->kind != YAML_MAP)
        return yaml_text(arena, item);
    return arena_printf(arena, "%s:%s:%s/%s", text_or(arena, item, "host_ip", "0.0.0.0"),
                        text_or(arena, item, "published", ""), text_or(arena, item, "target", ""),
                        text_or(arena, item, "protocol", "tcp"));
}

static const char *key_of(struct arena *arena, enum unique_rule rule, const struct yaml *item)
{
    switch (rule) {
    case UNIQUE_KEY:
        return key_of_pair(arena, item);
    case UNIQUE_TEXT:
        return yaml_text(arena, item);
    case UNIQUE_VOLUME:
        return target_of_volume(arena, item);
    case UNIQUE_DEVICE:
        return target_of_device(arena, item);
    case UNIQUE_CONFIG:
        return target_of_grant(arena, item, "");
    case UNIQUE_SECRET:
        return target_of_grant(arena, item, "/run/secrets");
    case UNIQUE_PORT:
        return key_of_port(arena, item);
    case UNIQUE_PATH:
        return item->kind == YAML_MAP ? yaml_get_string(item, "path") : yaml_text(arena, item);
    default:
        return NULL;
    }
}

static void keep_last(struct arena *arena, enum unique_rule rule, struct yaml *list)
{
    struct map seen = {0}; /* key → its slot */
    size_t n = 0;
    for (size_t i = 0; i < list->list.count; i++) {
        struct yaml *item = list->list.items[i], **slot = &list->list.items[n];
        const char *key = key_of(arena, rule, item);
        struct yaml **old = key ? map_get(&seen, key) : NULL;
        if (old) {
            *old = item;
            continue;
        }
        *slot = item;
        n++;
        if (key)
            map_put(&seen, key, slot);
    }
    list->list.count = n;
    map_done(&seen);
}

int merge_unique(struct walk *walk, const struct shape *shape, const struct place *place, struct yaml **node)
{
    if (yaml_is(*node, YAML_LIST) && shape->unique > UNIQUE_ITEMS)
        keep_last(walk->arena, shape->unique, *node);
    return shape_each(walk, shape, place, *node, merge_unique);
}
