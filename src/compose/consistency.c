#include "compose/consistency.h"

#include "base/map.h"
#include "base/str.h"
#include "base/vec.h"

#include <arpa/inet.h>

/* --- one file's resources ---------------------------------------------------------------------------------------- */

static struct place top(const char *key)
{
    return (struct place){.key = key};
}

static int check_volume(struct walk *walk, const struct place *place, const struct yaml *volume)
{
    if (!yaml_get_bool(volume, "external"))
        return 0;
    vec_foreach (pair, &volume->map) {
        if (!str_eq(pair->key, "name") && !str_eq(pair->key, "external") && !str_starts(pair->key, "x-"))
            return place_fail(walk, place, pair->value, "external, but %s is set, expected name alone", pair->key);
    }
    return 0;
}

static int check_file_object(struct walk *walk, const struct place *place, const struct yaml *object, bool config)
{
    int sources =
        !!yaml_get(object, "file") + !!yaml_get(object, "environment") + (config && yaml_get(object, "content"));
    const char *words = config ? "file, environment and content" : "file and environment";
    if (sources > 1)
        return place_fail(walk, place, object, "more than one source, expected one of %s", words);
    if (sources == 0 && !yaml_get(object, "driver") && !yaml_get(object, "external"))
        return place_fail(walk, place, object, "no source, expected one of %s", words);
    return 0;
}

static int check_port_address(struct walk *walk, const struct place *place, const struct yaml *port)
{
    unsigned char address[16];
    const char *text = yaml_get_string(port, "host_ip");
    if (!text || (walk->raw && strchr(text, '$')))
        return 0;
    if (inet_pton(AF_INET, text, address) != 1 && inet_pton(AF_INET6, text, address) != 1)
        return place_fail(walk, place, yaml_get(port, "host_ip"),
                          "\"%s\" is not an address, expected one such as 127.0.0.1", text);
    return 0;
}

static int check_device_requests(struct walk *walk, const struct place *place, const struct yaml *requests)
{
    for (size_t i = 0; yaml_is(requests, YAML_LIST) && i < requests->list.count; i++) {
        struct place here = {.up = place, .index = i};
        const struct yaml *request = requests->list.items[i];
        if (yaml_get(request, "count") && yaml_get(request, "device_ids"))
            return place_fail(walk, &here, request, "count and device_ids are both set, expected one of them");
    }
    return 0;
}

static int check_service_parts(struct walk *walk, const struct place *place, const struct yaml *service)
{
    struct place at_ports = {.up = place, .key = "ports"}, at_gpus = {.up = place, .key = "gpus"};
    struct place at_devices = {.up = place, .key = "deploy.resources.reservations.devices"};
    const struct yaml *ports = yaml_get(service, "ports");
    for (size_t i = 0; yaml_is(ports, YAML_LIST) && i < ports->list.count; i++) {
        struct place here = {.up = &at_ports, .index = i};
        if (check_port_address(walk, &here, ports->list.items[i]) < 0)
            return -1;
        if (yaml_is(ports->list.items[i], YAML_MAP) && !yaml_get(ports->list.items[i], "target"))
            return place_fail(walk, &here, ports->list.items[i], "target is missing, expected the container's port");
    }
    const struct yaml *volumes = yaml_get(service, "volumes");
    for (size_t i = 0; yaml_is(volumes, YAML_LIST) && i < volumes->list.count; i++) {
        struct place at_volumes = {.up = place, .key = "volumes"}, here = {.up = &at_volumes, .index = i};
        if (yaml_is(volumes->list.items[i], YAML_MAP) && !yaml_get(volumes->list.items[i], "target"))
            return place_fail(walk, &here, volumes->list.items[i],
                              "target is missing, expected a path in the container");
    }
    const struct yaml *reservations = yaml_get(yaml_get(yaml_get(service, "deploy"), "resources"), "reservations");
    if (check_device_requests(walk, &at_devices, yaml_get(reservations, "devices")) < 0)
        return -1;
    return check_device_requests(walk, &at_gpus, yaml_get(service, "gpus"));
}

typedef int check_resource(struct walk *walk, const struct place *place, const struct yaml *resource);

static int check_config(struct walk *walk, const struct place *place, const struct yaml *config)
{
    return check_file_object(walk, place, config, true);
}

static int check_secret(struct walk *walk, const struct place *place, const struct yaml *secret)
{
    return check_file_object(walk, place, secret, false);
}

