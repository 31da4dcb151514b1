#include "compose/normalise.h"

#include "base/str.h"
#include "base/vec.h"
#include "compose/paths.h"

static void set_text(struct walk *walk, struct yaml *map, const char *key, const char *text)
{
    yaml_set(walk->arena, map, key, yaml_new_string(walk->arena, text, map));
}

/* The mapping under key, made where there is none. */
static struct yaml *sub_map(struct walk *walk, struct yaml *map, const char *key)
{
    struct yaml *sub = yaml_get(map, key);
    return yaml_is(sub, YAML_MAP) ? sub : yaml_set(walk->arena, map, key, yaml_new(walk->arena, YAML_MAP, map));
}

static bool join_default_network(struct walk *walk, struct yaml *service)
{
    if (yaml_get(service, "provider") || yaml_get(service, "network_mode"))
        return false;
    struct yaml *networks = sub_map(walk, service, "networks");
    if (networks->map.count == 0)
        yaml_set(walk->arena, networks, "default", yaml_new(walk->arena, YAML_NULL, networks));
    return yaml_get(networks, "default");
}

static void add_default_network(struct walk *walk, struct yaml *root, const struct yaml *services)
{
    bool used = false;
    vec_foreach (pair, &services->map) {
        if (yaml_is(pair->value, YAML_MAP))
            used |= join_default_network(walk, pair->value);
    }
    if (used && !yaml_get(yaml_get(root, "networks"), "default")) {
        struct yaml *networks = sub_map(walk, root, "networks");
        yaml_set(walk->arena, networks, "default", yaml_new(walk->arena, YAML_NULL, networks));
    }
}

static bool has_value(void *data, const struct yaml_pair *pair)
{
    return pair->value->kind != YAML_NULL;
}

/* NAME becomes NAME=VALUE; NULL where env has no value. */
static struct yaml *with_value(struct walk *walk, const struct env *env, struct yaml *item)
{
    const char *name = yaml_text(walk->arena, item);
    if (name && strchr(name, '='))
        return item;
    const char *value = name ? env_get(env, name) : NULL;
    return value ? yaml_new_string(walk->arena, arena_printf(walk->arena, "%s=%s", name, value), item) : NULL;
}

/* Names alone get the value of env; where it has none they stay if keep says so. */
static void take_values(struct walk *walk, struct yaml *map, const char *key, const struct env *env, bool keep)
{
    struct yaml *pairs = yaml_get(map, key);
    if (yaml_is(pairs, YAML_LIST)) {
        struct yaml *list = yaml_new(walk->arena, YAML_LIST, pairs);
        vec_foreach (item, &pairs->list) {
            struct yaml *found = with_value(walk, env, *item);
            if (found || keep)
                yaml_push(walk->arena, list, found ? found : *item);
        }
        yaml_set(walk->arena, map, key, list);
    }
    for (size_t i = 0; yaml_is(pairs, YAML_MAP) && i < pairs->map.count; i++) {
        struct yaml_pair *pair = &pairs->map.items[i];
        const char *value = pair->value->kind == YAML_NULL ? env_get(env, pair->key) : NULL;
        if (value)
            pair->value = yaml_new_string(walk->arena, value, pair->value);
    }
    if (!keep)
        yaml_filter(pairs, has_value, NULL);
}

static void depend(struct walk *walk, struct yaml *service, const char *on, bool restart)
{
    struct yaml *all = sub_map(walk, service, "depends_on");
    if (yaml_get(all, on))
        return;
    struct yaml *dependency = yaml_new(walk->arena, YAML_MAP, service);
    set_text(walk, dependency, "condition", "service_started");
    yaml_set(walk->arena, dependency, "restart", yaml_new_bool(walk->arena, restart, service));
    yaml_set(walk->arena, dependency, "required", yaml_new_bool(walk->arena, true, service));
    yaml_set(walk->arena, all, on, dependency);
}

/* "name:alias" → name */
static const char *before_colon(struct arena *arena, const char *text)
{
    return arena_strndup(arena, text, strcspn(text, ":"));
}

