#include "sys/mounts.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "runtime/child.h"
#include "runtime/home.h"
#include "runtime/protection.h"
#include "runtime/target.h"
#include "sys/files.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#ifndef MQUEUE_MAGIC
#define MQUEUE_MAGIC 0x19800202
#endif

static uint64_t propagation_of(uint64_t asked)
{
    return asked ? asked : MS_PRIVATE;
}

/* --- The root ----------------------------------------------------------------------------------------------------- */

int child_attach_root(struct child *c, struct err *err)
{
    /* A shared mount cannot be moved; child_enter_root() makes it so afterwards. */
    uint64_t propagation = c->d->root_propagation == MS_SLAVE ? MS_SLAVE : MS_PRIVATE;
    int r = mount_change(c->d->root, 0, 0, propagation, true);
    if (r >= 0)
        r = mount_attach_at(c->d->root, AT_FDCWD, HOME_ROOT);
    if (r < 0)
        return err_errno(err, r, "the root file system");
    c->root = open(HOME_ROOT, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return c->root < 0 ? err_errno(err, errno, "the root file system") : 0;
}

/*
 * Over the keeper's root, which cannot be written to and has nothing in it (home.h), and from there on it is the root.
 * pivot_root(2) looks at every process of the machine: with thousands of containers that takes longer than all the
 * rest.
 */
static int cover_old_root(const struct child *c)
{
    int r = mount_attach_at(c->d->root, AT_FDCWD, "/");
    if (r >= 0)
        r = fchdir(c->root) < 0 || chroot(".") < 0 || chdir("/") < 0 ? -errno : 0;
    return r;
}

/* In a user namespace the keeper's root has the machine's /proc for the moment (launcher.c): it must go. */
static int drop_old_root(const struct child *c)
{
    int r = fchdir(c->root) < 0 ? -errno : mount_pivot_here();
    if (r >= 0)
        r = umount2(".", MNT_DETACH) < 0 || chdir("/") < 0 ? -errno : 0;
    return r;
}

int child_enter_root(struct child *c, struct err *err)
{
    uint64_t propagation = c->d->root_propagation;
    int r = 0;
    if (c->d->flags & DESCRIPTION_ROOT_READONLY)
        r = mount_change(c->d->root, MOUNT_ATTR_RDONLY, 0, 0, false);
    if (r >= 0)
        r = c->user_namespace ? drop_old_root(c) : cover_old_root(c);
    if (r >= 0 && (propagation == MS_SHARED || propagation == MS_UNBINDABLE))
        r = mount_change(c->d->root, 0, 0, propagation, true);
    return r < 0 ? err_errno(err, r, "entering the root file system") : 0;
}

/* --- Mounts in it ------------------------------------------------------------------------------------------------- */

/* What stands in for the defaults that Docker has where no options are given. */
static const struct {
    const char *type, *data;
} kinds[] = {
    [MOUNT_KIND_PROC] = {"proc", NULL},
    [MOUNT_KIND_SYSFS] = {"sysfs", NULL},
    [MOUNT_KIND_TMPFS] = {"tmpfs", NULL},
    [MOUNT_KIND_DEVPTS] = {"devpts", "newinstance,ptmxmode=0666,mode=0620"},
    [MOUNT_KIND_MQUEUE] = {"mqueue", NULL},
    [MOUNT_KIND_CGROUP2] = {"cgroup2", NULL},
    [MOUNT_KIND_DEV] = {"tmpfs", "mode=0755,size=64k"},
};

static int new_file_system(const struct description_mount *m, struct err *err)
{
    struct mount_message why;
    const char *type = kinds[m->kind].type;
    int fd = mount_new(type, type, m->data ? m->data : kinds[m->kind].data, (unsigned)m->attributes, &why);
    if (fd < 0)
        return err_errno(err, fd, "%s%s%s", type, *why.text ? ": " : "", why.text);
    return fd;
}

/* Root of a user namespace cannot make devices: files, over which the keeper's devices are bound. */
static int make_device_files(int dev)
{
    for (const char *const *name = home_devices; *name; name++) {
        cleanup_fd int fd = openat(dev, *name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd < 0)
            return -errno;
    }
    return 0;
}

static int bind_devices(int dev, struct err *err)
{
    for (const char *const *name = home_devices; *name; name++) {
        char path[64];
        (void)snprintf(path, sizeof(path), HOME_DEV "/%s", *name);
        cleanup_fd int device = mount_clone_nofollow(AT_FDCWD, path, false);
        cleanup_fd int target = openat(dev, *name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        int r = device < 0 ? device : target < 0 ? -errno : mount_attach(device, target);
        if (r < 0)
            return err_errno(err, r, "device %s", *name);
    }
    return 0;
}

int child_new_dev(const struct child *c, const struct description_mount *m, struct err *err)
{
    static const char *const links[][2] = {
        {"/proc/self/fd", "fd"},       {"/proc/self/fd/0", "stdin"}, {"/proc/self/fd/1", "stdout"},
        {"/proc/self/fd/2", "stderr"}, {"pts/ptmx", "ptmx"},
    };
    cleanup_fd int dev = new_file_system(m, err);
    if (dev < 0)
        return -1;
    int r = c->user_namespace ? make_device_files(dev) : home_make_devices(dev);
    for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(links); i++)
        r = symlinkat(links[i][0], dev, links[i][1]) < 0 ? -errno : 0;
    return r < 0 ? err_errno(err, r, "its devices") : take_fd(&dev);
}

/* A bind mount: the source was opened by the engine. It stays in the description until the exec closes it. */
static int bind_source(const struct description_mount *m, struct err *err)
{
    int r = mount_change(m->source, 0, 0, propagation_of(m->propagation), true);
    if (r >= 0 && m->attributes)
        r = mount_change(m->source, m->attributes, 0, 0, m->recursive);
    if (r >= 0)
        r = file_dup(m->source, 3);
    return r < 0 ? err_errno(err, r, "its source") : r;
}

static int lean_dev(struct err *err)
{
    int r = mount_clone(AT_FDCWD, HOME_DEV, false);
    return r < 0 ? err_errno(err, r, "the shared devices") : r;
}

static int make_mount(const struct child *c, const struct description_mount *m, struct err *err)
{
    switch (m->kind) {
    case MOUNT_KIND_FD:
        return bind_source(m, err);
    case MOUNT_KIND_DEV:
        return child_new_dev(c, m, err);
    case MOUNT_KIND_LEAN_DEV:
        return lean_dev(err);
    default:
        return new_file_system(m, err);
    }
}

/* Programs read these to learn about their machine; a file that emulates one may be bound over it (lxcfs does). */
static const char *const proc_files[] = {"/proc/cpuinfo", "/proc/diskstats", "/proc/meminfo",
                                         "/proc/stat",    "/proc/swaps",     "/proc/uptime",
                                         "/proc/loadavg", "/proc/slabinfo",  NULL};

/* Nothing else may be put into procfs: a fake /proc/self/attr would swallow what we write there (CVE-2019-16884). */
static int check_target(const struct description_mount *m, int target, struct err *err)
{
    struct statfs fs;
    if (fstatfs(target, &fs) < 0)
        return err_errno(err, errno, "its target");
    if (fs.f_type == PROC_SUPER_MAGIC && m->kind != MOUNT_KIND_PROC && !str_in(m->target, proc_files))
        return err_set(err, ERR_INVALID, "nothing can be mounted inside /proc");
    return 0;
}

/* procfs and sysfs go to a real folder of the root, never through a link (CVE-2019-19921). */
static int check_no_link(const struct child *c, const struct description_mount *m, struct err *err)
{
    if (m->kind != MOUNT_KIND_PROC && m->kind != MOUNT_KIND_SYSFS)
        return 0;
    uint64_t resolve = RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS;
    cleanup_fd int fd = file_openat2(c->root, m->target, O_PATH | O_DIRECTORY, 0, resolve);
    if (fd == -ELOOP && protection_on(PROTECT_TARGETS))
        return err_set(err, ERR_INVALID, "it must be a folder, not a link");
    return 0;
}

static void remember(struct child *c, const struct description_mount *m, int mount)
{
    int *place = m->kind == MOUNT_KIND_PROC                                           ? &c->proc
                 : m->kind == MOUNT_KIND_SYSFS                                        ? &c->sysfs
                 : m->kind == MOUNT_KIND_DEV                                          ? &c->dev
                 : m->kind == MOUNT_KIND_DEVPTS && !strncmp(m->target, "/dev/pts", 8) ? &c->devpts
                                                                                      : NULL;
    if (place)
        *place = mount;
    else
        (void)close(mount);
}

static int add_mount(struct child *c, const struct description_mount *m, struct err *err)
{
    cleanup_fd int mount = make_mount(c, m, err);
    if (mount < 0)
        return -1;
    struct stat st;
    if (fstat(mount, &st) < 0)
        return err_errno(err, errno, "its source");
    if (check_no_link(c, m, err) < 0)
        return -1;
    cleanup_fd int target = target_open(c->root, m->target, S_ISDIR(st.st_mode), err);
    if (target < 0 || check_target(m, target, err) < 0)
        return -1;
    int r = mount_attach(mount, target);
    if (r >= 0 && m->kind != MOUNT_KIND_FD && m->propagation)
        r = mount_change(mount, 0, 0, m->propagation, true);
    if (r < 0)
        return err_errno(err, r, "attaching it");
    if (m->kind == MOUNT_KIND_DEV && c->user_namespace && bind_devices(mount, err) < 0)
        return -1;
    remember(c, m, take_fd(&mount));
    return 0;
}

int child_mount_all(struct child *c, struct err *err)
{
    for (uint32_t i = 0; i < c->d->mount_count; i++)
        if (add_mount(c, &c->d->mounts[i], err) < 0)
            return err_wrap(err, "mount %s", c->d->mounts[i].target);
    return 0;
}
