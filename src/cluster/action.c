#include "cluster/internal.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"

const char *action_kind_name(int kind)
{
    static const char *const names[] = {"up", "down", "start", "stop", "restart", "scale"};
    return names[kind];
}

const char *action_status_name(int status)
{
    static const char *const names[] = {"running", "done", "failed", "cancelled"};
    return names[status];
}

void action_free(struct action_private *action)
{
    deferred_cancel(&action->again);
    vec_foreach (line, &action->events)
        free(*line);
    vec_done(&action->events);
    while (!list_empty(&action->steps)) {
        struct running_step *running = container_of(action->steps.next, struct running_step, link);
        list_remove(&running->link);
        free(running->name);
        free(running->service);
        free(running);
    }
    map_done(&action->made);
    map_done(&action->tried);
    map_done(&action->failures);
    map_done(&action->pulled);
    free(action->waiting);
    arena_done(&action->arena);
    free(action);
}

/* --- Asking the plan */

static int pull_policy(const struct action_options *options)
{
    if (str_same(options->pull, "always"))
        return PULL_ALWAYS;
    if (str_same(options->pull, "never"))
        return PULL_NEVER;
    return str_same(options->pull, "missing") ? PULL_MISSING : -1;
}

struct plan_options plan_options_of(const struct action_options *options)
{
    return (struct plan_options){
        .services = &options->services,
        .no_deps = options->no_deps,
        .no_start = options->no_start,
        .force_recreate = options->force_recreate,
        .no_recreate = options->no_recreate,
        .remove_orphans = options->remove_orphans,
        .wait = options->wait,
        .pull = pull_policy(options),
    };
}

static bool stops_now(const struct action_private *action)
{
    return action->action.kind == ACTION_STOP || (action->action.kind == ACTION_RESTART && !action->stopped_first);
}

static struct plan make_plan(struct action_private *action, const struct stack_spec *spec, struct arena *arena)
{
    struct observed observed = observe(action->manager, action->action.stack, spec, action, arena);
    if (action->action.kind == ACTION_DOWN)
        return plan_down(spec, &observed, action->options.volumes, arena);
    if (stops_now(action))
        return plan_stop(spec, &observed, &action->options.services, arena);
    struct plan_options options = plan_options_of(&action->options);
    /* start and restart run what is there: nothing is made, nothing is replaced. */
    bool existing = action->action.kind == ACTION_START || action->action.kind == ACTION_RESTART;
    options.no_recreate |= existing;
    struct plan plan = plan_up(spec, &observed, &options, arena);
    for (size_t i = plan.steps.count; existing && i-- > 0;)
        if (!plan.steps.items[i].id)
            vec_remove(&plan.steps, i);
    return plan;
}

/* --- Working on it */

static void tell_waiting(struct action_private *action, const struct step *step)
{
    if (!str_starts(step->blocked, "waiting") || str_same(action->waiting, step->blocked))
        return;
    free(action->waiting);
    action->waiting = mem_strdup(step->blocked);
    struct step waiting = *step;
    waiting.reason = step->blocked;
    tell_step(action, &waiting, "waiting", NULL);
}

static void take_steps(struct action_private *action, const struct stack_spec *spec, const struct plan *plan)
{
    vec_foreach (step, &plan->steps) {
        if (action->running >= STEPS_AT_ONCE || action->action.status != ACTION_RUNNING)
            return;
        if (step->blocked)
            tell_waiting(action, step);
        else if (!step_is_running(action, step->kind, step->name))
            step_take(action, spec, step);
    }
}

static void all_done(struct action_private *action)
{
    struct err err;
    if (action->action.kind == ACTION_RESTART && !action->stopped_first) {
        action->stopped_first = true;
        action_wake(action);
        return;
    }
    if (action->action.kind == ACTION_DOWN) {
        files_remove(action->manager, action->action.stack);
        if (store_drop_stack(action->manager, action->action.stack, &err) < 0) {
            action_end(action, ACTION_FAILED, err.message);
            return;
        }
    }
    action_end(action, ACTION_DONE, "");
}

static void look_again(struct deferred *deferred)
{
    struct action_private *action = container_of(deferred, struct action_private, again);
    struct arena arena cleanup(arena_done) = {0};
    struct stack *stack = map_get(&action->manager->stacks, action->action.stack);
    if (action->action.status != ACTION_RUNNING)
        return;
    const struct stack_spec *spec = stack ? &stack->spec : NULL;
    if (!spec && action->action.kind != ACTION_DOWN) {
        action_end(action, ACTION_FAILED, "the stack is gone");
        return;
    }
    struct plan plan = make_plan(action, spec, &arena);
    if (plan.failure && !action->running) {
        action_end(action, ACTION_FAILED, plan.failure);
        return;
    }
    if (!plan.failure)
        take_steps(action, spec, &plan);
    if (!plan.steps.count && !action->running && action->action.status == ACTION_RUNNING)
        all_done(action);
}

void action_wake(struct action_private *action)
{
    action->again.call = look_again;
    if (action->action.status == ACTION_RUNNING)
        loop_defer(action->manager->loop, &action->again);
}

static void cancel_older(struct action_private *action)
{
    struct action_private *other;
    list_foreach (other, &action->manager->actions, link)
        if (other != action && other->action.status == ACTION_RUNNING &&
            str_eq(other->action.stack, action->action.stack))
            action_end(other, ACTION_CANCELLED, "a newer action took its place");
}

void action_begin(struct action_private *action)
{
    struct err err;
    cancel_older(action);
    if (store_put_action(action, &err) < 0)
        log_error("%s", err.message);
    action_wake(action);
}

void action_end(struct action_private *action, enum action_status status, const char *error)
{
    struct err err;
    if (action->action.status != ACTION_RUNNING)
        return;
    action->action.status = status;
    action->action.error = arena_strdup(&action->arena, error);
    action->action.ended_ns = clock_realtime_ns();
    steps_cancel(action);
    map_done(&action->made);
    map_done(&action->tried);
    if (store_put_action(action, &err) < 0)
        log_error("%s", err.message);
    log_info("%s of stack %s: %s%s%s", action_kind_name(action->action.kind), action->action.stack,
             action_status_name(status), *error ? ": " : "", error);
    tell_end(action);
    while (!list_empty(&action->listeners))
        list_remove(action->listeners.next);
}

int action_cancel(struct action *action, struct err *err)
{
    if (action->status != ACTION_RUNNING)
        return err_set(err, ERR_CONFLICT, "action %.12s has ended", action->id);
    action_end(action->private, ACTION_CANCELLED, "cancelled");
    return 0;
}
