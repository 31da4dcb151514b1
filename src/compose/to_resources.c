#include "base/str.h"
#include "compose/spec_copy.h"
#include "compose/to_spec_parts.h"

#include <math.h>

static void make_bind(const struct spec_maker *m, const struct yaml *from, struct mount_spec *mount)
{
    const char *recursive = yaml_get_string(from, "recursive");
    mount->bind = ARENA_NEW(m->arena, struct bind_options);
    mount->bind->propagation = spec_text(m->arena, from, "propagation");
    mount->bind->create_mountpoint = yaml_get_bool(from, "create_host_path");
    mount->bind->non_recursive = str_same(recursive, "disabled");
    mount->bind->read_only_non_recursive = str_same(recursive, "writable");
    mount->bind->read_only_force_recursive = str_same(recursive, "readonly");
}

static void make_volume(const struct spec_maker *m, const struct yaml *from, struct mount_spec *mount)
{
    mount->volume = ARENA_NEW(m->arena, struct volume_options);
    mount->volume->no_copy = yaml_get_bool(from, "nocopy");
    mount->volume->subpath = spec_text(m->arena, from, "subpath");
    spec_pairs(m->arena, yaml_get(from, "labels"), &mount->volume->labels);
}

static void make_tmpfs(const struct spec_maker *m, const struct yaml *from, struct mount_spec *mount)
{
    mount->tmpfs = ARENA_NEW(m->arena, struct tmpfs_options);
    mount->tmpfs->size_bytes = spec_number(from, "size");
    mount->tmpfs->mode = (int)spec_number(from, "mode");
}

static void make_mount(const struct spec_maker *m, const struct yaml *from, struct mount_spec *mount)
{
    static const struct spec_copy table[] = {
        COPY(struct mount_spec, type, "type", TEXT),
        COPY(struct mount_spec, source, "source", TEXT),
        COPY(struct mount_spec, target, "target", TEXT),
        COPY(struct mount_spec, read_only, "read_only", BOOL),
        COPY(struct mount_spec, consistency, "consistency", TEXT),
        {0},
    };
    spec_copy(m->arena, table, from, mount);
    if (str_same(mount->type, "bind"))
        make_bind(m, yaml_get(from, "bind"), mount);
    if (str_same(mount->type, "tmpfs"))
        make_tmpfs(m, yaml_get(from, "tmpfs"), mount);
    if (str_same(mount->type, "volume")) {
        make_volume(m, yaml_get(from, "volume"), mount);
        if (mount->source)
            mount->source = spec_real_name(m, "volumes", mount->source);
    }
    if (str_same(mount->type, "image")) {
        mount->image = ARENA_NEW(m->arena, struct image_mount_options);
        mount->image->subpath = spec_text(m->arena, yaml_get(from, "image"), "subpath");
    }
}

/* "/run:size=64m" */
static void make_tmpfs_text(const struct spec_maker *m, const char *text, struct host_config *ret)
{
    size_t n = strcspn(text, ":");
    char *path = arena_strndup(m->arena, text, n);
    vec_push_in(m->arena, &ret->tmpfs, (struct pair){path, arena_strdup(m->arena, text[n] ? text + n + 1 : "")});
}

static void make_mounts(const struct spec_maker *m, const struct yaml *from, struct host_config *ret)
{
    const struct yaml *volumes = yaml_get(from, "volumes"), *tmpfs = yaml_get(from, "tmpfs");
    for (size_t i = 0; volumes && i < volumes->list.count; i++) {
        struct mount_spec mount = {0};
        make_mount(m, volumes->list.items[i], &mount);
        vec_push_in(m->arena, &ret->mounts, mount);
    }
    for (size_t i = 0; tmpfs && i < tmpfs->list.count; i++)
        make_tmpfs_text(m, tmpfs->list.items[i]->string, ret);
}

static void make_devices(const struct spec_maker *m, const struct yaml *list, struct host_config *ret)
{
    static const struct spec_copy table[] = {
        COPY(struct device_mapping, path_on_host, "source", TEXT),
        COPY(struct device_mapping, path_in_container, "target", TEXT),
        COPY(struct device_mapping, cgroup_permissions, "permissions", TEXT),
        {0},
    };
    for (size_t i = 0; list && i < list->list.count; i++) {
        struct device_mapping device = {0};
        spec_copy(m->arena, table, list->list.items[i], &device);
        vec_push_in(m->arena, &ret->devices, device);
    }
}

