/* What one replica of a service is made from. */
#include "plan/internal.h"

#include "base/str.h"
#include "codec/digest.h"

const char *plan_replica_name(const struct stack_spec *stack, const struct service_spec *service, int number,
                              struct arena *arena)
{
    if (!str_empty(service->container_name))
        return service->container_name;
    return arena_printf(arena, "%s-%s-%d", stack->name, service->name, number);
}

/* What does not make a replica another one. */
static struct service_spec without_policies(const struct service_spec *service)
{
    struct service_spec copy = *service;
    copy.replicas = 0;
    copy.global = false;
    copy.pull_policy = 0;
    copy.build = false;
    copy.attach_logs = false;
    copy.update = NULL;
    memset(&copy.depends_on, 0, sizeof(copy.depends_on));
    memset(&copy.deploy_labels, 0, sizeof(copy.deploy_labels));
    return copy;
}

const char *plan_hash(const struct stack_spec *stack, const struct service_spec *service, struct arena *arena)
{
    struct buf text cleanup(buf_done) = BUF((size_t)64 << 20);
    struct json_out out = {.buf = &text};
    struct service_spec hashed = without_policies(service);
    json_put_array(&out);
    fields_write(&service_spec_table, &hashed, &out);
    vec_foreach (grant, &service->files) {
        const struct stack_file *file = stack_granted_file(stack, grant);
        json_put_string(&out, file ? file->content : NULL);
    }
    json_put_array_end(&out);
    char hash[DIGEST_SHA256_SIZE];
    digest_of(buf_str(&text), text.size, hash);
    return arena_strdup(arena, hash + strlen("sha256:"));
}

/* --- The definition */

static bool has_alias(const struct strings *aliases, const char *name)
{
    vec_foreach (alias, aliases)
        if (str_eq(*alias, name))
            return true;
    return false;
}

static void name_replica(const struct service_spec *service, int number, struct container_spec *spec,
                         struct arena *arena)
{
    VEC(struct endpoint_spec) endpoints = {0};
    vec_foreach (endpoint, &spec->networking.endpoints) {
        struct endpoint_spec copy = *endpoint;
        struct strings aliases = {0};
        vec_foreach (alias, &endpoint->aliases)
            vec_push_in(arena, &aliases, *alias);
        if (!has_alias(&aliases, service->name))
            vec_push_in(arena, &aliases, service->name);
        vec_push_in(arena, &aliases, arena_printf(arena, "%s-%d", service->name, number));
        copy.aliases = aliases;
        vec_push_in(arena, &endpoints, copy);
    }
    memcpy(&spec->networking.endpoints, &endpoints, sizeof(endpoints));
    if (str_empty(spec->host.network_mode) && endpoints.count)
        spec->host.network_mode = endpoints.items[0].network;
}

/* "container:NAME" of the other service's first replica. */
static char *first_replica_of(const struct stack_spec *stack, const char *name, struct arena *arena)
{
    const struct service_spec *other = stack_service(stack, name);
    return arena_printf(arena, "container:%s", other ? plan_replica_name(stack, other, 1, arena) : name);
}

static void name_joined(const struct stack_spec *stack, const struct service_spec *service, struct container_spec *spec,
                        struct arena *arena)
{
    if (service->network_of)
        spec->host.network_mode = first_replica_of(stack, service->network_of, arena);
    if (service->ipc_of)
        spec->host.ipc_mode = first_replica_of(stack, service->ipc_of, arena);
    if (service->pid_of)
        spec->host.pid_mode = first_replica_of(stack, service->pid_of, arena);
}

/* "service[:ro]" and "container:name[:ro]" of compose become "name[:ro]" of the engine. */
static void name_volumes_from(const struct stack_spec *stack, const struct service_spec *service,
                              struct container_spec *spec, struct arena *arena)
{
    struct strings list = {0};
    vec_foreach (from, &service->volumes_from) {
        const char *direct = str_after(*from, "container:");
        char *rest = arena_strdup(arena, direct ? direct : *from);
        const char *name = str_split(&rest, ':');
        const struct service_spec *other = direct ? NULL : stack_service(stack, name);
        if (other)
            name = plan_replica_name(stack, other, 1, arena);
        vec_push_in(arena, &list, rest ? arena_printf(arena, "%s:%s", name, rest) : arena_strdup(arena, name));
    }
    spec->host.volumes_from = list;
}

/* Replaces the label where the definition has it already. */
static void label(struct container_spec *spec, struct arena *arena, const char *key, const char *value)
{
    const struct pair pair = {(char *)key, (char *)(value ? value : "")};
    vec_foreach (known, &spec->labels)
        if (str_eq(known->key, key)) {
            *known = pair;
            return;
        }
    vec_push_in(arena, &spec->labels, pair);
}

static void add_labels(const struct stack_spec *stack, const struct service_spec *service, int number,
                       struct container_spec *spec, struct arena *arena)
{
    struct pairs own = spec->labels;
    struct buf files cleanup(buf_done) = BUF(65536);
    spec->labels = (struct pairs){0};
    vec_foreach (pair, &own)
        if (!str_eq(pair->key, LABEL_NUMBER) && !str_eq(pair->key, LABEL_CONFIG_HASH))
            vec_push_in(arena, &spec->labels, *pair);
    vec_foreach (file, &stack->config_files)
        buf_printf(&files, "%s%s", files.size ? "," : "", *file);
    label(spec, arena, LABEL_PROJECT, stack->name);
    label(spec, arena, LABEL_SERVICE, service->name);
    label(spec, arena, LABEL_NUMBER, arena_printf(arena, "%d", number));
    label(spec, arena, LABEL_CONFIG_HASH, plan_hash(stack, service, arena));
    label(spec, arena, LABEL_PREFIX "oneoff", "False");
    label(spec, arena, LABEL_PREFIX "project.working_dir", stack->working_dir);
    label(spec, arena, LABEL_PREFIX "project.config_files", arena_strdup(arena, buf_str(&files)));
}

struct container_spec *plan_replica_spec(const struct stack_spec *stack, const struct service_spec *service, int number,
                                         struct arena *arena)
{
    struct container_spec *spec = arena_memdup(arena, &service->container, sizeof(service->container));
    name_replica(service, number, spec, arena);
    name_joined(stack, service, spec, arena);
    name_volumes_from(stack, service, spec, arena);
    add_labels(stack, service, number, spec, arena);
    return spec;
}
