/* What becomes of an exec session that was started, as the keeper tells it. */
#include "engine/exec_internal.h"

#include "base/clock.h"
#include "http/relay.h"

#include <errno.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#define GRACE_MS 2000 /* for output that something the session left behind holds open */

void exec_relay_ended(void *data)
{
    struct exec_private *private = data;
    timer_stop(&private->grace);
    relay_free(TAKE(private->relay));
}

static void grace_over(struct timer *timer)
{
    exec_relay_ended(container_of(timer, struct exec_private, grace));
}

/* The exit code is known: the caller's output may end, when the relay has carried the rest. */
static void output_ended(struct exec *exec)
{
    struct exec_private *private = exec->private;
    close_fd(&private->output);
    if (!private->relay)
        return;
    private->grace.expired = grace_over;
    timer_start(&private->grace, private->engine->config.loop, GRACE_MS);
}

/* Its end was told. */
static void told(struct exec *exec)
{
    exec->private->telling = false;
    if (exec->private->dropped)
        exec_forget(exec);
}

static void wake_waiters(struct exec *exec)
{
    struct list *waiters = &exec->private->waiters;
    while (!list_empty(waiters)) {
        struct exec_waiter *waiter = container_of(waiters->next, struct exec_waiter, link);
        list_remove(&waiter->link);
        waiter->ended(waiter, exec->exit_code);
    }
}

void exec_failed(struct exec *exec, const struct err *failure)
{
    struct exec_private *private = exec->private;
    engine_done *done = private->done;
    private->done = NULL;
    private->telling = true;
    exec->status = EXEC_EXITED;
    exec->exit_code = failure->kind == ERR_NO_COMMAND ? 127 : 126;
    private->ended_ms = clock_monotonic_ms();
    output_ended(exec);
    close_fd(&private->input);
    if (done)
        done(private->done_data, failure);
    wake_waiters(exec);
    told(exec);
}

/* --- What the keeper tells */

bool exec_started(struct engine *engine, const char *id, pid_t pid, int terminal)
{
    struct exec *exec = map_get(&engine->execs, id);
    if (!exec)
        return false;
    exec->pid = pid;
    if (terminal >= 0)
        exec_begin_terminal(exec, terminal);
    engine_done *done = exec->private->done;
    exec->private->done = NULL;
    if (done)
        done(exec->private->done_data, NULL);
    return true;
}

bool exec_not_started(struct engine *engine, const char *id, const struct err *failure)
{
    struct exec *exec = map_get(&engine->execs, id);
    if (exec)
        exec_failed(exec, failure);
    return exec != NULL;
}

bool exec_exited(struct engine *engine, const char *id, int status)
{
    struct exec *exec = map_get(&engine->execs, id);
    if (!exec)
        return false;
    struct exec_private *private = exec->private;
    exec->status = EXEC_EXITED;
    exec->exit_code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    exec->pid = 0;
    private->telling = true;
    private->ended_ms = clock_monotonic_ms();
    close_fd(&private->terminal);
    output_ended(exec);
    wake_waiters(exec);
    told(exec);
    return true;
}

void exec_wait_add(struct exec *exec, struct exec_waiter *waiter)
{
    if (exec->status == EXEC_EXITED)
        waiter->ended(waiter, exec->exit_code);
    else
        list_push(&exec->private->waiters, &waiter->link);
}

void exec_wait_cancel(struct exec_waiter *waiter)
{
    list_remove(&waiter->link);
}

int exec_resize(struct exec *exec, int rows, int columns, struct err *err)
{
    struct winsize size = {.ws_row = (unsigned short)rows, .ws_col = (unsigned short)columns};
    if (exec->private->terminal < 0)
        return err_set(err, ERR_CONFLICT, "exec %.12s has no running terminal", exec->id);
    return ioctl(exec->private->terminal, TIOCSWINSZ, &size) < 0 ? err_errno(err, errno, "cannot resize the terminal")
                                                                 : 0;
}

void exec_kill(struct exec *exec)
{
    keeper_client_signal(exec->private->engine->keeper, exec->id, SIGKILL, NULL, NULL);
}
