#include "engine/defaults.h"

#include "base/str.h"

#define SHM_SIZE_DEFAULT (64LL << 20)

/* The length of KEY in "KEY=value" or "KEY". */
static size_t key_length(const char *variable)
{
    return strcspn(variable, "=");
}

static bool has_variable(const struct strings *env, const char *variable)
{
    size_t n = key_length(variable);
    vec_foreach (have, env)
        if (key_length(*have) == n && strncmp(*have, variable, n) == 0)
            return true;
    return false;
}

/* The image's variables first, as Docker orders them; "KEY" without a value in the definition takes the image's away.
 */
static void merge_env(struct container_spec *spec, const struct strings *image, struct arena *arena)
{
    struct strings merged = {0};
    vec_foreach (variable, image)
        if (!has_variable(&spec->env, *variable))
            vec_push_in(arena, &merged, arena_strdup(arena, *variable));
    vec_foreach (variable, &spec->env)
        if (strchr(*variable, '='))
            vec_push_in(arena, &merged, *variable);
    spec->env = merged;
}

static void copy_strings(struct strings *to, const struct strings *from, struct arena *arena)
{
    *to = (struct strings){0};
    vec_foreach (s, from)
        vec_push_in(arena, to, arena_strdup(arena, *s));
}

static void add_missing(struct strings *to, const struct strings *from, struct arena *arena)
{
    vec_foreach (s, from) {
        bool have = false;
        vec_foreach (t, to)
            have |= str_eq(*s, *t);
        if (!have)
            vec_push_in(arena, to, arena_strdup(arena, *s));
    }
}

static void add_missing_labels(struct pairs *to, const struct pairs *from, struct arena *arena)
{
    vec_foreach (label, from)
        if (!pairs_get(to, label->key))
            vec_push_in(arena, to, (struct pair){arena_strdup(arena, label->key), arena_strdup(arena, label->value)});
}

/* An own entrypoint drops the image's command; [""] is how a client asks for no entrypoint at all. */
static void merge_command(struct container_spec *spec, const struct image_run_config *image, struct arena *arena)
{
    if (!spec->entrypoint.items) {
        copy_strings(&spec->entrypoint, &image->entrypoint, arena);
        if (!spec->cmd.count)
            copy_strings(&spec->cmd, &image->cmd, arena);
    } else if (spec->entrypoint.count == 1 && str_empty(spec->entrypoint.items[0])) {
        spec->entrypoint = (struct strings){0};
    }
}

static void merge_health_check(struct container_spec *spec, const struct health_check *image, struct arena *arena)
{
    if (!image)
        return;
    if (!spec->health_check)
        spec->health_check = ARENA_NEW(arena, struct health_check);
    struct health_check *own = spec->health_check;
    if (!own->test.count)
        copy_strings(&own->test, &image->test, arena);
    if (!own->interval_ns)
        own->interval_ns = image->interval_ns;
    if (!own->timeout_ns)
        own->timeout_ns = image->timeout_ns;
    if (!own->start_period_ns)
        own->start_period_ns = image->start_period_ns;
    if (!own->start_interval_ns)
        own->start_interval_ns = image->start_interval_ns;
    if (!own->retries)
        own->retries = image->retries;
}

static void take_string(char **own, const char *image, struct arena *arena)
{
    if (str_empty(*own) && !str_empty(image))
        *own = arena_strdup(arena, image);
}

int defaults_from_image(struct container_spec *spec, const struct image_run_config *image, struct arena *arena,
                        struct err *err)
{
    merge_env(spec, &image->env, arena);
    merge_command(spec, image, arena);
    merge_health_check(spec, image->health_check, arena);
    take_string(&spec->working_dir, image->working_dir, arena);
    take_string(&spec->user, image->user, arena);
    take_string(&spec->stop_signal, image->stop_signal, arena);
    add_missing(&spec->exposed_ports, &image->exposed_ports, arena);
    add_missing(&spec->volumes, &image->volumes, arena);
    add_missing_labels(&spec->labels, &image->labels, arena);
    if (!spec->shell.items)
        copy_strings(&spec->shell, &image->shell, arena);
    if (!spec->cmd.count && !spec->entrypoint.count)
        return err_set(err, ERR_INVALID, "no command specified: the image %s has none, so give one", spec->image);
    return 0;
}

/* Docker's list: what of /proc and /sys tells about, or changes, the host. */
static const char *const masked_paths[] = {
    "/proc/asound",      "/proc/acpi",          "/proc/interrupts", "/proc/kcore",
    "/proc/keys",        "/proc/latency_stats", "/proc/timer_list", "/proc/timer_stats",
    "/proc/sched_debug", "/proc/scsi",          "/sys/firmware",    "/sys/devices/virtual/powercap",
};

static const char *const readonly_paths[] = {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"};

static void constant_strings(struct strings *to, const char *const *items, size_t count, struct arena *arena)
{
    to->items = arena_alloc_array(arena, count + 1, sizeof(*to->items)); /* not NULL: an empty list is one, too */
    for (size_t i = 0; i < count; i++)
        to->items[i] = (char *)items[i];
    to->count = to->capacity = count;
}

static bool unconfined_system_paths(const struct host_config *host)
{
    vec_foreach (option, &host->security_options)
        if (str_eq(*option, "systempaths=unconfined"))
            return true;
    return host->privileged;
}

static void default_paths(struct host_config *host, struct arena *arena)
{
    bool unconfined = unconfined_system_paths(host);
    if (!host->masked_paths.items)
        constant_strings(&host->masked_paths, masked_paths, unconfined ? 0 : ARRAY_SIZE(masked_paths), arena);
    if (!host->readonly_paths.items)
        constant_strings(&host->readonly_paths, readonly_paths, unconfined ? 0 : ARRAY_SIZE(readonly_paths), arena);
}

void defaults_of_engine(struct container_spec *spec, const char *id, struct arena *arena)
{
    struct host_config *host = &spec->host;
    if (str_empty(host->network_mode) || str_eq(host->network_mode, "bridge"))
        host->network_mode = (char *)"default";
    if (spec->network_disabled)
        host->network_mode = (char *)"none";
    bool own_name = !str_eq(host->network_mode, "host") && !str_starts(host->network_mode, "container:");
    if (str_empty(spec->hostname) && own_name && !str_same(host->uts_mode, "host"))
        spec->hostname = arena_strndup(arena, id, 12);
    if (str_empty(host->log.type))
        host->log.type = (char *)"json-file";
    if (!host->shm_size)
        host->shm_size = SHM_SIZE_DEFAULT;
    if (str_empty(host->restart.name))
        host->restart.name = (char *)"no";
    if (str_empty(host->ipc_mode))
        host->ipc_mode = (char *)"private";
    if (str_empty(host->cgroupns_mode))
        host->cgroupns_mode = (char *)(host->privileged ? "host" : "private");
    if (str_empty(host->runtime))
        host->runtime = (char *)"shoal";
    default_paths(host, arena);
}
