#include "engine/validate.h"

#include "engine/devices.h"
#include "engine/limits.h"
#include "engine/signals.h"

#include "base/str.h"
#include "sys/capabilities.h"

struct validation {
    const struct container_spec *spec;
    struct arena *arena;
    struct strings *warnings;
    struct err *err;
};

static int unsupported(struct validation *v, const char *what, const char *value)
{
    return err_set(v->err, ERR_UNSUPPORTED, "%s \"%s\" is not offered by this engine", what, value);
}

/* A text field may be empty or one of a list. */
static int one_of(struct validation *v, const char *what, const char *value, const char *const *allowed)
{
    return str_empty(value) || str_in(value, allowed) ? 0 : unsupported(v, what, value);
}

static int check_modes(struct validation *v)
{
    static const char *const pid[] = {"host", "private", NULL}, *const uts[] = {"host", "private", NULL};
    static const char *const ipc[] = {"host", "private", "shareable", "none", NULL}, *const userns[] = {"host", NULL};
    static const char *const cgroupns[] = {"host", "private", NULL}, *const isolation[] = {"default", NULL};
    static const char *const runtimes[] = {"shoal", "lean", "runc", "io.containerd.runc.v2", NULL}, *const drivers[] = {
                                                                                                        "local", NULL};
    const struct host_config *host = &v->spec->host;
    bool joins_pid = !str_empty(host->pid_mode) && str_starts(host->pid_mode, "container:");
    bool joins_ipc = !str_empty(host->ipc_mode) && str_starts(host->ipc_mode, "container:");
    if ((!joins_pid && one_of(v, "PidMode", host->pid_mode, pid) < 0) ||
        (!joins_ipc && one_of(v, "IpcMode", host->ipc_mode, ipc) < 0) ||
        one_of(v, "UTSMode", host->uts_mode, uts) < 0 || one_of(v, "UsernsMode", host->userns_mode, userns) < 0 ||
        one_of(v, "CgroupnsMode", host->cgroupns_mode, cgroupns) < 0 ||
        one_of(v, "Isolation", host->isolation, isolation) < 0 || one_of(v, "Runtime", host->runtime, runtimes) < 0 ||
        one_of(v, "VolumeDriver", host->volume_driver, drivers) < 0)
        return -1;
    if (!str_empty(host->cgroup_parent))
        return unsupported(v, "CgroupParent", host->cgroup_parent);
    vec_foreach (option, &host->storage_options)
        return unsupported(v, "StorageOpt", option->key);
    vec_foreach (request, &host->device_requests)
        return unsupported(v, "DeviceRequests: driver", str_empty(request->driver) ? "gpu" : request->driver);
    vec_foreach (link, &host->links)
        return err_set(v->err, ERR_UNSUPPORTED,
                       "Links (%s): legacy links are not offered; put both containers on a network of their own",
                       *link);
    return 0;
}

/* What a lean container has no place for: it has no file system of its own but /dev, and that is everybody's. */
static int check_lean(struct validation *v)
{
    const struct container_spec *spec = v->spec;
    const struct host_config *host = &spec->host;
    const struct {
        bool asked;
        const char *what, *why;
    } conflicts[] = {
        {spec->tty, "a terminal", "it has no /dev/pts"},
        {host->privileged, "privileged", "it shares its root and /dev with others"},
        {host->devices.count > 0, "devices", "it shares /dev with others"},
        {host->sysctls.count > 0, "sysctls", "it has no /proc"},
    };
    if (!str_same(host->runtime, "lean"))
        return 0;
    for (size_t i = 0; i < ARRAY_SIZE(conflicts); i++)
        if (conflicts[i].asked)
            return err_set(v->err, ERR_INVALID,
                           "a container with \"runtime: lean\" cannot have %s: %s; leave out the runtime",
                           conflicts[i].what, conflicts[i].why);
    return 0;
}

static int check_log(struct validation *v)
{
    static const char *const drivers[] = {"json-file", "none", NULL};
    static const char *const options[] = {"max-size", "max-file", "mode", "max-buffer-size", "labels", "env", NULL};
    const struct log_config *log = &v->spec->host.log;
    if (one_of(v, "log driver", log->type, drivers) < 0)
        return -1;
    vec_foreach (option, &log->options)
        if (!str_in(option->key, options))
            return unsupported(v, "log option", option->key);
    return 0;
}

static int check_restart(struct validation *v)
{
    static const char *const names[] = {"no", "always", "unless-stopped", "on-failure", NULL};
    const struct host_config *host = &v->spec->host;
    const char *name = host->restart.name;
    if (!str_empty(name) && !str_in(name, names))
        return err_set(v->err, ERR_INVALID,
                       "invalid restart policy '%s': expected no, always, unless-stopped or on-failure", name);
    if (host->restart.maximum_retry_count && !str_same(name, "on-failure"))
        return err_set(v->err, ERR_INVALID,
                       "invalid restart policy: maximum retry count can only be used with 'on-failure'");
    if (host->auto_remove && !str_empty(name) && !str_eq(name, "no"))
        return err_set(v->err, ERR_INVALID, "can't create 'AutoRemove' container with restart policy");
    return 0;
}