int consistency_check_resources(struct walk *walk, const struct yaml *root)
{
    static const struct {
        const char *key;
        check_resource *check;
    } kinds[] = {{"services", check_service_parts},
                 {"volumes", check_volume},
                 {"configs", check_config},
                 {"secrets", check_secret}};
    for (size_t k = 0; k < ARRAY_SIZE(kinds); k++) {
        struct place kind = top(kinds[k].key);
        const struct yaml *map = yaml_get(root, kinds[k].key);
        for (size_t i = 0; yaml_is(map, YAML_MAP) && i < map->map.count; i++) {
            struct place here = {.up = &kind, .key = map->map.items[i].key};
            if (kinds[k].check(walk, &here, map->map.items[i].value) < 0)
                return -1;
        }
    }
    return 0;
}

/* --- the model --------------------------------------------------------------------------------------------------- */

struct checker {
    struct walk *walk;
    const struct yaml *model, *services, *disabled;
};

typedef int check_aspect(const struct checker *c, const struct place *place, const struct yaml *service);

static int check_image(const struct checker *c, const struct place *place, const struct yaml *service)
{
    const struct yaml *build = yaml_get(service, "build");
    if (!build && str_empty(yaml_get_string(service, "image")) && !yaml_get(service, "provider"))
        return place_fail(c->walk, place, service, "has nothing to run, expected image or build");
    if (yaml_get(build, "dockerfile") && yaml_get(build, "dockerfile_inline"))
        return place_fail(c->walk, place, build, "dockerfile and dockerfile_inline are both set, expected one of them");
    const char *platform = yaml_get_string(service, "platform");
    const struct yaml *platforms = yaml_get(build, "platforms");
    bool found = !platform || !platforms;
    for (size_t i = 0; !found && i < platforms->list.count; i++)
        found = str_eq(platforms->list.items[i]->string, platform);
    if (!found)
        return place_fail(c->walk, place, platforms, "build.platforms without %s, which is the service's platform",
                          platform);
    return 0;
}

static int check_contexts(const struct checker *c, const struct place *place, const struct yaml *service)
{
    const struct yaml *contexts = yaml_get(yaml_get(service, "build"), "additional_contexts");
    for (size_t i = 0; contexts && i < contexts->map.count; i++) {
        const char *other = str_after(contexts->map.items[i].value->string, "service:");
        if (!other)
            continue;
        const struct yaml *target = yaml_get(c->services, other);
        if (!target || !yaml_get(target, "build"))
            return place_fail(c->walk, place, contexts->map.items[i].value, "the context %s is service:%s, %s",
                              contexts->map.items[i].key, other,
                              target ? "which is not built" : "and no such service exists");
    }
    return 0;
}

static int check_names(const struct checker *c, const struct place *place, const struct yaml *service, const char *key,
                       const char *noun)
{
    const struct yaml *names = yaml_get(service, key), *known = yaml_get(c->model, key);
    for (size_t i = 0; yaml_is(names, YAML_MAP) && i < names->map.count; i++) {
        struct place here = {.up = place, .key = key};
        const struct yaml_pair *pair = &names->map.items[i];
        struct yaml at = {.file = pair->value->file, .line = pair->line, .column = pair->column};
        if (!yaml_get(known, pair->key))
            return place_fail(c->walk, &here, &at, "the %s %s is not declared, expected it under %s: at the top", noun,
                              pair->key, key);
    }
    return 0;
}

static int check_grants(const struct checker *c, const struct place *place, const struct yaml *owner, const char *key,
                        const char *noun)
{
    const struct yaml *grants = yaml_get(owner, key), *known = yaml_get(c->model, key);
    for (size_t i = 0; grants && i < grants->list.count; i++) {
        struct place list = {.up = place, .key = key}, here = {.up = &list, .index = i};
        const char *source = yaml_get_string(grants->list.items[i], "source");
        if (!source || !yaml_get(known, source))
            return place_fail(c->walk, &here, grants->list.items[i],
                              "the %s %s is not declared, expected it under %s: at the top", noun, source ? source : "",
                              key);
    }
    return 0;
}

static int check_references(const struct checker *c, const struct place *place, const struct yaml *service)
{
    struct place build = {.up = place, .key = "build"};
    if (yaml_get(service, "network_mode") && yaml_get(service, "networks"))
        return place_fail(c->walk, place, yaml_get(service, "network_mode"),
                          "network_mode and networks are both set, expected one of them");
    if (check_names(c, place, service, "networks", "network") < 0 ||
        check_names(c, place, service, "models", "model") < 0 ||
        check_grants(c, place, service, "configs", "config") < 0 ||
        check_grants(c, place, service, "secrets", "secret") < 0)
        return -1;
    return check_grants(c, &build, yaml_get(service, "build"), "secrets", "secret");
}

