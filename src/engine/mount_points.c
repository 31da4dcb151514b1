#include "engine/mount_points.h"

#include "engine/private.h"

#include "base/str.h"

#include <errno.h>
#include <sys/stat.h>

static const char *const bind_options[] = {
    "ro",     "rw",      "z",     "Z",      "nocopy",  "consistent", "cached", "delegated", "default",
    "shared", "rshared", "slave", "rslave", "private", "rprivate",   "bind",   "rbind",     NULL,
};
static const char *const propagations[] = {"shared", "rshared", "slave", "rslave", "private", "rprivate", NULL};

bool mount_option(const char *list, const char *option)
{
    size_t n = strlen(option);
    for (const char *s = list; s && *s; s += strcspn(s, ","), s += *s == ',')
        if (strncmp(s, option, n) == 0 && (!s[n] || s[n] == ','))
            return true;
    return false;
}

static struct container_mount *find_target(struct container *c, const char *target)
{
    vec_foreach (mount, &c->mounts)
        if (str_eq(mount->destination, target))
            return mount;
    return NULL;
}

static int check_target(struct container *c, const char *target, struct err *err)
{
    if (*target != '/')
        return err_set(err, ERR_INVALID, "invalid mount path: '%s' must be absolute", target);
    if (str_eq(target, "/"))
        return err_set(err, ERR_INVALID, "invalid mount path: the destination can't be '/'");
    if (find_target(c, target))
        return err_set(err, ERR_INVALID, "Duplicate mount point: %s", target);
    return 0;
}

static int add(struct container *c, const struct container_mount *mount, struct err *err)
{
    if (check_target(c, mount->destination, err) < 0)
        return -1;
    vec_push_in(&c->private->arena, &c->mounts, *mount);
    return 0;
}

/* --- Kinds */

static int add_volume(struct container *c, const struct volume_spec *spec, const char *target, const char *mode,
                      bool read_write, struct err *err)
{
    struct arena *arena = &c->private->arena;
    struct volume *v;
    if (check_target(c, target, err) < 0 || engine_volume_create(c->engine, spec, &v, err) < 0)
        return -1;
    return add(c,
               &(struct container_mount){
                   .type = (char *)"volume",
                   .name = arena_strdup(arena, v->spec.name),
                   .source = arena_strdup(arena, v->mountpoint),
                   .destination = arena_strdup(arena, target),
                   .driver = (char *)"local",
                   .mode = arena_strdup(arena, mode),
                   .read_write = read_write,
               },
               err);
}

static int add_bind(struct container *c, const char *source, const char *target, const char *mode,
                    const char *propagation, bool read_write, struct err *err)
{
    struct arena *arena = &c->private->arena;
    return add(c,
               &(struct container_mount){
                   .type = (char *)"bind",
                   .source = arena_strdup(arena, source),
                   .destination = arena_strdup(arena, target),
                   .mode = arena_strdup(arena, mode),
                   .propagation = arena_strdup(arena, str_empty(propagation) ? "rprivate" : propagation),
                   .read_write = read_write,
               },
               err);
}

/* --- "source:target[:options]" */

static int check_bind_options(const char *bind, char *options, const char **ret_propagation, struct err *err)
{
    char *rest = options, *option;
    *ret_propagation = NULL;
    while ((option = str_split(&rest, ','))) {
        if (*option && !str_in(option, bind_options))
            return err_set(err, ERR_INVALID, "invalid volume specification: '%s': unknown option '%s'", bind, option);
        if (str_in(option, propagations))
            *ret_propagation = option;
    }
    return 0;
}

/* Docker makes the source of such a bind mount where it is missing. */
static int make_source(const char *path, struct err *err)
{
    char *copy cleanup(freep) = mem_strdup(path);
    for (char *slash = strchr(copy + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(copy, 0755) < 0 && errno != EEXIST)
            return err_errno(err, errno, "cannot make the bind mount's source %s", copy);
        *slash = '/';
    }
    if (mkdir(copy, 0755) < 0 && errno != EEXIST)
        return err_errno(err, errno, "cannot make the bind mount's source %s", path);
    return 0;
}

static int add_bind_text(struct container *c, const char *bind, struct err *err)
{
    struct arena *arena = &c->private->arena;
    char *rest = arena_strdup(arena, bind);
    const char *source = str_split(&rest, ':'), *target = str_split(&rest, ':'), *propagation;
    const char *mode = rest ? rest : "";
    if (!target || (rest && strchr(rest, ':')))
        return err_set(err, ERR_INVALID, "invalid volume specification: '%s': expected source:target[:options]", bind);
    if (check_bind_options(bind, arena_strdup(arena, mode), &propagation, err) < 0)
        return -1;
    bool read_write = !mount_option(mode, "ro");
    if (*source == '/')
        return make_source(source, err) < 0 ? -1 : add_bind(c, source, target, mode, propagation, read_write, err);
    return add_volume(c, &(struct volume_spec){.name = (char *)source}, target, mode, read_write, err);
}

/* --- --mount */

