#include "runtime/description.h"

#include "base/str.h"

#include <linux/capability.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>

#define ID_MAPS_MAX 340 /* user_namespaces(7) */

#define NAMESPACES_NEW                                                                                                 \
    (CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET | CLONE_NEWCGROUP | CLONE_NEWUSER)

static int invalid_path(const char *what, const char *path, struct err *err)
{
    return err_set(err, ERR_INVALID, "%s must be an absolute path, not \"%s\"", what, path ? path : "");
}

static bool is_absolute(const char *path)
{
    return path && *path == '/';
}

static int check_process(const struct description *d, struct err *err)
{
    if (!d->argv || !d->argv[0] || !*d->argv[0])
        return err_set(err, ERR_INVALID, "no command to run");
    if (!is_absolute(d->cwd))
        return invalid_path("the working directory", d->cwd, err);
    if (d->umask > 0777)
        return err_set(err, ERR_INVALID, "umask 0%o is beyond 0777", d->umask);
    if (d->ambient & ~(d->permitted & d->inheritable))
        return err_set(err, ERR_INVALID, "ambient capabilities must be permitted and inheritable too");
    if (d->effective & ~d->permitted)
        return err_set(err, ERR_INVALID, "effective capabilities must be permitted too");
    if (d->flags & DESCRIPTION_OOM_SCORE && (d->oom_score_adj < -1000 || d->oom_score_adj > 1000))
        return err_set(err, ERR_INVALID, "oom_score_adj must be between -1000 and 1000, not %d", d->oom_score_adj);
    for (int i = 0; i < 3; i++)
        if (!(d->flags & DESCRIPTION_TTY) && d->stdio[i] < 0)
            return err_set(err, ERR_INVALID, "standard stream %d is missing", i);
    for (uint32_t i = 0; i < d->rlimit_count; i++) {
        if (d->rlimits[i].resource >= RLIM_NLIMITS)
            return err_set(err, ERR_INVALID, "resource limit %u does not exist", d->rlimits[i].resource);
        if (d->rlimits[i].soft > d->rlimits[i].hard)
            return err_set(err, ERR_INVALID, "a soft limit is above its hard limit");
    }
    return 0;
}

static int check_mount(const struct description_mount *m, struct err *err)
{
    if (!is_absolute(m->target))
        return invalid_path("the target of a mount", m->target, err);
    if (m->kind < MOUNT_KIND_FD || m->kind > MOUNT_KIND_LEAN_DEV)
        return err_set(err, ERR_INVALID, "mount %s: kind %u is unknown", m->target, m->kind);
    if ((m->kind == MOUNT_KIND_FD) != (m->source >= 0))
        return err_set(err, ERR_INVALID, "mount %s: a source belongs to a bind mount, and only there", m->target);
    if (m->propagation && m->propagation != MS_PRIVATE && m->propagation != MS_SLAVE && m->propagation != MS_SHARED &&
        m->propagation != MS_UNBINDABLE)
        return err_set(err, ERR_INVALID, "mount %s: propagation must be one of private, slave, shared, unbindable",
                       m->target);
    return 0;
}

static int check_paths(const char *what, const char *const *paths, struct err *err)
{
    for (; paths && *paths; paths++)
        if (!is_absolute(*paths))
            return invalid_path(what, *paths, err);
    return 0;
}

/* The settings that a namespace has for its own; a name that ends in a dot stands for all that start with it. */
static const struct {
    const char *name;
    uint64_t namespace;
    const char *words;
} sysctls[] = {
    {"fs.mqueue.", CLONE_NEWIPC, "an ipc"},
    {"kernel.domainname", CLONE_NEWUTS, "a uts"},
    {"kernel.msgmax", CLONE_NEWIPC, "an ipc"},
    {"kernel.msgmnb", CLONE_NEWIPC, "an ipc"},
    {"kernel.msgmni", CLONE_NEWIPC, "an ipc"},
    {"kernel.sem", CLONE_NEWIPC, "an ipc"},
    {"kernel.shm_rmid_forced", CLONE_NEWIPC, "an ipc"},
    {"kernel.shmall", CLONE_NEWIPC, "an ipc"},
    {"kernel.shmmax", CLONE_NEWIPC, "an ipc"},
    {"kernel.shmmni", CLONE_NEWIPC, "an ipc"},
    {"net.", CLONE_NEWNET, "a network"},
};

