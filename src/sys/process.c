#include "sys/process.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

pid_t process_clone(uint64_t flags, int cgroup)
{
    struct clone_args args = {
        .flags = flags | (cgroup >= 0 ? CLONE_INTO_CGROUP : 0),
        .exit_signal = flags & CLONE_PARENT ? 0 : SIGCHLD,
        .cgroup = cgroup >= 0 ? (uint64_t)cgroup : 0,
    };
    long pid = syscall(SYS_clone3, &args, sizeof(args));
    return pid < 0 ? -errno : (pid_t)pid;
}

int process_pidfd(pid_t pid)
{
    long fd = syscall(SYS_pidfd_open, pid, 0);
    return fd < 0 ? -errno : (int)fd;
}

int process_pidfd_signal(int pidfd, int signo)
{
    return syscall(SYS_pidfd_send_signal, pidfd, signo, NULL, 0) < 0 ? -errno : 0;
}

static pid_t reap(pid_t pid, int *ret_status)
{
    pid_t r;
    do
        r = waitpid(pid, ret_status, WNOHANG);
    while (r < 0 && errno == EINTR);
    return r < 0 ? -errno : r;
}

int process_reap(pid_t pid, int *ret_status)
{
    pid_t r = reap(pid, ret_status);
    return r > 0 ? 1 : r;
}

pid_t process_reap_any(int *ret_status)
{
    return reap(-1, ret_status);
}

int process_join(int fd, int flags)
{
    return setns(fd, flags) < 0 ? -errno : 0;
}

int process_exec_fd(int fd, char *const argv[], char *const env[])
{
    (void)syscall(SYS_execveat, fd, "", argv, env, AT_EMPTY_PATH);
    return -errno;
}