static int check_dependencies(const struct checker *c, const struct place *place, const struct yaml *service)
{
    const struct yaml *on = yaml_get(service, "depends_on");
    struct place here = {.up = place, .key = "depends_on"};
    for (size_t i = 0; on && i < on->map.count; i++) {
        const struct yaml_pair *pair = &on->map.items[i];
        bool disabled = yaml_get(c->disabled, pair->key);
        if (yaml_get(c->services, pair->key) || (disabled && !yaml_get_bool(pair->value, "required")))
            continue;
        return place_fail(c->walk, &here, pair->value,
                          disabled
                              ? "the service %s is not enabled by any profile, expected --profile or required: false"
                              : "no service %s, expected the name of one",
                          pair->key);
    }
    return 0;
}

static int check_health(const struct checker *c, const struct place *place, const struct yaml *service)
{
    const struct yaml *test = yaml_get(yaml_get(service, "healthcheck"), "test");
    if (!test || !test->list.count)
        return 0;
    struct place health = {.up = place, .key = "healthcheck"}, here = {.up = &health, .key = "test"};
    if (!str_in(test->list.items[0]->string, (const char *const[]){"CMD", "CMD-SHELL", "NONE", NULL}))
        return place_fail(c->walk, &here, test->list.items[0], "starts with \"%s\", expected CMD, CMD-SHELL or NONE",
                          test->list.items[0]->string);
    return 0;
}

static int check_mounts(const struct checker *c, const struct place *place, const struct yaml *service)
{
    const struct yaml *volumes = yaml_get(service, "volumes"), *tmpfs = yaml_get(service, "tmpfs");
    struct map seen = {0};
    int result = 0;
    for (size_t i = 0; tmpfs && i < tmpfs->list.count && result == 0; i++) {
        struct place list = {.up = place, .key = "tmpfs"}, here = {.up = &list, .index = i};
        struct yaml *item = tmpfs->list.items[i];
        char *path = arena_strndup(c->walk->arena, item->string, strcspn(item->string, ":"));
        if (map_put(&seen, path, item))
            result = place_fail(c->walk, &here, item, "%s is mounted already", path);
    }
    for (size_t i = 0; volumes && i < volumes->list.count && result == 0; i++) {
        struct place list = {.up = place, .key = "volumes"}, here = {.up = &list, .index = i};
        struct yaml *item = volumes->list.items[i];
        const char *target = yaml_get_string(item, "target"), *source = yaml_get_string(item, "source");
        bool named = str_same(yaml_get_string(item, "type"), "volume") && !str_empty(source);
        if (map_put(&seen, target, item))
            result = place_fail(c->walk, &here, item, "%s is mounted already", target);
        else if (named && !yaml_get(yaml_get(c->model, "volumes"), source))
            result = place_fail(c->walk, &here, item,
                                "the volume %s is not declared, expected it under volumes: at the top, or a path "
                                "(./%s)",
                                source, source);
    }
    map_done(&seen);
    return result;
}

/* The same said twice must be said alike: mem_limit and deploy.resources.limits.memory … */
static int check_limits(const struct checker *c, const struct place *place, const struct yaml *service)
{
    static const struct {
        const char *key, *group, *deploy_key;
    } twins[] = {{"cpus", "limits", "cpus"},
                 {"mem_limit", "limits", "memory"},
                 {"mem_reservation", "reservations", "memory"},
                 {"pids_limit", "limits", "pids"}};
    const struct yaml *deploy = yaml_get(service, "deploy");
    for (size_t i = 0; i < ARRAY_SIZE(twins); i++) {
        const struct yaml *value = yaml_get(service, twins[i].key);
        const struct yaml *group = yaml_get(yaml_get(deploy, "resources"), twins[i].group);
        if (value && group && !yaml_equal(value, yaml_get(group, twins[i].deploy_key)))
            return place_fail(c->walk, place, value, "%s differs from deploy.resources.%s.%s, expected one of them",
                              twins[i].key, twins[i].group, twins[i].deploy_key);
    }
    return 0;
}

