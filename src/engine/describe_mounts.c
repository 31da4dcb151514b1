/* The file systems of a container: the kernel's own, then volumes, binds and tmpfs, parents before what is mounted in
 * them. */
#include "engine/describe.h"

#include "engine/mount_points.h"
#include "engine/private.h"

#include "base/str.h"
#include "sys/mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#define SAFE (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC)

struct mount_list {
    struct described *ret;
    VEC(struct description_mount) list;
};

static void add(struct mount_list *m, struct description_mount mount)
{
    vec_push_in(&m->ret->arena, &m->list, mount);
}

static void add_kernel(struct mount_list *m, enum mount_kind kind, const char *target, const char *data,
                       uint64_t attributes)
{
    add(m, (struct description_mount){
               .kind = kind, .target = target, .source = -1, .data = data, .attributes = attributes});
}

/* Is the target one of the container's own mounts, so that ours there is not wanted? */
static bool taken(struct container *c, const struct host_config *host, const char *target)
{
    vec_foreach (mount, &c->mounts)
        if (str_eq(mount->destination, target))
            return true;
    return pairs_get(&host->tmpfs, target) != NULL;
}

static void add_kernel_mounts(struct container *c, const struct host_config *host, struct mount_list *m)
{
    struct arena *arena = &m->ret->arena;
    if (is_lean(host)) {
        add_kernel(m, MOUNT_KIND_LEAN_DEV, "/dev", NULL, 0);
        return;
    }
    uint64_t read_only = host->privileged ? 0 : MOUNT_ATTR_RDONLY;
    add_kernel(m, MOUNT_KIND_PROC, "/proc", NULL, SAFE);
    if (!taken(c, host, "/dev")) {
        add_kernel(m, MOUNT_KIND_DEV, "/dev", "mode=755,size=65536k", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
        add_kernel(m, MOUNT_KIND_DEVPTS, "/dev/pts", "newinstance,ptmxmode=0666,mode=0620,gid=5",
                   MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
        add_kernel(m, MOUNT_KIND_MQUEUE, "/dev/mqueue", NULL, SAFE);
    }
    add_kernel(m, MOUNT_KIND_SYSFS, "/sys", NULL, SAFE | read_only);
    add_kernel(m, MOUNT_KIND_CGROUP2, "/sys/fs/cgroup", NULL, SAFE | read_only);
    if (!taken(c, host, "/dev/shm") && !str_same(host->ipc_mode, "none"))
        add_kernel(m, MOUNT_KIND_TMPFS, "/dev/shm",
                   arena_printf(arena, "mode=1777,size=%lld", (long long)host->shm_size), SAFE);
}

/* --- Volumes and binds: cloned in the host's mount namespace, where the daemon is */

static uint64_t propagation_of(const char *name, bool *ret_recursive)
{
    *ret_recursive = !name || *name == 'r';
    const char *base = name && *name == 'r' ? name + 1 : name;
    if (str_same(base, "shared"))
        return MS_SHARED;
    if (str_same(base, "slave"))
        return MS_SLAVE;
    return MS_PRIVATE;
}

static int add_tree(struct mount_list *m, const struct container_mount *mount, struct err *err)
{
    bool recursive;
    uint64_t propagation = propagation_of(mount->propagation, &recursive);
    bool whole = str_eq(mount->type, "bind") && !mount_option(mount->mode, "bind");
    int fd = mount_clone(AT_FDCWD, mount->source, whole);
    if (fd < 0)
        return err_errno(err, fd, "cannot mount %s on %s", mount->source, mount->destination);
    vec_push(&m->ret->fds, fd);
    add(m, (struct description_mount){
               .kind = MOUNT_KIND_FD,
               .target = mount->destination,
               .source = fd,
               .attributes = mount->read_write ? 0 : MOUNT_ATTR_RDONLY,
               .propagation = propagation,
               .recursive = recursive && whole,
           });
    return 0;
}

/* What a root of its own has in itself: the files that start.c wrote into the container's folder. */
static int add_files(struct container *c, const struct host_config *host, struct mount_list *m, struct err *err)
{
    static const char *const files[] = {"/etc/hosts", "/etc/resolv.conf", "/etc/hostname"};
    for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
        char *path cleanup(freep) = mem_printf("%s%s", c->id, files[i]);
        int fd = taken(c, host, files[i]) ? -ENOENT : mount_clone(c->engine->containers_fd, path, false);
        if (fd == -ENOENT)
            continue;
        if (fd < 0)
            return err_errno(err, fd, "cannot mount %s", files[i]);
        vec_push(&m->ret->fds, fd);
        add(m, (struct description_mount){.kind = MOUNT_KIND_FD, .target = files[i], .source = fd});
    }
    return 0;
}

/* "rw,noexec,size=64m" of --tmpfs: what is an attribute of the mount, and what goes to the file system. */
static void add_tmpfs(struct mount_list *m, const char *target, const char *options, bool read_only)
{
    static const struct {
        const char *name;
        uint64_t set, clear;
    } attributes[] = {
        {"ro", MOUNT_ATTR_RDONLY, 0},       {"rw", 0, MOUNT_ATTR_RDONLY},
        {"noexec", MOUNT_ATTR_NOEXEC, 0},   {"exec", 0, MOUNT_ATTR_NOEXEC},
        {"nosuid", MOUNT_ATTR_NOSUID, 0},   {"suid", 0, MOUNT_ATTR_NOSUID},
        {"nodev", MOUNT_ATTR_NODEV, 0},     {"dev", 0, MOUNT_ATTR_NODEV},
        {"noatime", MOUNT_ATTR_NOATIME, 0}, {"defaults", 0, 0},
    };
    struct arena *arena = &m->ret->arena;
    uint64_t flags = SAFE | (read_only ? MOUNT_ATTR_RDONLY : 0);
    char *data = (char *)"", *rest = arena_strdup(arena, options ? options : ""), *option;
    while ((option = str_split(&rest, ','))) {
        bool known = !*option;
        for (size_t i = 0; i < ARRAY_SIZE(attributes); i++)
            if (str_eq(option, attributes[i].name)) {
                flags = (flags | attributes[i].set) & ~attributes[i].clear;
                known = true;
            }
        if (!known)
            data = arena_printf(arena, "%s%s%s", data, *data ? "," : "", option);
    }
    add_kernel(m, MOUNT_KIND_TMPFS, target, data, flags);
}

static int compare_depth(const void *a, const void *b)
{
    const struct container_mount *const *x = a, *const *y = b;
    return strcmp((*x)->destination, (*y)->destination);
}

/* By target in the order of text, so that /data comes before /data/cache. */
static int add_own_mounts(struct container *c, const struct host_config *host, struct mount_list *m, struct err *err)
{
    struct container_mount **sorted =
        arena_alloc_array(&m->ret->arena, c->mounts.count, sizeof(struct container_mount *));
    size_t n = 0;
    vec_foreach (mount, &c->mounts)
        sorted[n++] = mount;
    vec_foreach (tmpfs, &host->tmpfs)
        add_tmpfs(m, tmpfs->key, tmpfs->value, false);
    qsort(sorted, n, sizeof(*sorted), compare_depth);
    for (size_t i = 0; i < n; i++) {
        if (str_eq(sorted[i]->type, "tmpfs"))
            add_tmpfs(m, sorted[i]->destination, sorted[i]->mode, !sorted[i]->read_write);
        else if (add_tree(m, sorted[i], err) < 0)
            return -1;
    }
    return 0;
}

/* --- Devices */

static int add_devices(const struct host_config *host, struct described *ret, struct err *err)
{
    struct description_device *devices = arena_alloc_array(&ret->arena, host->devices.count, sizeof(*devices));
    vec_foreach (device, &host->devices) {
        struct stat st;
        const char *path = str_empty(device->path_in_container) ? device->path_on_host : device->path_in_container;
        if (stat(device->path_on_host, &st) < 0)
            return err_errno(err, errno, "error gathering device information while adding custom device \"%s\"",
                             device->path_on_host);
        if (!S_ISCHR(st.st_mode) && !S_ISBLK(st.st_mode))
            return err_set(err, ERR_INVALID, "%s is no device", device->path_on_host);
        devices[ret->description.device_count++] = (struct description_device){
            .path = path,
            .mode = st.st_mode,
            .major = major(st.st_rdev),
            .minor = minor(st.st_rdev),
            .uid = st.st_uid,
            .gid = st.st_gid,
        };
    }
    ret->description.devices = devices;
    return 0;
}

int describe_mounts(struct container *c, const struct container_spec *spec, bool root_shared, struct described *ret,
                    struct err *err)
{
    const struct host_config *host = &spec->host;
    struct mount_list m = {.ret = ret};
    add_kernel_mounts(c, host, &m);
    if ((root_shared && !is_lean(host) && add_files(c, host, &m, err) < 0) || add_own_mounts(c, host, &m, err) < 0 ||
        add_devices(host, ret, err) < 0)
        return -1;
    ret->description.mounts = m.list.items;
    ret->description.mount_count = (uint32_t)m.list.count;
    return 0;
}
