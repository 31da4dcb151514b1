#include "cluster/internal.h"

#include "base/str.h"
#include "engine/events.h"

/* --- Waking actions: whatever happens to a container of a stack may be what its action waits for */

static void happened(struct event_listener *listener, const struct event *event)
{
    struct manager *manager = container_of(listener, struct manager, events);
    const char *stack = pairs_get(&event->attributes, LABEL_PROJECT);
    struct action_private *action;
    if (!stack)
        return;
    list_foreach (action, &manager->actions, link)
        if (action->action.status == ACTION_RUNNING && str_eq(action->action.stack, stack))
            action_wake(action);
}

struct manager *manager_new(struct engine *engine, struct err *err)
{
    struct manager *manager cleanup(manager_freep) = NEW(struct manager);
    manager->engine = engine;
    manager->db = engine_config(engine)->db;
    manager->loop = engine_config(engine)->loop;
    manager->events.happened = happened;
    list_init(&manager->actions);
    list_init(&manager->stack_list);
    if (store_open(manager, err) < 0)
        return NULL;
    engine_listen(engine, &manager->events);
    return TAKE(manager);
}

void manager_start(struct manager *manager)
{
    struct action_private *action;
    list_foreach (action, &manager->actions, link)
        action_wake(action);
}

void manager_free(struct manager *manager)
{
    if (!manager)
        return;
    engine_unlisten(&manager->events);
    store_done(manager);
    free(manager);
}

/* --- Stacks */

struct stack *manager_find_stack(struct manager *manager, const char *name, struct err *err)
{
    struct stack *stack = map_get(&manager->stacks, name);
    if (!stack)
        err_set(err, ERR_NOT_FOUND, "no such stack: %s", name);
    return stack;
}

struct stack *manager_next_stack(struct manager *manager, struct stack *after)
{
    struct list *next = after ? after->link.next : manager->stack_list.next;
    return next == &manager->stack_list ? NULL : container_of(next, struct stack, link);
}

struct service_counts *manager_count_services(struct manager *manager, const struct stack *stack, struct arena *arena)
{
    struct observed observed = observe(manager, stack->spec.name, NULL, NULL, arena);
    struct service_counts *counts = arena_alloc_array(arena, stack->spec.services.count, sizeof(*counts));
    for (size_t i = 0; i < stack->spec.services.count; i++)
        counts[i].wanted = stack->spec.services.items[i].replicas;
    vec_foreach (replica, &observed.replicas) {
        const struct service_spec *service = stack_service(&stack->spec, replica->service);
        if (!service || replica->state != REPLICA_RUNNING)
            continue;
        struct service_counts *own = &counts[service - stack->spec.services.items];
        own->running++;
        own->healthy += replica->health == REPLICA_HEALTHY;
    }
    return counts;
}

/* --- Asking for changes */

static int check_services(const struct stack_spec *spec, const struct strings *names, struct err *err)
{
    vec_foreach (name, names)
        if (!stack_service(spec, *name))
            return err_set(err, ERR_NOT_FOUND, "no such service: %s", *name);
    return 0;
}

static int check_spec(const struct stack_spec *spec, const struct action_options *options, struct err *err)
{
    static const char *const pulls[] = {"missing", "always", "never", NULL};
    if (!str_empty(options->pull) && !str_in(options->pull, pulls))
        return err_set(err, ERR_INVALID, "pull: expected missing, always or never; found '%s'", options->pull);
    return stack_check(spec, err) < 0 ? -1 : check_services(spec, &options->services, err);
}

static struct action *begin(struct manager *manager, const char *stack, enum action_kind kind,
                            const struct action_options *options)
{
    struct action_private *action = store_new_action(manager, stack, kind, options);
    action_begin(action);
    return &action->action;
}

/* A copy of the spec with the numbers of replicas that the options ask for. */
static int scaled(const struct stack_spec *spec, const struct action_options *options, struct arena *arena,
                  struct stack_spec *ret, struct err *err)
{
    *ret = *spec;
    ret->services.items =
        arena_memdup(arena, spec->services.items, spec->services.count * sizeof(*spec->services.items));
    vec_foreach (scale, &options->scale) {
        struct service_spec *service = stack_service(ret, scale->service);
        if (!service)
            return err_set(err, ERR_NOT_FOUND, "no such service: %s", scale->service);
        service->replicas = scale->replicas;
    }
    return check_spec(ret, options, err);
}

static int put_and_begin(struct manager *manager, const struct stack_spec *spec, enum action_kind kind,
                         const struct action_options *options, struct action **ret, struct err *err)
{
    struct arena arena cleanup(arena_done) = {0};
    struct stack_spec copy;
    if (scaled(spec, options, &arena, &copy, err) < 0)
        return -1;
    struct stack *stack = store_put_stack(manager, &copy, err);
    if (!stack)
        return -1;
    /* Not copy.name: it may be that of the stack's former spec, which is gone now. */
    *ret = begin(manager, stack->spec.name, kind, options);
    return 0;
}

int manager_up(struct manager *manager, const struct stack_spec *spec, const struct action_options *options,
               struct action **ret, struct err *err)
{
    return put_and_begin(manager, spec, ACTION_UP, options, ret, err);
}

int manager_plan(struct manager *manager, const struct stack_spec *spec, const struct action_options *options,
                 struct arena *arena, struct plan *ret, struct err *err)
{
    struct stack_spec *copy = ARENA_NEW(arena, struct stack_spec);
    struct plan_options *plan_options = ARENA_NEW(arena, struct plan_options);
    if (scaled(spec, options, arena, copy, err) < 0)
        return -1;
    struct observed observed = observe(manager, spec->name, copy, NULL, arena);
    *plan_options = plan_options_of(options);
    *ret = plan_up(copy, &observed, plan_options, arena);
    return 0;
}

/* down works on what is labelled, even where nobody knows the stack's definition any more. */
static bool has_containers(struct manager *manager, const char *stack)
{
    struct arena arena cleanup(arena_done) = {0};
    return observe(manager, stack, NULL, NULL, &arena).replicas.count > 0;
}

int manager_act(struct manager *manager, const char *name, enum action_kind kind, const struct action_options *options,
                struct action **ret, struct err *err)
{
    struct stack *stack = manager_find_stack(manager, name, err);
    if (!stack && !(kind == ACTION_DOWN && has_containers(manager, name)))
        return -1;
    if (stack_check_name(name, err) < 0)
        return -1; /* containers of that label are none of a stack */
    if (stack && check_services(&stack->spec, &options->services, err) < 0)
        return -1;
    *ret = begin(manager, name, kind, options);
    return 0;
}

int manager_scale(struct manager *manager, const char *name, const struct action_options *options, struct action **ret,
                  struct err *err)
{
    struct stack *stack = manager_find_stack(manager, name, err);
    return stack ? put_and_begin(manager, &stack->spec, ACTION_SCALE, options, ret, err) : -1;
}

/* --- Actions */

struct action *manager_find_action(struct manager *manager, const char *id, struct err *err)
{
    struct action_private *action;
    list_foreach (action, &manager->actions, link)
        if (str_eq(action->action.id, id))
            return &action->action;
    err_set(err, ERR_NOT_FOUND, "no such action: %s", id);
    return NULL;
}

struct action *manager_next_action(struct manager *manager, struct action *after)
{
    struct list *next = after ? after->private->link.next : manager->actions.next;
    return next == &manager->actions ? NULL : &container_of(next, struct action_private, link)->action;
}
