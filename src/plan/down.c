/* What `down` and `stop` have to do: those that others depend on go last. */
#include "plan/internal.h"

#include "base/str.h"

static bool is_named(const struct strings *names, const char *name)
{
    if (!names || !names->count)
        return true;
    vec_foreach (item, names)
        if (str_eq(*item, name))
            return true;
    return false;
}

/* A replica that runs and is to stop too (stopping: these services, all where empty), of a service that depends on this
 * one. */
static const struct observed_replica *running_dependent(const struct planning *p, const struct strings *stopping,
                                                        const char *service)
{
    if (!p->stack)
        return NULL;
    vec_foreach (replica, &p->observed->replicas) {
        const struct service_spec *other = stack_service(p->stack, replica->service);
        if (!other || replica->state == REPLICA_EXITED || replica->state == REPLICA_CREATED ||
            !is_named(stopping, other->name))
            continue;
        vec_foreach (dependency, &other->depends_on)
            if (str_eq(dependency->service, service))
                return replica;
    }
    return NULL;
}

static const char *stop_blocker(struct planning *p, const struct strings *stopping, const char *service)
{
    const struct observed_replica *dependent = running_dependent(p, stopping, service);
    return dependent ? arena_printf(p->arena, "waiting for %s to stop", dependent->name) : NULL;
}

static void plan_networks(struct planning *p)
{
    const char *blocked = p->plan.steps.count ? "the containers" : NULL;
    vec_foreach (network, &p->stack->networks)
        vec_foreach (name, &p->observed->networks)
            if (!network->external && str_eq(*name, network->network.name))
                add_step(p, STEP_REMOVE_NETWORK, NULL, NULL, *name, "the stack goes", blocked);
}

static void plan_volumes(struct planning *p)
{
    const char *blocked = p->plan.steps.count ? "the containers" : NULL;
    vec_foreach (volume, &p->stack->volumes)
        vec_foreach (name, &p->observed->volumes)
            if (!volume->external && str_eq(*name, volume->volume.name))
                add_step(p, STEP_REMOVE_VOLUME, NULL, NULL, *name, "the stack goes, and its volumes were to go too",
                         blocked);
}

struct plan plan_down(const struct stack_spec *stack, const struct observed *observed, bool volumes,
                      struct arena *arena)
{
    struct planning p = {stack, observed, NULL, arena, {{0}, NULL}};
    vec_foreach (replica, &observed->replicas)
        (void)add_removal(&p, replica, "the stack goes", stop_blocker(&p, NULL, replica->service));
    if (stack) {
        if (volumes)
            plan_volumes(&p);
        plan_networks(&p);
    }
    return p.plan;
}

struct plan plan_stop(const struct stack_spec *stack, const struct observed *observed, const struct strings *services,
                      struct arena *arena)
{
    struct planning p = {stack, observed, NULL, arena, {{0}, NULL}};
    vec_foreach (replica, &observed->replicas) {
        if (!is_named(services, replica->service) || replica->state == REPLICA_EXITED ||
            replica->state == REPLICA_CREATED)
            continue;
        const char *blocked =
            replica->state == REPLICA_BUSY ? "the engine" : stop_blocker(&p, services, replica->service);
        add_step(&p, STEP_STOP, NULL, replica, replica->name, "it was asked to stop", blocked);
    }
    return p.plan;
}