static int check_source(const struct mount_spec *mount, struct err *err)
{
    struct stat st;
    if (str_empty(mount->source) || *mount->source != '/')
        return err_set(err, ERR_INVALID, "invalid mount config for type \"bind\": the source must be an absolute path");
    if (lstat(mount->source, &st) == 0)
        return 0;
    if (mount->bind && mount->bind->create_mountpoint)
        return make_source(mount->source, err);
    return err_set(err, ERR_INVALID, "invalid mount config for type \"bind\": bind source path does not exist: %s",
                   mount->source);
}

static int add_bind_mount(struct container *c, const struct mount_spec *mount, struct err *err)
{
    const char *propagation = mount->bind ? mount->bind->propagation : NULL;
    const char *mode = mount->bind && mount->bind->non_recursive ? "bind" : "";
    if (!str_empty(propagation) && !str_in(propagation, propagations))
        return err_set(err, ERR_INVALID, "invalid propagation '%s' of the mount on %s", propagation, mount->target);
    if (check_source(mount, err) < 0)
        return -1;
    return add_bind(c, mount->source, mount->target, mode, propagation, !mount->read_only, err);
}

static int add_volume_mount(struct container *c, const struct mount_spec *mount, struct err *err)
{
    const struct volume_options *options = mount->volume;
    struct volume_spec spec = {.name = mount->source};
    if (options && !str_empty(options->subpath))
        return err_set(err, ERR_UNSUPPORTED, "the mount on %s: a volume's subpath is not offered yet", mount->target);
    if (options)
        spec.labels = options->labels;
    if (options && options->driver) {
        spec.driver = options->driver->name;
        spec.driver_options = options->driver->options;
    }
    return add_volume(c, &spec, mount->target, options && options->no_copy ? "nocopy" : "", !mount->read_only, err);
}

static int add_tmpfs_mount(struct container *c, const struct mount_spec *mount, struct err *err)
{
    struct arena *arena = &c->private->arena;
    const struct tmpfs_options *options = mount->tmpfs;
    char *data = arena_printf(arena, "mode=%o", options && options->mode ? (unsigned)options->mode : 01777);
    if (options && options->size_bytes)
        data = arena_printf(arena, "%s,size=%lld", data, (long long)options->size_bytes);
    return add(c,
               &(struct container_mount){
                   .type = (char *)"tmpfs",
                   .destination = arena_strdup(arena, mount->target),
                   .mode = data,
                   .read_write = !mount->read_only,
               },
               err);
}

static int add_mount(struct container *c, const struct mount_spec *mount, struct err *err)
{
    if (str_eq(mount->type, "bind"))
        return add_bind_mount(c, mount, err);
    if (str_eq(mount->type, "volume"))
        return add_volume_mount(c, mount, err);
    if (str_eq(mount->type, "tmpfs"))
        return add_tmpfs_mount(c, mount, err);
    return err_set(err, ERR_UNSUPPORTED, "the mount on %s: type \"%s\" is not offered: bind, volume and tmpfs are",
                   mount->target, mount->type);
}

/* --- "container[:ro|rw]" */

static int add_volumes_from(struct container *c, const char *from, struct err *err)
{
    char *rest = arena_strdup(&c->private->arena, from);
    const char *name = str_split(&rest, ':');
    struct container *source = engine_find_container(c->engine, name, err);
    if (!source)
        return -1;
    if (rest && !str_eq(rest, "ro") && !str_eq(rest, "rw"))
        return err_set(err, ERR_INVALID, "invalid volumes-from '%s': expected container[:ro|rw]", from);
    vec_foreach (mount, &source->mounts) {
        if (find_target(c, mount->destination) || str_eq(mount->type, "tmpfs"))
            continue;
        struct volume_spec volume = {.name = mount->name};
        bool read_write = mount->read_write && !str_same(rest, "ro");
        int r = mount->name
                    ? add_volume(c, &volume, mount->destination, mount->mode, read_write, err)
                    : add_bind(c, mount->source, mount->destination, mount->mode, mount->propagation, read_write, err);
        if (r < 0)
            return -1;
    }
    return 0;
}

int mount_points_resolve(struct container *c, const struct container_spec *spec, struct err *err)
{
    vec_foreach (bind, &spec->host.binds)
        if (add_bind_text(c, *bind, err) < 0)
            return -1;
    vec_foreach (mount, &spec->host.mounts)
        if (add_mount(c, mount, err) < 0)
            return -1;
    vec_foreach (from, &spec->host.volumes_from)
        if (add_volumes_from(c, *from, err) < 0)
            return -1;
    vec_foreach (target, &spec->volumes)
        if (!find_target(c, *target) && !pairs_get(&spec->host.tmpfs, *target) &&
            add_volume(c, &(struct volume_spec){0}, *target, "", true, err) < 0)
            return -1;
    return 0;
}

void mount_points_count(struct container *c, int change)
{
    vec_foreach (mount, &c->mounts) {
        struct volume *v = str_eq(mount->type, "volume") ? map_get(&c->engine->volumes, mount->name) : NULL;
        if (v)
            v->users += change;
    }
}
