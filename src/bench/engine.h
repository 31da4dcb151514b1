#pragma once
/*
 * An engine that is measured: whatever speaks the Docker API on a unix socket of this machine.
 *
 * Which processes are the engine's: for Shoal, the one that listens on the socket (SO_PEERCRED), what it has started
 * (workers), the keeper and the logger of its run directory (--run-dir in their command lines is the socket's folder),
 * and the keeper's launchers. For others the names that dockerd, containerd and podman give theirs (engine.c has the
 * list): so no second such engine may run beside.
 */
#include "bench/procfs.h"
#include "cli/daemon.h"

#define ENGINE_NAME_MAX 64

struct bench_engine {
    struct daemon daemon;       /* its address */
    const char *host;           /* as the user gave it, or unix://… */
    char name[ENGINE_NAME_MAX]; /* "Shoal 0.1.0" */
    bool shoal;
    pid_t pid; /* who listens */
};

/* Looks who answers there. ERR_UNSUPPORTED where that is not on this machine. */
int engine_look(struct bench_engine *engine, struct err *err);

struct engine_usage {
    size_t processes;
    struct procfs_usage sum;
};
struct engine_usage engine_usage(const struct bench_engine *engine);

/* Is it one of its processes? all: every process, parents included. run_dir: of Shoal, NULL for others. For tests. */
bool engine_owns(const struct procfs_list *all, const struct procfs_process *process, pid_t pid, const char *run_dir);
