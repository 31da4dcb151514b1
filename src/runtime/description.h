#pragma once
/*
 * What a container is to the kernel: the plain struct that the engine fills and the runtime carries out, and its flat
 * form, which travels engine → keeper → launcher. Fields follow the OCI runtime specification (config.json), whose
 * names they have.
 *
 * Whatever needs the host's file systems comes as a descriptor that the engine opened: the root as a detached mount
 * (fsmount, or open_tree with OPEN_TREE_CLONE), sources of bind mounts likewise, cgroup, namespaces, standard streams.
 * The runtime never looks up a path outside of the container's root.
 *
 * Strings and arrays belong to whoever filled the struct; after description_decode() they point into the message and
 * the scratch.
 */
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* A flat description is refused above this size: an environment or mounts that large are somebody's mistake. */
#define DESCRIPTION_SIZE_MAX ((size_t)128 * 1024)
/* Descriptors in one description. */
#define DESCRIPTION_FDS_MAX 240
/* Scratch memory that always suffices to decode. */
#define DESCRIPTION_SCRATCH_MAX ((size_t)320 * 1024)

enum mount_kind {
    MOUNT_KIND_FD = 1, /* source: a detached mount; MOUNT_ATTR_… of `attributes` are added to its own */
    MOUNT_KIND_PROC,
    MOUNT_KIND_SYSFS,
    MOUNT_KIND_TMPFS,
    MOUNT_KIND_DEVPTS,
    MOUNT_KIND_MQUEUE,
    MOUNT_KIND_CGROUP2, /* as seen from the container's cgroup namespace */
    MOUNT_KIND_DEV, /* a tmpfs with null, zero, full, random, urandom, tty and the usual links (OCI: default devices) */
    MOUNT_KIND_LEAN_DEV, /* the keeper's one shared, read-only folder of these devices: costs one mount, no file system
                          */
};

/* OCI: mounts. In order: a mount over the target of an earlier one covers it. */
struct description_mount {
    uint32_t kind;        /* enum mount_kind */
    const char *target;   /* absolute; resolved inside the root, links included; made where missing and possible */
    int32_t source;       /* MOUNT_KIND_FD: the mount; else -1 */
    const char *data;     /* options of the file system, "size=64m,mode=1777", or NULL */
    uint64_t attributes;  /* MOUNT_ATTR_RDONLY, _NOSUID, _NODEV, _NOEXEC, _NOATIME … */
    uint64_t propagation; /* MS_PRIVATE (or 0), MS_SLAVE, MS_SHARED */
    uint32_t recursive;   /* MOUNT_KIND_FD: attributes and propagation go for mounts beneath too (OCI: rro, rprivate) */
};

/* OCI: linux.devices. Made in the container's /dev, which should be a MOUNT_KIND_DEV. */
struct description_device {
    const char *path;
    uint32_t mode; /* with the type: S_IFCHR | 0666 */
    uint32_t major, minor;
    uint32_t uid, gid;
};

/* OCI: process.rlimits. */
struct description_rlimit {
    uint32_t resource; /* RLIMIT_NOFILE … */
    uint64_t soft, hard;
};

/* OCI: linux.sysctl. Only those of the container's own namespaces are written: kernel.{shm…,msg…,sem}, fs.mqueue.…,
 * net.… */
struct description_sysctl {
    const char *name; /* with dots */
    const char *value;
};

/* OCI: linux.uidMappings, linux.gidMappings. */
struct description_id_map {
    uint32_t container, host, size;
};

/* A namespace to join instead of a new one. */
struct description_join {
    uint32_t type; /* CLONE_NEWNET, CLONE_NEWIPC, CLONE_NEWUTS, CLONE_NEWPID, CLONE_NEWUSER */
    int32_t fd;
};

/* Bits of struct description.flags. */
enum description_flag {
    DESCRIPTION_NO_NEW_PRIVILEGES = 1 << 0, /* OCI: process.noNewPrivileges */
    DESCRIPTION_TTY = 1 << 1,  /* OCI: process.terminal; stdio must be -1: the master comes back with STARTED */
    DESCRIPTION_INIT = 1 << 2, /* pid 1 is a small init that reaps and passes signals on (docker run --init) */
    DESCRIPTION_ROOT_READONLY = 1 << 3, /* OCI: root.readonly */
    DESCRIPTION_OOM_SCORE = 1 << 4,     /* oom_score_adj is to be written (OCI: process.oomScoreAdj) */
    DESCRIPTION_NEW_KEYRING = 1 << 5,   /* a session keyring of its own: needed where seccomp lets keyctl(2) through */
    DESCRIPTION_MAKE_CWD = 1 << 6,      /* a working directory that is missing is made (Docker's WORKDIR) */
};

struct description {
    int32_t
        cgroup; /* born in this cgroup v2 folder; -1: in the launcher's. Always the first descriptor of the message. */
    int32_t stdio[3];
    uint32_t flags;

    /* OCI: process */
    const char *const *argv; /* NULL-terminated, as env */
    const char *const *env;
    const char *cwd; /* absolute */
    uint32_t uid, gid;
    const uint32_t *groups; /* supplementary; replaces all */
    uint32_t group_count;
    uint32_t umask;
    uint32_t tty_columns, tty_rows;                                /* 0: leave it */
    uint64_t bounding, permitted, effective, inheritable, ambient; /* capabilities, 1 << CAP_… */
    const struct description_rlimit *rlimits;
    uint32_t rlimit_count;
    int32_t oom_score_adj;

    /* OCI: linux.namespaces. What is neither new nor joined is shared with the host; CLONE_NEWNS is always new. */
    uint64_t namespaces; /* CLONE_NEW… */
    const struct description_join *joins;
    uint32_t join_count;
    const struct description_id_map *uid_maps, *gid_maps; /* for CLONE_NEWUSER */
    uint32_t uid_map_count, gid_map_count;
    const char *hostname, *domainname; /* NULL: leave it */

    /* OCI: root, mounts */
    int32_t root;              /* a detached mount */
    uint64_t root_propagation; /* as of a mount; 0: private */
    const struct description_mount *mounts;
    uint32_t mount_count;
    const struct description_device *devices;
    uint32_t device_count;
    const char *const *masked_paths;   /* OCI: linux.maskedPaths; those that do not exist are skipped */
    const char *const *readonly_paths; /* OCI: linux.readonlyPaths; the same */
    const struct description_sysctl *sysctls;
    uint32_t sysctl_count;
};

/* Nothing open, nothing allowed, every descriptor -1, umask 022, cwd "/". Start from it. */
void description_init(struct description *d);

/*
 * Writes the flat form. Descriptors are put into ret_fds (room for DESCRIPTION_FDS_MAX; they stay the caller's) and
 * stand in the message as their places there. Returns the size. ERR_LIMIT where data of `size` bytes does not hold it.
 */
ssize_t description_encode(const struct description *d, void *data, size_t size, int *ret_fds, unsigned *ret_fd_count,
                           struct err *err);

/*
 * Reads and checks it: a message that is cut, that names a descriptor which did not come, or that asks for what a
 * container cannot be, is ERR_INVALID. It trusts nothing and allocates nothing: arrays are laid out in scratch. Strings
 * point into data, which must outlive *ret. Descriptors stay the caller's.
 */
int description_decode(const void *data, size_t size, const int *fds, unsigned fd_count, void *scratch,
                       size_t scratch_size, struct description *ret, struct err *err);

/* The checks alone, for a description to run (or, with exec, to run inside a running container). */
int description_check(const struct description *d, bool exec, struct err *err);