static void make_device_requests(const struct spec_maker *m, const struct yaml *list, struct host_config *ret)
{
    static const struct spec_copy table[] = {
        COPY(struct device_request, driver, "driver", TEXT),
        COPY(struct device_request, count, "count", INT),
        COPY(struct device_request, device_ids, "device_ids", TEXTS),
        COPY(struct device_request, options, "options", PAIRS),
        {0},
    };
    for (size_t i = 0; list && i < list->list.count; i++) {
        struct device_request request = {0};
        struct strings_holder capabilities = {0};
        spec_copy(m->arena, table, list->list.items[i], &request);
        spec_texts(m->arena, yaml_get(list->list.items[i], "capabilities"), &capabilities.list);
        if (capabilities.list.count)
            vec_push_in(m->arena, &request.capabilities, capabilities);
        vec_push_in(m->arena, &ret->device_requests, request);
    }
}

static void make_ulimits(const struct spec_maker *m, const struct yaml *map, struct host_config *ret)
{
    for (size_t i = 0; map && i < map->map.count; i++) {
        const struct yaml_pair *pair = &map->map.items[i];
        bool single = pair->value->kind == YAML_INT;
        struct ulimit limit = {.name = arena_strdup(m->arena, pair->key)};
        limit.soft = single ? pair->value->integer : spec_number(pair->value, "soft");
        limit.hard = single ? pair->value->integer : spec_number(pair->value, "hard");
        vec_push_in(m->arena, &ret->ulimits, limit);
    }
}

typedef VEC(struct throttle_device) throttles;

static void make_rates(const struct spec_maker *m, const struct yaml *list, void *ret)
{
    throttles *devices = ret;
    for (size_t i = 0; list && i < list->list.count; i++) {
        const struct yaml *item = list->list.items[i];
        vec_push_in(m->arena, devices,
                    (struct throttle_device){spec_text(m->arena, item, "path"), spec_number(item, "rate")});
    }
}

static void make_blkio(const struct spec_maker *m, const struct yaml *from, struct host_config *ret)
{
    const struct yaml *weights = yaml_get(from, "weight_device");
    ret->blkio_weight = (int)spec_number(from, "weight");
    for (size_t i = 0; weights && i < weights->list.count; i++) {
        const struct yaml *item = weights->list.items[i];
        vec_push_in(m->arena, &ret->blkio_weight_device,
                    (struct weight_device){spec_text(m->arena, item, "path"), (int)spec_number(item, "weight")});
    }
    make_rates(m, yaml_get(from, "device_read_bps"), &ret->blkio_device_read_bps);
    make_rates(m, yaml_get(from, "device_write_bps"), &ret->blkio_device_write_bps);
    make_rates(m, yaml_get(from, "device_read_iops"), &ret->blkio_device_read_iops);
    make_rates(m, yaml_get(from, "device_write_iops"), &ret->blkio_device_write_iops);
}

/* Billionths of a CPU. */
static int64_t nano_cpus(const struct yaml *node)
{
    double cpus = yaml_is(node, YAML_INT) ? (double)node->integer : yaml_is(node, YAML_FLOAT) ? node->number : 0;
    return (int64_t)llround(cpus * 1e9);
}

/* The service's own keys win; deploy.resources says the same in other words. */
static void make_limits(const struct yaml *from, struct host_config *ret)
{
    const struct yaml *resources = yaml_get(yaml_get(from, "deploy"), "resources");
    const struct yaml *limits = yaml_get(resources, "limits"), *reservations = yaml_get(resources, "reservations");
    const struct yaml *cpus = yaml_get(from, "cpus");
    ret->nano_cpus = nano_cpus(cpus ? cpus : yaml_get(limits, "cpus"));
    if (!ret->memory)
        ret->memory = spec_number(limits, "memory");
    if (!ret->memory_reservation)
        ret->memory_reservation = spec_number(reservations, "memory");
    if (!ret->pids_limit.set && yaml_get(limits, "pids"))
        ret->pids_limit = (struct opt_i64){true, spec_number(limits, "pids")};
}

void spec_make_resources(const struct spec_maker *m, const struct yaml *from, struct host_config *ret)
{
    const struct yaml *resources = yaml_get(yaml_get(from, "deploy"), "resources");
    make_mounts(m, from, ret);
    make_devices(m, yaml_get(from, "devices"), ret);
    make_device_requests(m, yaml_get(from, "gpus"), ret);
    make_device_requests(m, yaml_get(yaml_get(resources, "reservations"), "devices"), ret);
    make_ulimits(m, yaml_get(from, "ulimits"), ret);
    make_blkio(m, yaml_get(from, "blkio_config"), ret);
    make_limits(from, ret);
}
