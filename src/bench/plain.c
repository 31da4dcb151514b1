#include "bench/plain.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* What a child says of its failure: until it has executed something it lives in our memory. */
static volatile int failed;

/* The child calls more than exec; each of it is a system call that changes nothing of ours. */
/* NOLINTBEGIN(clang-analyzer-unix.Vfork, clang-analyzer-security.insecureAPI.vfork) */
static pid_t start_one(const char *program, const char *const argv[], int null)
{
    static char *const no_environment[] = {NULL};
    pid_t pid = vfork(); /* what is measured is what vfork(2) costs */
    if (pid != 0)
        return pid;
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    (void)dup2(null, STDIN_FILENO);
    (void)dup2(null, STDOUT_FILENO);
    (void)dup2(null, STDERR_FILENO);
    (void)execve(program, (char *const *)argv, no_environment);
    failed = errno;
    _exit(127);
}
/* NOLINTEND(clang-analyzer-unix.Vfork, clang-analyzer-security.insecureAPI.vfork) */

int plain_start(const struct site *site, unsigned first_port, size_t count, struct plain *ret, double *ret_seconds,
                struct err *err)
{
    cleanup_fd int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0)
        return err_errno(err, errno, "cannot open /dev/null");
    *ret = (struct plain){.pids = mem_alloc_array(count, sizeof(*ret->pids))};
    int64_t begun_ns = clock_monotonic_ns();
    failed = 0;
    for (; ret->count < count; ret->count++) {
        char port[16];
        (void)snprintf(port, sizeof(port), "%u", first_port + (unsigned)ret->count);
        const char *const argv[] = {"nano-httpd", "-p", port, site->www, NULL};
        ret->pids[ret->count] = start_one(site->program, argv, null);
        if (ret->pids[ret->count] < 0 || failed) {
            err_errno(err, failed ? failed : errno, "cannot start process %zu of %zu", ret->count, count);
            plain_done(ret);
            return -1;
        }
    }
    *ret_seconds = (double)(clock_monotonic_ns() - begun_ns) / (double)NS_PER_S;
    return 0;
}

void plain_done(struct plain *plain)
{
    for (size_t i = 0; i < plain->count; i++)
        (void)kill(plain->pids[i], SIGKILL);
    for (size_t i = 0; i < plain->count; i++)
        (void)waitpid(plain->pids[i], NULL, 0);
    free(plain->pids);
    *plain = (struct plain){0};
}
