/* The end of a run: what it was, what it held is given back, and what comes next (a restart, a removal, or nothing). */
#include "engine/private.h"

#include "engine/endpoints.h"
#include "engine/journal.h"
#include "engine/record.h"
#include "engine/streams.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "sys/cgroup.h"

#include <errno.h>
#include <sys/wait.h>

#define RESTART_DELAY_FIRST_MS 100
#define RESTART_DELAY_MAX_MS   60000
#define RESTART_SETTLED_NS     (10 * NS_PER_S) /* a run of this length makes the next delay the first again */

static bool was_oom_killed(struct container *c)
{
    uint64_t kills = 0;
    cleanup_fd int cgroup = cgroup_open(cgroups_of(c), c->id);
    return cgroup >= 0 && cgroup_get_key(cgroup, "memory.events", "oom_kill", &kills) >= 0 && kills > 0;
}

void container_release(struct container *c)
{
    struct engine *engine = c->engine;
    endpoints_release(c);
    streams_ended(c);
    health_end(c);
    execs_of_container_ended(c);
    /* Processes may be left where the pid namespace was shared. */
    cleanup_fd int cgroup = cgroup_open(cgroups_of(c), c->id);
    if (cgroup >= 0) {
        (void)cgroup_kill(cgroup);
        cgroup_remove_later(engine, c->id);
    }
    c->pid = 0;
}

/* --- The restart policy */

static bool policy_restarts(const struct container *c)
{
    const struct restart_policy *policy = &c->outline.restart;
    if (c->private->stopped_by_user || str_empty(policy->name) || str_eq(policy->name, "no"))
        return false;
    if (!str_eq(policy->name, "on-failure"))
        return true;
    return c->state.exit_code != 0 &&
           (!policy->maximum_retry_count || c->state.restart_count < policy->maximum_retry_count);
}

static void restart_due(struct timer *timer)
{
    struct container *c = container_of(timer, struct container_private, restart_timer)->owner;
    start_begin(c);
}

/* The back-off: the first delay doubles with each restart, up to a minute; a run that lasted begins anew. */
static int64_t next_delay_ms(const struct container *c)
{
    int64_t before = c->private->restart_delay_ms;
    bool settled = c->state.finished_ns - c->state.started_ns >= RESTART_SETTLED_NS;
    if (settled || !before)
        return RESTART_DELAY_FIRST_MS;
    return before * 2 < RESTART_DELAY_MAX_MS ? before * 2 : RESTART_DELAY_MAX_MS;
}

static void restart_later(struct container *c)
{
    struct container_private *private = c->private;
    private->restart_delay_ms = next_delay_ms(c);
    c->state.restart_count++;
    container_set_status(c, CONTAINER_RESTARTING);
    private->restart_timer.expired = restart_due;
    timer_start(&private->restart_timer, c->engine->config.loop, private->restart_delay_ms);
}

/* --- Ending */

static int exit_code_of(int status)
{
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static void tell_of_death(struct container *c)
{
    struct arena arena cleanup(arena_done) = {0};
    if (c->state.oom_killed)
        emit_container(c, "oom", NULL);
    emit_container(
        c, "die",
        (struct pair[]){
            {(char *)"execDuration",
             arena_printf(&arena, "%lld", (long long)((c->state.finished_ns - c->state.started_ns) / NS_PER_S))},
            {(char *)"exitCode", arena_printf(&arena, "%d", c->state.exit_code)},
            {0},
        });
}

/* What comes after the output is complete. Until then the keeper remembers, for a daemon that follows this one. */
static void settle(struct container *c)
{
    struct container_private *private = c->private;
    bool again = private->restart_after_stop && !private->removal.done;
    private->restart_after_stop = false;
    if (!again && policy_restarts(c) && !private->removal.done)
        restart_later(c);
    else
        container_set_status(c, CONTAINER_EXITED);
    vec_push(&c->engine->to_acknowledge, mem_strdup(c->id));
    waiters_wake(c);
    pending_finish(&private->stopping, NULL);
    if (again) {
        start_after_commit(c);
        return;
    }
    if (!list_empty(&private->starting)) { /* a restart that a later stop or removal overtook */
        struct err err;
        err_set(&err, ERR_CONFLICT, "container %s was stopped before it was started again", c->name);
        pending_finish(&private->starting, &err);
    }
    removal_of_ended(c);
}

/* True where its output is still to come: the logger says when it is complete, the next one where there is none now. */
static bool begin_draining(struct container *c)
{
    struct logger_client *logger = c->engine->logger;
    struct err err;
    bool told = !logger || !c->private->logged || logger_client_close(logger, c->id, NULL, NULL, &err) >= 0;
    return c->private->logged && told;
}

void container_exited(struct container *c, int status, int64_t ended_ns)
{
    struct container_private *private = c->private;
    c->state.exit_code = exit_code_of(status);
    c->state.oom_killed = was_oom_killed(c);
    c->state.finished_ns = ended_ns;
    timer_stop(&private->stop_timer);
    private->draining = begin_draining(c);
    container_release(c);
    tell_of_death(c);
    if (private->draining) {
        /* Not running any more, and not over either: the status says stopping until the output is complete. */
        container_set_status(c, CONTAINER_STOPPING);
        return;
    }
    streams_remove(c);
    settle(c);
}

void container_drained(struct container *c)
{
    if (!c->private->draining)
        return;
    c->private->draining = false;
    streams_remove(c);
    settle(c);
}

/* --- Waiting */

static bool holds(const struct container *c, enum container_wait condition)
{
    bool over = c->state.status == CONTAINER_EXITED || c->state.status == CONTAINER_CREATED ||
                c->state.status == CONTAINER_DEAD;
    return condition == WAIT_NOT_RUNNING && over;
}

static void wake(struct container *c, struct container_waiter *waiter)
{
    list_remove(&waiter->link);
    waiter->ended(waiter, c->state.exit_code, c->state.status == CONTAINER_DEAD ? c->state.error : NULL);
}

void container_wait_add(struct container *c, struct container_waiter *waiter)
{
    list_push(&c->private->waiters, &waiter->link);
    if (holds(c, waiter->condition))
        wake(c, waiter);
}

void container_wait_cancel(struct container_waiter *waiter)
{
    list_remove(&waiter->link);
}

void waiters_wake(struct container *c)
{
    /* Those that come true are taken over first: a callback may cancel any of them, or add a new one. */
    struct container_waiter *waiter;
    struct list due;
    list_init(&due);
    list_foreach (waiter, &c->private->waiters, link) {
        bool over = waiter->condition == WAIT_NOT_RUNNING && c->state.status != CONTAINER_RESTARTING;
        if (!over && waiter->condition != WAIT_NEXT_EXIT)
            continue;
        list_remove(&waiter->link);
        list_push(&due, &waiter->link);
    }
    while (!list_empty(&due))
        wake(c, container_of(due.next, struct container_waiter, link));
}

void waiters_removed(struct container *c)
{
    while (!list_empty(&c->private->waiters))
        wake(c, container_of(c->private->waiters.next, struct container_waiter, link));
}
