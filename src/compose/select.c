#include "compose/select.h"

#include "base/map.h"
#include "base/str.h"

static bool in_strings(const struct strings *strings, const char *text)
{
    vec_foreach (s, strings) {
        if (str_eq(*s, text))
            return true;
    }
    return false;
}

/* Is one of the service's profiles active? A service without profiles always is. */
static bool is_enabled(const struct strings *active, const struct yaml *service)
{
    const struct yaml *profiles = yaml_get(service, "profiles");
    if (!profiles || !profiles->list.count || in_strings(active, "*"))
        return true;
    for (size_t i = 0; i < profiles->list.count; i++) {
        if (in_strings(active, profiles->list.items[i]->string))
            return true;
    }
    return false;
}

struct sorter {
    struct arena *arena;
    struct strings active;
    struct yaml *disabled;
};

static bool sort_out(void *data, const struct yaml_pair *pair)
{
    struct sorter *sorter = data;
    if (is_enabled(&sorter->active, pair->value))
        return true;
    yaml_append(sorter->arena, sorter->disabled, *pair);
    return false;
}

void select_profiles(struct walk *walk, const struct compose_options *options, struct yaml *model,
                     struct yaml **ret_disabled)
{
    struct sorter sorter = {.arena = walk->arena, .disabled = yaml_new(walk->arena, YAML_MAP, NULL)};
    struct yaml *services = yaml_get(model, "services");
    vec_foreach (profile, &options->profiles)
        vec_push_in(walk->arena, &sorter.active, *profile);
    vec_foreach (name, &options->services) {
        const struct yaml *profiles = yaml_get(yaml_get(services, *name), "profiles");
        for (size_t i = 0; profiles && i < profiles->list.count; i++)
            vec_push_in(walk->arena, &sorter.active, arena_strdup(walk->arena, profiles->list.items[i]->string));
    }
    yaml_filter(services, sort_out, &sorter);
    *ret_disabled = sorter.disabled;
}

/* The services that are kept, in the order in which they were found. */
struct kept {
    struct map names;
    VEC(const struct yaml_pair *) queue;
};

static int keep(struct walk *walk, struct kept *kept, const struct yaml *services, const struct yaml *disabled,
                const char *name, bool required)
{
    const struct yaml_pair *pair = yaml_find(services, name);
    if (!pair && required)
        return err_set(walk->err, ERR_NOT_FOUND, "no such service: %s%s", name,
                       yaml_get(disabled, name) ? " is enabled by the active profiles" : "");
    if (pair && !map_put(&kept->names, name, (void *)(uintptr_t)pair))
        vec_push_in(walk->arena, &kept->queue, pair);
    return 0;
}

/* Follows depends_on from the services that are kept already. */
static int keep_dependencies(struct walk *walk, struct kept *kept, const struct yaml *services,
                             const struct yaml *disabled)
{
    for (size_t i = 0; i < kept->queue.count; i++) {
        const struct yaml *on = yaml_get(kept->queue.items[i]->value, "depends_on");
        for (size_t j = 0; on && j < on->map.count; j++) {
            const struct yaml_pair *pair = &on->map.items[j];
            if (keep(walk, kept, services, disabled, pair->key, yaml_get_bool(pair->value, "required")) < 0)
                return -1;
        }
    }
    return 0;
}

static bool is_in(void *data, const struct yaml_pair *pair)
{
    return map_get(data, pair->key);
}

int select_services(struct walk *walk, const struct compose_options *options, struct yaml *model,
                    const struct yaml *disabled)
{
    struct yaml *services = yaml_get(model, "services");
    struct kept kept = {0};
    int result = 0;
    if (!options->services.count)
        return 0;
    vec_foreach (name, &options->services) {
        if (result == 0)
            result = keep(walk, &kept, services, disabled, *name, true);
    }
    if (result == 0)
        result = keep_dependencies(walk, &kept, services, disabled);
    if (result == 0)
        yaml_filter(services, is_in, &kept.names);
    map_done(&kept.names);
    return result;
}

static void note(struct map *used, const char *name)
{
    if (name)
        map_put(used, name, (void *)(uintptr_t)name);
}

static void note_names(struct map *used, const struct yaml *map)
{
    for (size_t i = 0; yaml_is(map, YAML_MAP) && i < map->map.count; i++)
        note(used, map->map.items[i].key);
}

static void note_sources(struct map *used, const struct yaml *list, const char *type)
{
    for (size_t i = 0; yaml_is(list, YAML_LIST) && i < list->list.count; i++) {
        if (!type || str_same(yaml_get_string(list->list.items[i], "type"), type))
            note(used, yaml_get_string(list->list.items[i], "source"));
    }
}

void select_used(struct walk *walk, struct yaml *model)
{
    static const char *const kinds[] = {"networks", "volumes", "secrets", "configs", "models"};
    struct map used[ARRAY_SIZE(kinds)] = {0};
    const struct yaml *services = yaml_get(model, "services");
    for (size_t i = 0; yaml_is(services, YAML_MAP) && i < services->map.count; i++) {
        const struct yaml *service = services->map.items[i].value;
        note_names(&used[0], yaml_get(service, "networks"));
        note_sources(&used[1], yaml_get(service, "volumes"), "volume");
        note_sources(&used[2], yaml_get(service, "secrets"), NULL);
        note_sources(&used[2], yaml_get(yaml_get(service, "build"), "secrets"), NULL);
        note_sources(&used[3], yaml_get(service, "configs"), NULL);
        note_names(&used[4], yaml_get(service, "models"));
    }
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        struct yaml *resources = yaml_get(model, kinds[i]);
        yaml_filter(resources, is_in, &used[i]);
        if (resources && !resources->map.count)
            yaml_remove(model, kinds[i]);
        map_done(&used[i]);
    }
}