static void add_dependencies(struct walk *walk, struct yaml *service)
{
    static const char *const namespaces[] = {"network_mode", "ipc", "pid", "uts", "cgroup"};
    struct yaml *links = yaml_get(service, "links"), *from = yaml_get(service, "volumes_from");
    for (size_t i = 0; links && i < links->list.count; i++)
        depend(walk, service, before_colon(walk->arena, links->list.items[i]->string), true);
    for (size_t i = 0; i < ARRAY_SIZE(namespaces); i++) {
        const char *mode = yaml_get_string(service, namespaces[i]);
        const char *shared = mode ? str_after(mode, "service:") : NULL;
        if (shared)
            depend(walk, service, shared, true);
    }
    for (size_t i = 0; from && i < from->list.count; i++) {
        const char *text = from->list.items[i]->string;
        if (!str_starts(text, "container:"))
            depend(walk, service, before_colon(walk->arena, text), false);
    }
}

static void normalise_build(struct walk *walk, struct yaml *build, const struct env *env)
{
    if (!yaml_is(build, YAML_MAP))
        return;
    if (!yaml_get(build, "context"))
        set_text(walk, build, "context", ".");
    if (!yaml_get(build, "dockerfile") && !yaml_get(build, "dockerfile_inline"))
        set_text(walk, build, "dockerfile", "Dockerfile");
    take_values(walk, build, "args", env, false);
}

static void normalise_service(struct walk *walk, struct yaml *service, const struct env *env)
{
    if (str_same(yaml_get_string(service, "pull_policy"), "if_not_present"))
        set_text(walk, service, "pull_policy", "missing");
    normalise_build(walk, yaml_get(service, "build"), env);
    take_values(walk, service, "environment", env, true);
    add_dependencies(walk, service);
    struct yaml *volumes = yaml_get(service, "volumes");
    for (size_t i = 0; yaml_is(volumes, YAML_LIST) && i < volumes->list.count; i++) {
        const char *target = yaml_get_string(volumes->list.items[i], "target");
        if (target)
            set_text(walk, volumes->list.items[i], "target", path_clean(walk->arena, target));
    }
}

static void name_resources(struct walk *walk, struct yaml *resources, const char *project)
{
    if (!yaml_is(resources, YAML_MAP))
        return;
    vec_foreach (pair, &resources->map) {
        if (pair->value->kind == YAML_NULL)
            pair->value = yaml_new(walk->arena, YAML_MAP, pair->value);
        const struct yaml *external = yaml_get(pair->value, "external");
        const char *text = yaml_text(walk->arena, external);
        bool is_external = text && str_in(text, (const char *const[]){"true", "True", "TRUE", "1", "t", "T", NULL});
        const struct yaml *name = yaml_get(pair->value, "name");
        if (!name || name->kind == YAML_NULL)
            set_text(walk, pair->value, "name",
                     is_external ? pair->key : arena_printf(walk->arena, "%s_%s", project, pair->key));
    }
}

void normalise(struct walk *walk, struct yaml *root, const char *project, const struct env *env)
{
    static const char *const kinds[] = {"networks", "volumes", "configs", "secrets"};
    struct yaml *services = yaml_get(root, "services");
    if (yaml_is(services, YAML_MAP)) {
        add_default_network(walk, root, services);
        vec_foreach (pair, &services->map) {
            if (yaml_is(pair->value, YAML_MAP))
                normalise_service(walk, pair->value, env);
        }
    }
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
        name_resources(walk, yaml_get(root, kinds[i]), project);
}

void normalise_environment(struct walk *walk, struct yaml *root, const struct env *env)
{
    const struct yaml *services = yaml_get(root, "services");
    for (size_t i = 0; yaml_is(services, YAML_MAP) && i < services->map.count; i++) {
        struct yaml *service = services->map.items[i].value;
        if (yaml_is(yaml_get(service, "environment"), YAML_LIST))
            take_values(walk, service, "environment", env, true);
    }
}
