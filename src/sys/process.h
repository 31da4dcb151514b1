#pragma once
/*
 * Processes: clone3(2) into cgroups and namespaces, pidfds, waiting by pid. Returns ≥ 0 or -errno.
 */
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* CLONE_INTO_CGROUP and the like; sched.h has the rest. */
#ifndef CLONE_INTO_CGROUP
#define CLONE_INTO_CGROUP 0x200000000ULL
#endif
#ifndef CLONE_CLEAR_SIGHAND
#define CLONE_CLEAR_SIGHAND 0x100000000ULL
#endif
#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif

/*
 * clone3(2) that returns twice, as fork(2) does: 0 in the child, its pid in the caller. cgroup: a descriptor of a
 * cgroup v2 folder to be born in, or -1. Without CLONE_PARENT the exit signal is SIGCHLD; with it, it is the caller's
 * own, as the kernel demands. The C library is not told: the caller must have one thread, and the child must not rely
 * on getpid() being cached.
 */
pid_t process_clone(uint64_t flags, int cgroup);

int process_pidfd(pid_t pid);
int process_pidfd_signal(int pidfd, int signo);

/* Has this child ended? 1 and *ret_status as waitpid(2) gives it (it is reaped then), 0 where it runs, -ECHILD. */
int process_reap(pid_t pid, int *ret_status);

/* Any child that has ended: its pid, reaped; 0 where all run; -ECHILD where there is none. Linear in living children.
 */
pid_t process_reap_any(int *ret_status);

/* Joins a namespace by a descriptor of it, or those in flags by a pidfd. */
int process_join(int fd, int flags);

/* /proc/self/exe as a new program image, in place of this one: execveat(2) of a descriptor. */
int process_exec_fd(int fd, char *const argv[], char *const env[]);
