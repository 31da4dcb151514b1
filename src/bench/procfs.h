#pragma once
/* Processes of this machine, through /proc. One that ends meanwhile counts for nothing. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define PROCFS_COMM_MAX    16
#define PROCFS_COMMAND_MAX 512

struct procfs_process {
    pid_t pid, parent;
    char comm[PROCFS_COMM_MAX];       /* "containerd-shim" */
    char command[PROCFS_COMMAND_MAX]; /* its command line; arguments end in NULs, and the last in two */
};

struct procfs_list {
    struct procfs_process *items;
    size_t count, capacity;
};

/* Reads the text of /proc/PID/stat. */
bool procfs_parse_stat(const char *text, struct procfs_process *ret, int64_t *ret_cpu_ticks);
/* All processes, without their command lines. */
void procfs_all(struct procfs_list *ret);
void procfs_list_done(struct procfs_list *list);

/* Fills process->command. */
void procfs_read_command(struct procfs_process *process);
/* The argument after `name` in a command line as above; NULL where there is none. */
const char *procfs_argument(const char *command, const char *name);

struct procfs_usage {
    size_t threads;
    int64_t pss_kib;
    int64_t switches; /* how often its threads went to sleep: wake-ups of one that is idle */
    int64_t cpu_ticks;
};

/* Adds what a process uses to *sum. */
void procfs_add_usage(pid_t pid, struct procfs_usage *sum);
