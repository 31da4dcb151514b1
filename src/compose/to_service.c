#include "base/clock.h"
#include "base/str.h"
#include "compose/spec_copy.h"
#include "compose/to_spec_parts.h"

#include <stdlib.h>

#define STOP_GRACE_NS (10 * NS_PER_S) /* Compose Specification, stop_grace_period */
#define GRANT_MODE    0444            /* the same, secrets and configs */

static int condition_of(const char *text)
{
    return str_same(text, "service_healthy")                  ? DEPENDS_HEALTHY
           : str_same(text, "service_completed_successfully") ? DEPENDS_COMPLETED
                                                              : DEPENDS_STARTED;
}

static void make_dependencies(const struct spec_maker *m, const struct yaml *map, struct service_spec *ret)
{
    for (size_t i = 0; map && i < map->map.count; i++) {
        const struct yaml_pair *pair = &map->map.items[i];
        struct dependency dependency = {.service = arena_strdup(m->arena, pair->key),
                                        .condition = condition_of(yaml_get_string(pair->value, "condition")),
                                        .restart = yaml_get_bool(pair->value, "restart"),
                                        .optional = !yaml_get_bool(pair->value, "required")};
        vec_push_in(m->arena, &ret->depends_on, dependency);
    }
}

static void make_grants(const struct spec_maker *m, const struct yaml *list, bool secret, struct service_spec *ret)
{
    for (size_t i = 0; list && i < list->list.count; i++) {
        const struct yaml *from = list->list.items[i];
        const char *target = yaml_get_string(from, "target"), *mode = yaml_get_string(from, "mode");
        struct file_grant grant = {.source = spec_text(m->arena, from, "source"),
                                   .uid = spec_text(m->arena, from, "uid"),
                                   .gid = spec_text(m->arena, from, "gid"),
                                   .mode = mode ? (int)strtol(mode, NULL, 8) : GRANT_MODE,
                                   .secret = secret};
        const char *folder = secret ? "/run/secrets/" : "/";
        grant.target =
            arena_printf(m->arena, "%s%s", target && *target == '/' ? "" : folder, target ? target : grant.source);
        vec_push_in(m->arena, &ret->files, grant);
    }
}

typedef VEC(struct service_hook) hooks;

static void make_hooks(const struct spec_maker *m, const struct yaml *list, void *ret)
{
    static const struct spec_copy table[] = {
        COPY(struct service_hook, command, "command", TEXTS),
        COPY(struct service_hook, user, "user", TEXT),
        COPY(struct service_hook, working_dir, "working_dir", TEXT),
        COPY(struct service_hook, privileged, "privileged", BOOL),
        COPY(struct service_hook, env, "environment", PAIRS_AS_TEXTS),
        {0},
    };
    hooks *to = ret;
    for (size_t i = 0; list && i < list->list.count; i++) {
        struct service_hook hook = {0};
        spec_copy(m->arena, table, list->list.items[i], &hook);
        vec_push_in(m->arena, to, hook);
    }
}

static struct update_policy *make_update(const struct spec_maker *m, const struct yaml *from)
{
    static const struct spec_copy table[] = {
        COPY(struct update_policy, parallelism, "parallelism", INT),
        COPY(struct update_policy, delay_ns, "delay", DURATION),
        COPY(struct update_policy, monitor_ns, "monitor", DURATION),
        COPY(struct update_policy, failure_action, "failure_action", TEXT),
        COPY(struct update_policy, order, "order", TEXT),
        COPY(struct update_policy, max_failure_ratio, "max_failure_ratio", DOUBLE),
        {0},
    };
    if (!from)
        return NULL;
    struct update_policy *update = ARENA_NEW(m->arena, struct update_policy);
    update->parallelism = 1; /* Compose Deploy Specification, update_config */
    spec_copy(m->arena, table, from, update);
    return update;
}

static int pull_policy_of(const char *text)
{
    return str_same(text, "always")  ? PULL_ALWAYS
           : str_same(text, "never") ? PULL_NEVER
           : str_same(text, "build") ? PULL_BUILD
                                     : PULL_MISSING;
}

static char *service_of(const struct spec_maker *m, const struct yaml *from, const char *key)
{
    const char *mode = yaml_get_string(from, key);
    return arena_strdup(m->arena, mode ? str_after(mode, "service:") : NULL);
}

static int replicas_of(const struct yaml *from)
{
    const struct yaml *scale = yaml_get(from, "scale"), *replicas = yaml_get(yaml_get(from, "deploy"), "replicas");
    return (int)(scale ? scale->integer : replicas ? replicas->integer : 1);
}

void spec_make_service(const struct spec_maker *m, const char *name, const struct yaml *from, struct service_spec *ret)
{
    const struct yaml *deploy = yaml_get(from, "deploy"), *policy = yaml_get(deploy, "restart_policy");
    const struct yaml *attach = yaml_get(from, "attach");
    ret->name = arena_strdup(m->arena, name);
    ret->container_name = spec_text(m->arena, from, "container_name");
    ret->replicas = replicas_of(from);
    ret->global = str_same(yaml_get_string(deploy, "mode"), "global");
    ret->pull_policy = pull_policy_of(yaml_get_string(from, "pull_policy"));
    ret->build = yaml_get(from, "build");
    ret->attach_logs = !attach || yaml_get_bool(from, "attach");
    ret->stop_grace_ns = yaml_get(from, "stop_grace_period") ? spec_duration(from, "stop_grace_period") : STOP_GRACE_NS;
    ret->network_of = service_of(m, from, "network_mode");
    ret->ipc_of = service_of(m, from, "ipc");
    ret->pid_of = service_of(m, from, "pid");
    spec_texts(m->arena, yaml_get(from, "links"), &ret->links);
    spec_texts(m->arena, yaml_get(from, "volumes_from"), &ret->volumes_from);
    spec_pairs(m->arena, yaml_get(deploy, "labels"), &ret->deploy_labels);
    make_dependencies(m, yaml_get(from, "depends_on"), ret);
    make_grants(m, yaml_get(from, "configs"), false, ret);
    make_grants(m, yaml_get(from, "secrets"), true, ret);
    make_hooks(m, yaml_get(from, "post_start"), &ret->post_start);
    make_hooks(m, yaml_get(from, "pre_stop"), &ret->pre_stop);
    ret->update = make_update(m, yaml_get(deploy, "update_config"));
    ret->restart_delay_ns = spec_duration(policy, "delay");
    ret->restart_window_ns = spec_duration(policy, "window");
    spec_make_container(m, name, from, &ret->container);
    ret->container.stop_timeout = (struct opt_i64){true, (ret->stop_grace_ns + NS_PER_S - 1) / NS_PER_S};
}
