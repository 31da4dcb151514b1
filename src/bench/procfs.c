#include "bench/procfs.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "base/vec.h"
#include "sys/files.h"

#include <fcntl.h>
#include <stdio.h>

bool procfs_parse_stat(const char *text, struct procfs_process *ret, int64_t *ret_cpu_ticks)
{
    long long user, kernel;
    /* A comm may have blanks and parentheses in it: the last one ends it. */
    const char *open = strchr(text, '('), *close = strrchr(text, ')');
    if (!open || !close || close < open)
        return false;
    *ret = (struct procfs_process){.pid = (pid_t)strtol(text, NULL, 10)};
    (void)snprintf(ret->comm, sizeof(ret->comm), "%.*s", (int)(close - open - 1), open + 1);
    /* state ppid pgrp session tty tpgid flags minflt cminflt majflt cmajflt utime stime */
    if (sscanf(close + 1, " %*c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lld %lld", /* NOLINT: the kernel's numbers */
               &ret->parent, &user, &kernel) != 3)
        return false;
    *ret_cpu_ticks = user + kernel;
    return true;
}

static bool read_stat(pid_t pid, struct procfs_process *ret, int64_t *ret_cpu_ticks)
{
    char path[64], text[1024];
    (void)snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    return file_read_at(AT_FDCWD, path, text, sizeof(text)) > 0 && procfs_parse_stat(text, ret, ret_cpu_ticks);
}

/* The next entry of a folder whose name is a number; 0 after the last. */
static pid_t next_number(DIR *folder)
{
    const struct dirent *entry;
    int number;
    while ((entry = readdir(folder))) /* NOLINT(concurrency-mt-unsafe) */
        if (str_to_int(entry->d_name, 1, INT32_MAX, &number))
            return number;
    return 0;
}

void procfs_all(struct procfs_list *ret)
{
    cleanup_dir DIR *folder = opendir("/proc");
    struct procfs_process process;
    int64_t ticks;
    pid_t pid;
    *ret = (struct procfs_list){0};
    while (folder && (pid = next_number(folder)))
        if (read_stat(pid, &process, &ticks))
            vec_push(ret, process);
}

void procfs_list_done(struct procfs_list *list)
{
    vec_done(list);
}

void procfs_read_command(struct procfs_process *process)
{
    char path[64];
    (void)snprintf(path, sizeof(path), "/proc/%d/cmdline", process->pid);
    memset(process->command, 0, sizeof(process->command));
    /* One that is too long is left empty: none of those that are looked for is. */
    if (file_read_at(AT_FDCWD, path, process->command, sizeof(process->command) - 1) < 0)
        process->command[0] = '\0';
}

const char *procfs_argument(const char *command, const char *name)
{
    for (const char *word = command; *word; word += strlen(word) + 1)
        if (str_eq(word, name)) {
            word += strlen(word) + 1;
            return *word ? word : NULL;
        }
    return NULL;
}

/* The number after the line "name:"; 0 where there is none. */
static int64_t number_of(const char *text, const char *name)
{
    const char *at = strstr(text, name);
    return at ? strtoll(at + strlen(name), NULL, 10) : 0;
}

static void add_threads(pid_t pid, struct procfs_usage *sum)
{
    char path[64], text[8192];
    (void)snprintf(path, sizeof(path), "/proc/%d/task", pid);
    cleanup_dir DIR *folder = opendir(path);
    pid_t thread;
    while (folder && (thread = next_number(folder))) {
        char name[32];
        (void)snprintf(name, sizeof(name), "%d/status", thread);
        sum->threads++;
        if (file_read_at(dirfd(folder), name, text, sizeof(text)) > 0)
            sum->switches += number_of(text, "\nvoluntary_ctxt_switches:");
    }
}

void procfs_add_usage(pid_t pid, struct procfs_usage *sum)
{
    char path[64], text[8192];
    struct procfs_process process;
    int64_t ticks;
    if (!read_stat(pid, &process, &ticks))
        return;
    sum->cpu_ticks += ticks;
    (void)snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", pid);
    if (file_read_at(AT_FDCWD, path, text, sizeof(text)) > 0)
        sum->pss_kib += number_of(text, "\nPss:");
    add_threads(pid, sum);
}
