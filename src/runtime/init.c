#include "runtime/child.h"
#include "sys/files.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* As a shell tells it, and docker-init too. */
static int exit_code(int status)
{
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* Reaps whoever ends; returns the payload's exit code once that is among them, -1 before. */
static int reap(pid_t payload)
{
    int status, code = -1;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        if (pid == payload)
            code = exit_code(status);
    return code;
}

/*
 * Process 1 of the container: it has the payload's identity and filter, no descriptor, and no program of its own (a
 * page or two of the launcher's memory, shared). Everything but SIGCHLD is passed on.
 */
static _Noreturn void serve(pid_t payload, const sigset_t *all)
{
    (void)file_close_from(0);
    (void)prctl(PR_SET_NAME, "init", 0, 0, 0);
    for (;;) {
        siginfo_t info;
        int signo = sigwaitinfo(all, &info);
        if (signo < 0)
            continue;
        if (signo != SIGCHLD) {
            (void)kill(payload, signo);
            continue;
        }
        int code = reap(payload);
        if (code >= 0)
            _exit(code);
    }
}

int child_become_init(struct child *c, struct err *err)
{
    if (!(c->d->flags & DESCRIPTION_INIT))
        return 0;
    sigset_t all, before;
    (void)sigfillset(&all);
    (void)sigprocmask(SIG_SETMASK, &all, &before);
    pid_t payload = fork();
    if (payload < 0)
        return err_errno(err, errno, "the payload of the init");
    if (payload > 0)
        serve(payload, &all);
    (void)sigprocmask(SIG_SETMASK, &before, NULL);
    return 0;
}