static int check_scale(const struct checker *c, const struct place *place, const struct yaml *service)
{
    const struct yaml *scale = yaml_get(service, "scale"),
                      *replicas = yaml_get(yaml_get(service, "deploy"), "replicas");
    const struct yaml *number = scale ? scale : replicas;
    if (scale && replicas && !yaml_equal(scale, replicas))
        return place_fail(c->walk, place, scale, "scale differs from deploy.replicas, expected one of them");
    if (number && number->integer < 0)
        return place_fail(c->walk, place, number, "%lld replicas, expected 0 or more", (long long)number->integer);
    if (number && number->integer > 1 && yaml_get(service, "container_name"))
        return place_fail(c->walk, place, yaml_get(service, "container_name"),
                          "container_name with %lld replicas, expected at most one", (long long)number->integer);
    return 0;
}

static int check_watches(const struct checker *c, const struct place *place, const struct yaml *service)
{
    const struct yaml *watch = yaml_get(yaml_get(service, "develop"), "watch");
    for (size_t i = 0; watch && i < watch->list.count; i++) {
        const struct yaml *rule = watch->list.items[i];
        const char *action = yaml_get_string(rule, "action");
        if (!yaml_get(rule, "target") && !str_in(action, (const char *const[]){"rebuild", "restart", NULL}))
            return place_fail(c->walk, place, rule, "develop.watch[%zu] without target, expected one for %s", i,
                              action);
    }
    return 0;
}

#define CHAIN_MAX 1000 /* services that wait for each other, one after the other */

/* The services on the way to one, the nearest first. */
struct way {
    const struct way *up;
    const char *name;
    unsigned length;
};

static int refuse_cycle(const struct checker *c, const struct way *way, const struct yaml_pair *back)
{
    const char *text = back->key;
    for (; way; way = way->up) {
        text = arena_printf(c->walk->arena, "%s -> %s", way->name, text);
        if (str_eq(way->name, back->key))
            break;
    }
    return place_fail(c->walk, NULL, back->value, "services wait for each other: %s", text);
}

/* Depth first along depends_on. */
static int find_cycle(const struct checker *c, struct map *state, const struct way *way)
{
    static char on_the_way, done;
    const struct yaml *on = yaml_get(yaml_get(c->services, way->name), "depends_on");
    if (way->length > CHAIN_MAX)
        return place_fail(c->walk, NULL, on, "a chain of more than %d services that wait for each other", CHAIN_MAX);
    map_put(state, way->name, &on_the_way);
    for (size_t i = 0; on && i < on->map.count; i++) {
        const struct yaml_pair *next = &on->map.items[i];
        const void *seen = map_get(state, next->key);
        struct way longer = {way, next->key, way->length + 1};
        if (seen == &on_the_way)
            return refuse_cycle(c, way, next);
        if (!seen && yaml_get(c->services, next->key) && find_cycle(c, state, &longer) < 0)
            return -1;
    }
    map_put(state, way->name, &done);
    return 0;
}

static int check_cycles(const struct checker *c)
{
    struct map state = {0};
    int result = 0;
    vec_foreach (pair, &c->services->map) {
        struct way way = {.name = pair->key};
        if (result == 0 && !map_get(&state, pair->key))
            result = find_cycle(c, &state, &way);
    }
    map_done(&state);
    return result;
}

static int check_container_names(const struct checker *c)
{
    struct map seen = {0};
    int result = 0;
    vec_foreach (pair, &c->services->map) {
        struct place services = top("services"), here = {.up = &services, .key = pair->key};
        const struct yaml *name = yaml_get(pair->value, "container_name");
        const char *other = name ? map_put(&seen, name->string, (void *)(uintptr_t)pair->key) : NULL;
        if (other && result == 0)
            result = place_fail(c->walk, &here, name, "container_name %s is that of the service %s already",
                                name->string, other);
    }
    map_done(&seen);
    return result;
}

int consistency_check(struct walk *walk, const struct yaml *model, const struct yaml *disabled)
{
    static check_aspect *const aspects[] = {check_image,        check_contexts, check_references,
                                            check_dependencies, check_health,   check_mounts,
                                            check_limits,       check_scale,    check_watches};
    struct checker c = {walk, model, yaml_get(model, "services"), disabled};
    struct place services = top("services");
    if (!yaml_is(c.services, YAML_MAP))
        return 0;
    vec_foreach (pair, &c.services->map) {
        struct place here = {.up = &services, .key = pair->key};
        for (size_t i = 0; i < ARRAY_SIZE(aspects); i++) {
            if (aspects[i](&c, &here, pair->value) < 0)
                return -1;
        }
    }
    return check_cycles(&c) < 0 ? -1 : check_container_names(&c);
}
