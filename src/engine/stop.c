/* Stopping, killing, pausing and restarting. */
#include "engine/private.h"

#include "base/clock.h"
#include "base/str.h"
#include "sys/cgroup.h"

#include <signal.h>

void ignore_done(void *data, const struct err *failure)
{
    (void)data;
    (void)failure;
}

static int not_running(const struct container *c, struct err *err)
{
    return err_set(err, ERR_CONFLICT, "container %s is not running", c->name);
}

static void tell_of_signal(struct container *c, int signo)
{
    char number[16];
    (void)snprintf(number, sizeof(number), "%d", signo);
    emit_container(c, "kill", (struct pair[]){{(char *)"signal", number}, {0}});
}

static void kill_now(struct container *c)
{
    cleanup_fd int cgroup = cgroup_open(cgroups_of(c), c->id);
    keeper_client_signal(c->engine->keeper, c->id, SIGKILL, NULL, NULL);
    (void)cgroup_kill(cgroup);
    tell_of_signal(c, SIGKILL);
}

static void stop_overdue(struct timer *timer)
{
    kill_now(container_of(timer, struct container_private, stop_timer)->owner);
}

static void thaw(struct container *c)
{
    if (c->state.status != CONTAINER_PAUSED)
        return;
    cleanup_fd int cgroup = cgroup_open(cgroups_of(c), c->id);
    (void)cgroup_freeze(cgroup, false);
}

void stop_begin(struct container *c, int signo, int timeout_s)
{
    struct container_private *private = c->private;
    int timeout = timeout_s < 0 ? c->outline.stop_timeout_s : timeout_s;
    int stop_signal = signo ? signo : c->outline.stop_signal;
    private->stopped_by_user = true;
    c->state.wanted = false;
    thaw(c);
    container_set_status(c, CONTAINER_STOPPING);
    if (timeout == 0) {
        kill_now(c);
        return;
    }
    keeper_client_signal(c->engine->keeper, c->id, stop_signal, NULL, NULL);
    tell_of_signal(c, stop_signal);
    private->stop_timer.expired = stop_overdue;
    if (timeout > 0)
        timer_start(&private->stop_timer, c->engine->config.loop, (int64_t)timeout * 1000);
}

/* A container whose back-off is running has nothing to be stopped but that. */
static void give_up_restarting(struct container *c)
{
    timer_stop(&c->private->restart_timer);
    c->private->stopped_by_user = true;
    c->state.wanted = false;
    container_set_status(c, CONTAINER_EXITED);
    waiters_wake(c);
}

/* A stop that waits for a start to end. */
struct stop_request {
    struct engine *engine;
    char id[ID_SIZE];
    int signo, timeout_s;
    engine_done *done;
    void *data;
};

static engine_done stop_after_start;

void container_stop(struct container *c, int signo, int timeout_s, engine_done *done, void *data)
{
    struct err err;
    if (c->state.status == CONTAINER_RESTARTING) {
        give_up_restarting(c);
        done(data, NULL);
        return;
    }
    if (c->state.status == CONTAINER_STARTING) { /* its start ends first: then it is stopped */
        struct stop_request *request = NEW(struct stop_request);
        *request = (struct stop_request){c->engine, {0}, signo, timeout_s, done, data};
        memcpy(request->id, c->id, sizeof(request->id));
        pending_add(&c->private->starting, stop_after_start, request);
        return;
    }
    if (!container_is_running(c)) {
        err_set(&err, ERR_NOT_MODIFIED, "container %s is not running", c->name);
        done(data, &err);
        return;
    }
    emit_container(c, "stop", NULL);
    pending_add(&c->private->stopping, done, data);
    c->private->stopped_by_user = true;
    c->private->restart_after_stop = false;
    c->state.wanted = false;
    if (!c->private->draining)
        stop_begin(c, signo, timeout_s);
}

static void stop_after_start(void *data, const struct err *failure)
{
    struct stop_request *request = data;
    struct container *c = map_get(&request->engine->by_id, request->id);
    if (failure || !c)
        request->done(request->data, NULL); /* it does not run: as asked for */
    else
        container_stop(c, request->signo, request->timeout_s, request->done, request->data);
    free(request);
}

void container_restart(struct container *c, int signo, int timeout_s, engine_done *done, void *data)
{
    if (!container_is_running(c)) {
        container_start(c, done, data);
        return;
    }
    emit_container(c, "restart", NULL);
    c->private->restart_after_stop = true;
    pending_add(&c->private->starting, done, data);
    if (!c->private->draining)
        stop_begin(c, signo, timeout_s);
}

int container_kill(struct container *c, int signo, struct err *err)
{
    if (!container_is_running(c))
        return not_running(c, err);
    if (signo == SIGKILL) {
        c->private->stopped_by_user = true;
        c->state.wanted = false;
        thaw(c);
        kill_now(c);
        return 0;
    }
    keeper_client_signal(c->engine->keeper, c->id, signo, NULL, NULL);
    tell_of_signal(c, signo);
    return 0;
}

static int freeze(struct container *c, bool frozen, struct err *err)
{
    cleanup_fd int cgroup = cgroup_open(cgroups_of(c), c->id);
    int r = cgroup < 0 ? cgroup : cgroup_freeze(cgroup, frozen);
    if (r < 0)
        return err_errno(err, r, "cannot %s container %s", frozen ? "pause" : "unpause", c->name);
    container_set_status(c, frozen ? CONTAINER_PAUSED : CONTAINER_RUNNING);
    emit_container(c, frozen ? "pause" : "unpause", NULL);
    return 0;
}

int container_pause(struct container *c, struct err *err)
{
    if (c->state.status == CONTAINER_PAUSED)
        return err_set(err, ERR_CONFLICT, "container %s is already paused", c->name);
    return c->state.status == CONTAINER_RUNNING ? freeze(c, true, err) : not_running(c, err);
}

int container_unpause(struct container *c, struct err *err)
{
    if (c->state.status != CONTAINER_PAUSED)
        return err_set(err, ERR_CONFLICT, "container %s is not paused", c->name);
    return freeze(c, false, err);
}
