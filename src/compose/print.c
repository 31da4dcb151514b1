#include "compose/print.h"

#include "base/str.h"
#include "compose/model.h"

/* In values; keys are never interpolated, so that theirs stay. */
static void double_dollars(struct arena *arena, struct yaml *node)
{
    if (node->kind == YAML_STRING && strchr(node->string, '$')) {
        char *out = arena_alloc(arena, 2 * strlen(node->string) + 1), *p = out;
        for (const char *s = node->string; *s; s++) {
            if (*s == '$')
                *p++ = '$';
            *p++ = *s;
        }
        node->string = out;
    }
    if (node->kind == YAML_LIST) {
        vec_foreach (item, &node->list)
            double_dollars(arena, *item);
    }
    if (node->kind == YAML_MAP) {
        vec_foreach (pair, &node->map)
            double_dollars(arena, pair->value);
    }
}

void compose_print(struct arena *arena, const struct compose_project *project, enum compose_form form, bool raw,
                   struct buf *out)
{
    struct yaml *model = yaml_clone(arena, project->model);
    struct walk walk = {.arena = arena};
    struct json_out json = {.buf = out, .indent = 2};
    if (!raw)
        double_dollars(arena, model);
    if (form == COMPOSE_YAML) {
        model_drop_nulls(&walk, model);
        yaml_print(out, model);
        return;
    }
    if (!raw)
        model_drop_extensions(&walk, model);
    yaml_write_json(model, &json);
    buf_addc(out, '\n');
}

static int compare_strings(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void sort(struct strings *strings)
{
    if (strings->count)
        qsort(strings->items, strings->count, sizeof(*strings->items), compare_strings);
}

void compose_list_names(struct arena *arena, const struct compose_project *project, const char *key,
                        struct strings *ret)
{
    const struct yaml *map = yaml_get(project->model, key);
    for (size_t i = 0; yaml_is(map, YAML_MAP) && i < map->map.count; i++) {
        const char *name = str_eq(key, "models") ? yaml_get_string(map->map.items[i].value, "model") : NULL;
        vec_push_in(arena, ret, arena_strdup(arena, name ? name : map->map.items[i].key));
    }
    sort(ret);
}

static void add_profiles(struct arena *arena, const struct yaml *services, struct strings *ret)
{
    for (size_t i = 0; yaml_is(services, YAML_MAP) && i < services->map.count; i++) {
        const struct yaml *profiles = yaml_get(services->map.items[i].value, "profiles");
        for (size_t j = 0; yaml_is(profiles, YAML_LIST) && j < profiles->list.count; j++)
            vec_push_in(arena, ret, arena_strdup(arena, yaml_text(arena, profiles->list.items[j])));
    }
}

void compose_list_profiles(struct arena *arena, const struct compose_project *project, struct strings *ret)
{
    struct strings all = {0};
    add_profiles(arena, yaml_get(project->model, "services"), &all);
    add_profiles(arena, project->disabled, &all);
    sort(&all);
    vec_foreach (name, &all) {
        if (!ret->count || !str_eq(ret->items[ret->count - 1], *name))
            vec_push_in(arena, ret, *name);
    }
}

void compose_list_images(struct arena *arena, const struct compose_project *project, struct strings *ret)
{
    const struct yaml *services = yaml_get(project->model, "services");
    for (size_t i = 0; yaml_is(services, YAML_MAP) && i < services->map.count; i++) {
        const struct yaml_pair *service = &services->map.items[i];
        const char *image = yaml_get_string(service->value, "image");
        vec_push_in(arena, ret,
                    image ? arena_strdup(arena, image) : arena_printf(arena, "%s-%s", project->name, service->key));
    }
}
