#pragma once
/*
 * The child: between clone3(2) and execve(2). It is a fork of a launcher with one thread, in its own namespaces and
 * cgroup, and becomes the container's first process by straight-line, blocking code. What fails is told to the keeper
 * over the status socket, which closes by itself when the exec succeeds. The files here are in the order of the work:
 *
 *     namespaces.c  id maps, joins, cgroup namespace, hostname, keyring
 *     mounts.c      the root and what is mounted in it         target.c   paths inside the root
 *     dev.c         /dev                                       cover.c    masked and read-only paths
 *     tty.c         terminal and standard streams              limits.c   rlimits, oom score, sysctls
 *     identity.c    users, capabilities, no_new_privs, seccomp
 *     init.c        the small init                             command.c  working directory, PATH, execve
 */
#include "base/err.h"
#include "runtime/description.h"

#include <linux/filter.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>

#define CHILD_MESSAGE_MAX 400

enum child_report_type {
    CHILD_FAILED = 1, /* kind, errnum, message */
    CHILD_TTY,        /* with the terminal's master */
};

/* What goes to the keeper over the status socket, which is of type SOCK_SEQPACKET. */
struct child_report {
    uint32_t type;
    int32_t kind, errnum;
    char message[CHILD_MESSAGE_MAX];
};

/* Sends a report, with fd unless it is -1. 0 or -errno. Given by the launcher, who knows what the socket speaks. */
typedef int child_report_send(int status, const struct child_report *report, int fd);

/* All that a child works with. Descriptors are closed by the exec. */
struct child {
    const struct description *d;
    int status; /* to the keeper */
    child_report_send *send;
    int maps;            /* a pipe from the launcher: a byte when the id maps are written; -1 without CLONE_NEWUSER */
    bool user_namespace; /* it is in one of its own, new or joined */
    int container;       /* exec: a pidfd whose cgroup namespace is to be joined; else -1 */
    struct sock_fprog inner; /* the filter that takes back what setting up needed; len 0: none */
    struct rlimit files;     /* RLIMIT_NOFILE as it was before the keeper raised its own */

    int keeper_proc; /* the keeper's /proc: the only procfs that is written through */

    /* found on the way */
    int root;        /* the container's root */
    int proc, sysfs; /* the container's mounts of these, -1 where it has none */
    int dev, devpts;
    int tty; /* the slave */
};

/* A container's first process. Returns the exit status where it fails (it has told the keeper), else not at all. */
int child_run(struct child *c);

/* A process inside a running container, whose namespaces it was born in. */
int child_run_exec(struct child *c);

/* A report of type CHILD_FAILED. */
struct child_report child_failure(const struct err *err);

/* --- The steps, each in the file named after it; 0, or -1 with err filled ----------------------------------------- */

int child_await_maps(struct child *c, struct err *err);
int child_join_namespaces(struct child *c, struct err *err);
int child_name_host(struct child *c, struct err *err);
int child_new_keyring(struct child *c, struct err *err);

int child_attach_root(struct child *c, struct err *err);
int child_mount_all(struct child *c, struct err *err);
int child_enter_root(struct child *c, struct err *err);

int child_make_devices(struct child *c, struct err *err);
/* A new tmpfs with the default devices and links, detached; -1 with err filled. */
int child_new_dev(const struct child *c, const struct description_mount *m, struct err *err);

int child_cover_paths(struct child *c, struct err *err);

int child_open_tty(struct child *c, struct err *err);
int child_open_container_tty(struct child *c, struct err *err);
int child_set_streams(struct child *c, struct err *err);

int child_write_sysctls(struct child *c, struct err *err);
int child_set_oom_score(struct child *c, struct err *err);
int child_set_limits(struct child *c, struct err *err);

int child_set_identity(struct child *c, struct err *err);

/* Forks where an init is wanted: 0 in the process that execs, and never returns in the one that is the init. */
int child_become_init(struct child *c, struct err *err);

int child_make_cwd(struct child *c, struct err *err);
int child_enter_cwd(struct child *c, struct err *err);
int child_exec(struct child *c, struct err *err);
