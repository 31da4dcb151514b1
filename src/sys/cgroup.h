#pragma once
/*
 * Control groups of version 2 (Documentation/admin-guide/cgroup-v2.rst), by descriptors of their folders. What is on
 * version 1 on a hybrid machine is not seen here: cgroup_controllers() says what there is. Returns ≥ 0 or -errno.
 */
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum cgroup_controller {
    CGROUP_CPU = 1 << 0,
    CGROUP_CPUSET = 1 << 1,
    CGROUP_HUGETLB = 1 << 2,
    CGROUP_IO = 1 << 3,
    CGROUP_MEMORY = 1 << 4,
    CGROUP_MISC = 1 << 5,
    CGROUP_PIDS = 1 << 6,
    CGROUP_RDMA = 1 << 7,
};

/* "memory"; NULL where it is not exactly one. */
const char *cgroup_controller_name(enum cgroup_controller controller);

/* Where cgroup v2 is mounted: /sys/fs/cgroup, or …/unified on a hybrid machine. -ENOENT where it is not. */
int cgroup_find_mount(char *ret_path, size_t size);

/* Where a process is, beneath the mount: "/system.slice/shoal.service". pid 0: this one. */
int cgroup_of(pid_t pid, char *ret_path, size_t size);

/* Opens the cgroup at path beneath parent (AT_FDCWD and an absolute path: by its place in the file system). */
int cgroup_open(int parent, const char *path);

/* Makes a child and opens it; -EEXIST where there is one of the name. */
int cgroup_create(int parent, const char *name);

/* Removes an empty child: -EBUSY where it has processes or children, 0 where there is none of the name. */
int cgroup_remove(int parent, const char *name);

/* Kills every process in it and beneath it, in one write, forks in progress included. They are gone some time later:
 * cgroup_populated(). */
int cgroup_kill(int cgroup);

/* Asks for freezing or thawing; done when cgroup_frozen() says so. */
int cgroup_freeze(int cgroup, bool frozen);
int cgroup_frozen(int cgroup);

/* 1 while any process lives in it or beneath it, 0 otherwise. */
int cgroup_populated(int cgroup);

/* The processes in it (not beneath it), max at most; returns how many there are. */
ssize_t cgroup_pids(int cgroup, pid_t *ret, size_t max);

/* The controllers that a cgroup offers to its children, and that are switched on for them: bits of enum
 * cgroup_controller. */
int cgroup_controllers(int cgroup);
int cgroup_enabled(int cgroup);

/* Switches controllers on for the children; -ENOENT where one is not offered, -EBUSY where processes are in it. */
int cgroup_enable(int cgroup, unsigned controllers);

/* Writes a setting ("memory.max", "67108864"). -ENOENT where its controller is not enabled there. */
int cgroup_set(int cgroup, const char *file, const char *value);
/* Reads a file whole; -ENOENT as above. */
ssize_t cgroup_get(int cgroup, const char *file, char *ret, size_t size);
/* Reads a number; "max" is UINT64_MAX. */
int cgroup_get_u64(int cgroup, const char *file, uint64_t *ret);
/* Reads one line of a file of "key value" lines, as memory.stat, cpu.stat and memory.events are. */
int cgroup_get_key(int cgroup, const char *file, const char *key, uint64_t *ret);