static int check_capabilities(struct validation *v, const struct strings *list)
{
    vec_foreach (name, list)
        if (!str_eq(*name, "ALL") && !str_eq(*name, "all") && capability_by_name(*name) < 0)
            return err_set(v->err, ERR_INVALID, "invalid capability: %s", *name);
    return 0;
}

static int check_security(struct validation *v)
{
    static const char *const known[] = {"no-new-privileges",
                                        "no-new-privileges=true",
                                        "no-new-privileges:true",
                                        "no-new-privileges=false",
                                        "no-new-privileges:false",
                                        "seccomp=unconfined",
                                        "seccomp:unconfined",
                                        "apparmor=unconfined",
                                        "apparmor:unconfined",
                                        "label=disable",
                                        "label:disable",
                                        "systempaths=unconfined",
                                        NULL};
    const struct host_config *host = &v->spec->host;
    vec_foreach (option, &host->security_options)
        if (!str_in(*option, known))
            return unsupported(v, "SecurityOpt", *option);
    return check_capabilities(v, &host->cap_add) < 0 || check_capabilities(v, &host->cap_drop) < 0 ? -1 : 0;
}

static int check_process(struct validation *v)
{
    const struct container_spec *spec = v->spec;
    if (!str_empty(spec->working_dir) && *spec->working_dir != '/')
        return err_set(v->err, ERR_INVALID, "the working directory '%s' is invalid, it needs to be an absolute path",
                       spec->working_dir);
    if (!str_empty(spec->stop_signal) && signal_by_name(spec->stop_signal, v->err) < 0)
        return -1;
    if (spec->stop_timeout.set && (spec->stop_timeout.value < -1 || spec->stop_timeout.value > INT32_MAX))
        return err_set(v->err, ERR_INVALID, "invalid stop timeout %lld: expected seconds, or -1 for ever",
                       (long long)spec->stop_timeout.value);
    vec_foreach (variable, &spec->env)
        if (!**variable || **variable == '=')
            return err_set(v->err, ERR_INVALID, "invalid environment variable: '%s'", *variable);
    if (!str_empty(spec->hostname) && strlen(spec->hostname) > 63)
        return err_set(v->err, ERR_INVALID, "invalid hostname '%.80s': 63 characters at most", spec->hostname);
    if (spec->host.oom_score_adj < -1000 || spec->host.oom_score_adj > 1000)
        return err_set(v->err, ERR_INVALID, "invalid value %d for OomScoreAdj: expected -1000 to 1000",
                       spec->host.oom_score_adj);
    if (devices_check(&spec->host, v->err) < 0)
        return -1;
    vec_foreach (limit, &spec->host.ulimits)
        if (rlimit_by_name(limit->name) < 0)
            return err_set(v->err, ERR_INVALID, "invalid ulimit type: %s", limit->name);
    return 0;
}

static int check_health(struct validation *v)
{
    static const char *const forms[] = {"NONE", "CMD", "CMD-SHELL", NULL};
    const struct health_check *health = v->spec->health_check;
    if (!health)
        return 0;
    if (health->test.count && !str_in(health->test.items[0], forms))
        return err_set(v->err, ERR_INVALID, "unknown type '%s' in health check: expected NONE, CMD or CMD-SHELL",
                       health->test.items[0]);
    const int64_t times[] = {health->interval_ns, health->timeout_ns, health->start_period_ns,
                             health->start_interval_ns};
    for (size_t i = 0; i < ARRAY_SIZE(times); i++)
        if (times[i] < 0 || (times[i] && times[i] < 1000000))
            return err_set(v->err, ERR_INVALID, "a health check's times cannot be less than 1ms");
    return health->retries < 0 ? err_set(v->err, ERR_INVALID, "a health check's retries cannot be negative") : 0;
}

/* What Docker takes for Windows, or took once: no effect here. */
static void warn_without_effect(struct validation *v)
{
    const struct host_config *host = &v->spec->host;
    const struct {
        bool set;
        const char *name;
    } fields[] = {
        {host->kernel_memory || host->kernel_memory_tcp, "KernelMemory"},
        {host->cpu_count || host->cpu_percent, "CpuCount and CpuPercent"},
        {host->io_maximum_iops || host->io_maximum_bandwidth, "IOMaximumIOps and IOMaximumBandwidth"},
        {host->oom_kill_disable.set && host->oom_kill_disable.value, "OomKillDisable (cgroup v2 has no such setting)"},
        {host->memory_swappiness.set && host->memory_swappiness.value >= 0,
         "MemorySwappiness (cgroup v2 has no such setting)"},
        {host->cpu_realtime_period || host->cpu_realtime_runtime, "CpuRealtimePeriod and CpuRealtimeRuntime"},
        {!str_empty(host->container_id_file), "ContainerIDFile"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
        if (fields[i].set)
            vec_push_in(v->arena, v->warnings, arena_printf(v->arena, "%s has no effect", fields[i].name));
}

int validate_spec(const struct container_spec *spec, unsigned controllers, struct arena *arena,
                  struct strings *warnings, struct err *err)
{
    struct validation v = {spec, arena, warnings, err};
    if (check_modes(&v) < 0 || check_lean(&v) < 0 || check_log(&v) < 0 || check_restart(&v) < 0 ||
        check_security(&v) < 0 || check_process(&v) < 0 || check_health(&v) < 0 ||
        limits_check(&spec->host, controllers, err) < 0)
        return -1;
    warn_without_effect(&v);
    return 0;
}
