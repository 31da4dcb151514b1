#include "compose/spec_copy.h"

#include "base/str.h"
#include "codec/units.h"

char *spec_text(struct arena *arena, const struct yaml *map, const char *key)
{
    return arena_strdup(arena, yaml_text(arena, yaml_get(map, key)));
}

static int64_t to_number(const struct yaml *node)
{
    int64_t number = 0;
    if (yaml_is(node, YAML_INT))
        return node->integer;
    if (yaml_is(node, YAML_FLOAT))
        return (int64_t)node->number;
    if (yaml_string(node))
        (void)str_to_i64(node->string, &number);
    return number;
}

int64_t spec_number(const struct yaml *map, const char *key)
{
    return to_number(yaml_get(map, key));
}

int64_t spec_duration(const struct yaml *map, const char *key)
{
    int64_t ns = 0;
    const char *text = yaml_get_string(map, key);
    if (text)
        (void)duration_parse(text, &ns);
    return ns;
}

void spec_texts(struct arena *arena, const struct yaml *list, struct strings *ret)
{
    if (!yaml_is(list, YAML_LIST))
        return;
    if (!list->list.count) /* "none" is not "not said" */
        *ret = (struct strings){.items = arena_alloc_array(arena, 1, sizeof(char *))};
    vec_foreach (item, &list->list)
        vec_push_in(arena, ret, arena_strdup(arena, yaml_text(arena, *item)));
}

void spec_pairs(struct arena *arena, const struct yaml *map, struct pairs *ret)
{
    for (size_t i = 0; yaml_is(map, YAML_MAP) && i < map->map.count; i++) {
        const struct yaml_pair *pair = &map->map.items[i];
        char *value = pair->value->kind == YAML_NULL ? NULL : arena_strdup(arena, yaml_text(arena, pair->value));
        vec_push_in(arena, ret, (struct pair){arena_strdup(arena, pair->key), value});
    }
}

static void pairs_as_texts(struct arena *arena, const struct yaml *map, struct strings *ret)
{
    for (size_t i = 0; yaml_is(map, YAML_MAP) && i < map->map.count; i++) {
        const struct yaml_pair *pair = &map->map.items[i];
        vec_push_in(arena, ret,
                    pair->value->kind == YAML_NULL
                        ? arena_strdup(arena, pair->key)
                        : arena_printf(arena, "%s=%s", pair->key, yaml_text(arena, pair->value)));
    }
}

void spec_copy(struct arena *arena, const struct spec_copy *table, const struct yaml *from, void *to)
{
    for (; table->key; table++) {
        const struct yaml *node = yaml_get(from, table->key);
        char *slot = (char *)to + table->offset;
        if (!node || node->kind == YAML_NULL)
            continue;
        switch (table->kind) {
        case COPY_TEXT:
            *(char **)slot = spec_text(arena, from, table->key);
            break;
        case COPY_BOOL:
            *(bool *)slot = yaml_get_bool(from, table->key);
            break;
        case COPY_INT:
            *(int *)slot = (int)to_number(node);
            break;
        case COPY_I64:
            *(int64_t *)slot = to_number(node);
            break;
        case COPY_OPT_BOOL:
            *(struct opt_bool *)slot = (struct opt_bool){true, yaml_get_bool(from, table->key)};
            break;
        case COPY_OPT_I64:
            *(struct opt_i64 *)slot = (struct opt_i64){true, to_number(node)};
            break;
        case COPY_DOUBLE:
            *(double *)slot = node->kind == YAML_FLOAT ? node->number : (double)to_number(node);
            break;
        case COPY_TEXTS:
            spec_texts(arena, node, (struct strings *)slot);
            break;
        case COPY_PAIRS:
            spec_pairs(arena, node, (struct pairs *)slot);
            break;
        case COPY_PAIRS_AS_TEXTS:
            pairs_as_texts(arena, node, (struct strings *)slot);
            break;
        case COPY_DURATION:
            *(int64_t *)slot = spec_duration(from, table->key);
            break;
        }
    }
}
