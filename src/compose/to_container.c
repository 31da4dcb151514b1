#include "base/str.h"
#include "compose/spec_copy.h"
#include "compose/to_spec_parts.h"

static const struct spec_copy container_copies[] = {
    COPY(struct container_spec, hostname, "hostname", TEXT),
    COPY(struct container_spec, domainname, "domainname", TEXT),
    COPY(struct container_spec, user, "user", TEXT),
    COPY(struct container_spec, image, "image", TEXT),
    COPY(struct container_spec, working_dir, "working_dir", TEXT),
    COPY(struct container_spec, mac_address, "mac_address", TEXT),
    COPY(struct container_spec, stop_signal, "stop_signal", TEXT),
    COPY(struct container_spec, tty, "tty", BOOL),
    COPY(struct container_spec, open_stdin, "stdin_open", BOOL),
    COPY(struct container_spec, env, "environment", PAIRS_AS_TEXTS),
    COPY(struct container_spec, cmd, "command", TEXTS),
    COPY(struct container_spec, entrypoint, "entrypoint", TEXTS),
    COPY(struct container_spec, labels, "labels", PAIRS),
    {0},
};

static const struct spec_copy host_copies[] = {
    COPY(struct host_config, privileged, "privileged", BOOL),
    COPY(struct host_config, readonly_rootfs, "read_only", BOOL),
    COPY(struct host_config, annotations, "annotations", PAIRS),
    COPY(struct host_config, storage_options, "storage_opt", PAIRS),
    COPY(struct host_config, sysctls, "sysctls", PAIRS),
    COPY(struct host_config, cap_add, "cap_add", TEXTS),
    COPY(struct host_config, cap_drop, "cap_drop", TEXTS),
    COPY(struct host_config, dns, "dns", TEXTS),
    COPY(struct host_config, dns_options, "dns_opt", TEXTS),
    COPY(struct host_config, dns_search, "dns_search", TEXTS),
    COPY(struct host_config, group_add, "group_add", TEXTS),
    COPY(struct host_config, links, "external_links", TEXTS),
    COPY(struct host_config, security_options, "security_opt", TEXTS),
    COPY(struct host_config, device_cgroup_rules, "device_cgroup_rules", TEXTS),
    COPY(struct host_config, cgroupns_mode, "cgroup", TEXT),
    COPY(struct host_config, cgroup_parent, "cgroup_parent", TEXT),
    COPY(struct host_config, uts_mode, "uts", TEXT),
    COPY(struct host_config, userns_mode, "userns_mode", TEXT),
    COPY(struct host_config, runtime, "runtime", TEXT),
    COPY(struct host_config, isolation, "isolation", TEXT),
    COPY(struct host_config, oom_score_adj, "oom_score_adj", INT),
    COPY(struct host_config, oom_kill_disable, "oom_kill_disable", OPT_BOOL),
    COPY(struct host_config, init, "init", OPT_BOOL),
    COPY(struct host_config, shm_size, "shm_size", I64),
    COPY(struct host_config, cpu_shares, "cpu_shares", I64),
    COPY(struct host_config, cpu_period, "cpu_period", I64),
    COPY(struct host_config, cpu_quota, "cpu_quota", I64),
    COPY(struct host_config, cpu_realtime_period, "cpu_rt_period", I64),
    COPY(struct host_config, cpu_realtime_runtime, "cpu_rt_runtime", I64),
    COPY(struct host_config, cpu_count, "cpu_count", I64),
    COPY(struct host_config, cpu_percent, "cpu_percent", I64),
    COPY(struct host_config, cpuset_cpus, "cpuset", TEXT),
    COPY(struct host_config, memory, "mem_limit", I64),
    COPY(struct host_config, memory_reservation, "mem_reservation", I64),
    COPY(struct host_config, memory_swap, "memswap_limit", I64),
    COPY(struct host_config, memory_swappiness, "mem_swappiness", OPT_I64),
    COPY(struct host_config, pids_limit, "pids_limit", OPT_I64),
    {0},
};