static bool is_sysctl(const char *name, const char *pattern)
{
    return str_ends(pattern, ".") ? str_starts(name, pattern) : str_eq(name, pattern);
}

static int check_sysctl(const struct description *d, const struct description_sysctl *s, struct err *err)
{
    if (!s->name || !s->value)
        return err_set(err, ERR_INVALID, "a sysctl has no name or no value");
    uint64_t own = d->namespaces;
    for (uint32_t i = 0; i < d->join_count; i++)
        own |= d->joins[i].type;
    for (size_t i = 0; i < ARRAY_SIZE(sysctls); i++) {
        if (!is_sysctl(s->name, sysctls[i].name) || strstr(s->name, ".."))
            continue;
        if (!(own & sysctls[i].namespace))
            return err_set(err, ERR_INVALID, "sysctl %s needs %s namespace of the container's own", s->name,
                           sysctls[i].words);
        return 0;
    }
    return err_set(err, ERR_INVALID, "sysctl %s belongs to no namespace of a container", s->name);
}

static int check_maps(const char *what, const struct description_id_map *maps, uint32_t count, struct err *err)
{
    if (!count || count > ID_MAPS_MAX)
        return err_set(err, ERR_INVALID, "a user namespace needs 1 to %d %s mappings", ID_MAPS_MAX, what);
    for (uint32_t i = 0; i < count; i++)
        if (!maps[i].size || maps[i].container + maps[i].size < maps[i].container ||
            maps[i].host + maps[i].size < maps[i].host)
            return err_set(err, ERR_INVALID, "a %s mapping is empty or too large", what);
    return 0;
}

static int check_namespaces(const struct description *d, struct err *err)
{
    uint64_t seen = d->namespaces;
    if (d->namespaces & ~(uint64_t)NAMESPACES_NEW)
        return err_set(err, ERR_INVALID, "unknown namespaces 0x%llx", (unsigned long long)d->namespaces);
    for (uint32_t i = 0; i < d->join_count; i++) {
        uint32_t type = d->joins[i].type;
        if (type != CLONE_NEWPID && type != CLONE_NEWUTS && type != CLONE_NEWIPC && type != CLONE_NEWNET &&
            type != CLONE_NEWUSER)
            return err_set(err, ERR_INVALID, "a namespace of type 0x%x cannot be joined", type);
        if (seen & type || d->joins[i].fd < 0)
            return err_set(err, ERR_INVALID, "a namespace is both new and joined, or joined twice");
        seen |= type;
    }
    if ((d->hostname || d->domainname) && !(d->namespaces & CLONE_NEWUTS))
        return err_set(err, ERR_INVALID, "a hostname needs a uts namespace of the container's own");
    if (d->namespaces & CLONE_NEWUSER)
        return check_maps("uid", d->uid_maps, d->uid_map_count, err) < 0
                   ? -1
                   : check_maps("gid", d->gid_maps, d->gid_map_count, err);
    return 0;
}

static int check_root(const struct description *d, struct err *err)
{
    if (d->root < 0)
        return err_set(err, ERR_INVALID, "a container needs a root file system");
    for (uint32_t i = 0; i < d->mount_count; i++)
        if (check_mount(&d->mounts[i], err) < 0)
            return -1;
    for (uint32_t i = 0; i < d->device_count; i++) {
        if (!is_absolute(d->devices[i].path))
            return invalid_path("a device", d->devices[i].path, err);
        mode_t type = d->devices[i].mode & S_IFMT;
        if (type != S_IFCHR && type != S_IFBLK && type != S_IFIFO)
            return err_set(err, ERR_INVALID, "device %s is neither character, block nor fifo", d->devices[i].path);
    }
    for (uint32_t i = 0; i < d->sysctl_count; i++)
        if (check_sysctl(d, &d->sysctls[i], err) < 0)
            return -1;
    if (check_paths("a masked path", d->masked_paths, err) < 0)
        return -1;
    return check_paths("a read-only path", d->readonly_paths, err);
}

int description_check(const struct description *d, bool exec, struct err *err)
{
    if (check_process(d, err) < 0)
        return -1;
    if (exec)
        return 0;
    return check_namespaces(d, err) < 0 ? -1 : check_root(d, err);
}