static const struct spec_copy health_copies[] = {
    COPY(struct health_check, test, "test", TEXTS),
    COPY(struct health_check, interval_ns, "interval", DURATION),
    COPY(struct health_check, timeout_ns, "timeout", DURATION),
    COPY(struct health_check, start_period_ns, "start_period", DURATION),
    COPY(struct health_check, start_interval_ns, "start_interval", DURATION),
    COPY(struct health_check, retries, "retries", INT),
    {0},
};

static void make_health(const struct spec_maker *m, const struct yaml *from, struct container_spec *ret)
{
    if (!from)
        return;
    ret->health_check = ARENA_NEW(m->arena, struct health_check);
    spec_copy(m->arena, health_copies, from, ret->health_check);
    if (yaml_get_bool(from, "disable")) {
        ret->health_check->test = (struct strings){0};
        vec_push_in(m->arena, &ret->health_check->test, arena_strdup(m->arena, "NONE"));
    }
}

/* restart: on-failure:3, or deploy.restart_policy in the engine's words. */
static void make_restart(const struct spec_maker *m, const struct yaml *from, struct restart_policy *ret)
{
    const char *restart = yaml_get_string(from, "restart");
    const struct yaml *policy = yaml_get(yaml_get(from, "deploy"), "restart_policy");
    const char *condition = yaml_get_string(policy, "condition");
    if (restart) {
        const char *colon = strchr(restart, ':');
        ret->name = arena_strndup(m->arena, restart, strcspn(restart, ":"));
        if (colon)
            (void)str_to_int(colon + 1, 0, INT32_MAX, &ret->maximum_retry_count);
    } else if (policy) {
        ret->name = arena_strdup(m->arena, !condition || str_eq(condition, "any") ? "always"
                                           : str_eq(condition, "none")            ? "no"
                                                                                  : condition);
        ret->maximum_retry_count = (int)spec_number(policy, "max_attempts");
    }
}

/* The engine writes HOST:ADDRESS where the specification has HOST=ADDRESS. */
static void make_extra_hosts(const struct spec_maker *m, const struct yaml *list, struct strings *ret)
{
    for (size_t i = 0; list && i < list->list.count; i++) {
        char *text = arena_strdup(m->arena, list->list.items[i]->string), *equals = strchr(text, '=');
        if (equals)
            *equals = ':';
        vec_push_in(m->arena, ret, text);
    }
}

static void make_labels(const struct spec_maker *m, const char *name, struct container_spec *ret)
{
    const char *files = "";
    vec_foreach (file, &m->options->files)
        files = *files ? arena_printf(m->arena, "%s,%s", files, file->path) : file->path;
    spec_add_label(m, &ret->labels, "com.docker.compose.project", m->project->name);
    spec_add_label(m, &ret->labels, "com.docker.compose.service", name);
    spec_add_label(m, &ret->labels, "com.docker.compose.oneoff", "False");
    spec_add_label(m, &ret->labels, "com.docker.compose.project.working_dir", m->project->folder);
    spec_add_label(m, &ret->labels, "com.docker.compose.project.config_files", files);
}

/* ipc: and pid: of another service are the service's business. */
static char *own_mode(const struct spec_maker *m, const struct yaml *from, const char *key)
{
    const char *mode = yaml_get_string(from, key);
    return mode && !str_starts(mode, "service:") ? arena_strdup(m->arena, mode) : NULL;
}

void spec_make_container(const struct spec_maker *m, const char *name, const struct yaml *from,
                         struct container_spec *ret)
{
    const struct yaml *logging = yaml_get(from, "logging");
    spec_copy(m->arena, container_copies, from, ret);
    spec_copy(m->arena, host_copies, from, &ret->host);
    if (!ret->image)
        ret->image = arena_printf(m->arena, "%s-%s", m->project->name, name);
    ret->host.log.type = spec_text(m->arena, logging, "driver");
    spec_pairs(m->arena, yaml_get(logging, "options"), &ret->host.log.options);
    ret->host.ipc_mode = own_mode(m, from, "ipc");
    ret->host.pid_mode = own_mode(m, from, "pid");
    make_extra_hosts(m, yaml_get(from, "extra_hosts"), &ret->host.extra_hosts);
    make_health(m, yaml_get(from, "healthcheck"), ret);
    make_restart(m, from, &ret->host.restart);
    make_labels(m, name, ret);
    spec_make_resources(m, from, &ret->host);
    spec_make_network(m, name, from, ret);
}
