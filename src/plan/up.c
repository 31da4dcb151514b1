/* What `up` has to do: images, networks and volumes first, then service by service in the order of their dependencies.
 */
#include "plan/internal.h"

#include "base/str.h"

/* --- What is wanted at all */

static void want(const struct planning *p, const struct service_spec *service, bool *wanted)
{
    size_t i = (size_t)(service - p->stack->services.items);
    if (wanted[i])
        return;
    wanted[i] = true;
    if (p->options->no_deps)
        return;
    vec_foreach (dependency, &service->depends_on) {
        const struct service_spec *other = stack_service(p->stack, dependency->service);
        if (other)
            want(p, other, wanted);
    }
}

static bool *wanted_services(const struct planning *p)
{
    const struct strings *names = p->options->services;
    bool *wanted = arena_alloc_array(p->arena, p->stack->services.count, sizeof(bool));
    vec_foreach (service, &p->stack->services) {
        bool named = !names || !names->count;
        for (size_t i = 0; !named && i < names->count; i++)
            named = str_eq(names->items[i], service->name);
        if (named)
            want(p, service, wanted);
    }
    return wanted;
}

/* --- Images, networks, volumes */

static const struct observed_image *find_image(const struct planning *p, const char *reference)
{
    vec_foreach (image, &p->observed->images)
        if (str_eq(image->reference, reference))
            return image;
    return NULL;
}

static bool already_planned(const struct planning *p, enum step_kind kind, const char *name)
{
    vec_foreach (step, &p->plan.steps)
        if (step->kind == kind && str_eq(step->name, name))
            return true;
    return false;
}

static void fail(struct planning *p, const char *why)
{
    if (!p->plan.failure)
        p->plan.failure = why;
}

/* Returns what the creation of replicas has to wait for, or NULL. */
static const char *plan_image(struct planning *p, const struct service_spec *service)
{
    const char *reference = service->container.image;
    const struct observed_image *image = find_image(p, reference);
    int policy = p->options->pull >= 0 ? p->options->pull : service->pull_policy;
    bool here = image && image->id;
    bool wanted = policy == PULL_ALWAYS ? !image || !image->pulled : !here;
    if (!wanted)
        return NULL;
    if (image && image->failure)
        fail(p, arena_printf(p->arena, "service %s: %s", service->name, image->failure));
    else if (service->build)
        fail(p, arena_printf(p->arena,
                             "service %s has a build section, and there is no image %s here: building is not offered "
                             "yet, so build it elsewhere and load it",
                             service->name, reference));
    else if (policy == PULL_NEVER || policy == PULL_BUILD)
        fail(p, arena_printf(p->arena, "service %s: there is no image %s here, and its pull policy forbids to fetch it",
                             service->name, reference));
    else if (!already_planned(p, STEP_PULL, reference))
        add_step(p, STEP_PULL, service, NULL, reference, here ? "its pull policy is always" : "it is not here", NULL);
    return arena_printf(p->arena, "the image %s", reference);
}

static bool contains(const struct strings *list, const char *name)
{
    vec_foreach (item, list)
        if (str_eq(*item, name))
            return true;
    return false;
}

static const char *plan_network(struct planning *p, const struct stack_network *network)
{
    const char *name = network->network.name;
    if (contains(&p->observed->networks, name))
        return NULL;
    if (network->external)
        fail(p,
             arena_printf(p->arena, "network %s declared as external, but could not be found: create it first", name));
    else if (!already_planned(p, STEP_CREATE_NETWORK, name))
        add_step(p, STEP_CREATE_NETWORK, NULL, NULL, name, "it does not exist", NULL);
    return arena_printf(p->arena, "the network %s", name);
}

static const char *plan_networks(struct planning *p, const struct service_spec *service)
{
    const char *blocked = NULL;
    vec_foreach (endpoint, &service->container.networking.endpoints)
        vec_foreach (network, &p->stack->networks)
            if (str_eq(network->network.name, endpoint->network)) {
                const char *waits = plan_network(p, network);
                blocked = waits ? waits : blocked;
            }
    return blocked;
}

static const char *plan_volumes(struct planning *p)
{
    const char *blocked = NULL;
    vec_foreach (volume, &p->stack->volumes) {
        const char *name = volume->volume.name;
        if (contains(&p->observed->volumes, name))
            continue;
        blocked = arena_printf(p->arena, "the volume %s", name);
        if (volume->external)
            fail(p, arena_printf(p->arena, "volume %s declared as external, but could not be found: create it first",
                                 name));
        else if (!already_planned(p, STEP_CREATE_VOLUME, name))
            add_step(p, STEP_CREATE_VOLUME, NULL, NULL, name, "it does not exist", NULL);
    }
    return blocked;
}

/* --- Dependencies */

static const char *started_blocker(struct planning *p, const struct service_spec *other,
                                   const struct observed_replica *replica)
{
    if (!replica || (replica->state != REPLICA_RUNNING && !replica->tried))
        return arena_printf(p->arena, "waiting for %s to be started", other->name);
    return NULL;
}

static const char *healthy_blocker(struct planning *p, const struct service_spec *service,
                                   const struct dependency *dependency, const struct observed_replica *replica)
{
    const char *blocked = started_blocker(p, stack_service(p->stack, dependency->service), replica);
    if (blocked)
        return blocked;
    if (replica->state == REPLICA_RUNNING &&
        (replica->health == REPLICA_HEALTHY || replica->health == REPLICA_NO_CHECK))
        return NULL;
    if (!dependency->optional && (replica->health == REPLICA_UNHEALTHY || replica->state == REPLICA_EXITED))
        fail(p,
             arena_printf(p->arena, "dependency of %s failed to start: container %s %s", service->name, replica->name,
                          replica->state == REPLICA_EXITED ? arena_printf(p->arena, "exited (%d)", replica->exit_code)
                                                           : "is unhealthy"));
    return arena_printf(p->arena, "waiting for %s to be healthy", dependency->service);
}

static const char *completed_blocker(struct planning *p, const struct service_spec *service,
                                     const struct dependency *dependency, const struct observed_replica *replica)
{
    bool over = replica && replica->state == REPLICA_EXITED;
    if (over && replica->exit_code == 0)
        return NULL;
    if (over && replica->tried && !dependency->optional)
        fail(p, arena_printf(p->arena, "service \"%s\" didn't complete successfully: exit %d (%s needs it)",
                             dependency->service, replica->exit_code, service->name));
    return arena_printf(p->arena, "waiting for %s to complete", dependency->service);
}

/* What the start of this service's replicas has to wait for, or NULL. */
static const char *dependency_blocker(struct planning *p, const struct service_spec *service, const bool *wanted)
{
    vec_foreach (dependency, &service->depends_on) {
        const struct service_spec *other = stack_service(p->stack, dependency->service);
        if (!other || !wanted[other - p->stack->services.items])
            continue;
        for (int number = 1; number <= other->replicas; number++) {
            const struct observed_replica *replica = find_replica(p, other->name, number);
            const char *blocked = dependency->condition == DEPENDS_STARTED ? started_blocker(p, other, replica)
                                  : dependency->condition == DEPENDS_HEALTHY
                                      ? healthy_blocker(p, service, dependency, replica)
                                      : completed_blocker(p, service, dependency, replica);
            if (blocked)
                return blocked;
        }
    }
    return NULL;
}

/* --- Replicas */

static const char *stale(const struct planning *p, const struct observed_replica *replica, const char *hash,
                         const struct observed_image *image)
{
    if (p->options->no_recreate)
        return NULL;
    if (p->options->force_recreate && !replica->made)
        return "recreation was asked for";
    if (!str_same(replica->hash, hash))
        return "its configuration changed";
    if (image && image->id && !str_same(image->id, replica->image_id))
        return "its image changed";
    return NULL;
}

static void plan_start(struct planning *p, const struct service_spec *service, const struct observed_replica *replica,
                       const char *name, const char *reason, const char *blocked)
{
    if (p->options->no_start)
        return;
    if (replica && replica->failure)
        fail(p, replica->failure);
    else
        add_step(p, STEP_START, service, replica, name, reason, blocked);
}

static void plan_wait(struct planning *p, const struct service_spec *service, const struct observed_replica *replica)
{
    if (!p->options->wait || replica->health == REPLICA_NO_CHECK || replica->health == REPLICA_HEALTHY)
        return;
    if (replica->health == REPLICA_UNHEALTHY)
        fail(p, arena_printf(p->arena, "container %s is unhealthy", replica->name));
    else
        add_step(p, STEP_WAIT, service, replica, replica->name, "it is not healthy yet", "its health check");
}

/* What is there of a replica that is as wanted, but for running. */
static void plan_existing(struct planning *p, const struct service_spec *service,
                          const struct observed_replica *replica, const char *blocked)
{
    if (replica->state == REPLICA_BUSY)
        add_step(p, STEP_WAIT, service, replica, replica->name, "it is changing its state", "the engine");
    else if (replica->state == REPLICA_RUNNING)
        plan_wait(p, service, replica);
    else if (!replica->tried || replica->failure)
        plan_start(p, service, replica, replica->name,
                   replica->state == REPLICA_CREATED ? "it was created" : "it does not run", blocked);
    else if (p->options->wait && replica->exit_code)
        fail(p, arena_printf(p->arena, "container %s exited (%d)", replica->name, replica->exit_code));
}

/* What all replicas of a service share. */
struct service_plan {
    const struct service_spec *service;
    const struct observed_image *image;
    const char *hash, *create_blocked, *start_blocked;
};

static void plan_replica(struct planning *p, const struct service_plan *s, int number)
{
    const struct observed_replica *replica = find_replica(p, s->service->name, number);
    const char *name = plan_replica_name(p->stack, s->service, number, p->arena), *reason = "it does not exist",
               *blocked = s->create_blocked;
    if (replica) {
        reason = stale(p, replica, s->hash, s->image);
        if (!reason) {
            plan_existing(p, s->service, replica, s->start_blocked);
            return;
        }
        const char *waits = add_removal(p, replica, reason, blocked);
        blocked = waits ? waits : blocked;
    }
    add_step(p, STEP_CREATE, s->service, NULL, name, reason, blocked);
    p->plan.steps.items[p->plan.steps.count - 1].number = number;
    plan_start(p, s->service, NULL, name, "it is to run", arena_printf(p->arena, "the creation of %s", name));
}

static void plan_service(struct planning *p, const struct service_spec *service, const bool *wanted,
                         const char *volumes_blocked)
{
    const char *image_blocked = plan_image(p, service), *networks_blocked = plan_networks(p, service);
    struct service_plan plan = {
        .service = service,
        .image = find_image(p, service->container.image),
        .hash = plan_hash(p->stack, service, p->arena),
        .create_blocked = image_blocked      ? image_blocked
                          : networks_blocked ? networks_blocked
                                             : volumes_blocked,
        .start_blocked = dependency_blocker(p, service, wanted),
    };
    for (int number = 1; number <= service->replicas; number++)
        plan_replica(p, &plan, number);
    vec_foreach (replica, &p->observed->replicas)
        if (replica->number > service->replicas && str_eq(replica->service, service->name))
            (void)add_removal(p, replica,
                              arena_printf(p->arena, "the service was scaled down to %d", service->replicas), NULL);
}

static void plan_orphans(struct planning *p)
{
    if (!p->options->remove_orphans)
        return;
    vec_foreach (replica, &p->observed->replicas)
        if (!stack_service(p->stack, replica->service))
            (void)add_removal(p, replica, "the stack has no such service any more", NULL);
}

struct plan plan_up(const struct stack_spec *stack, const struct observed *observed, const struct plan_options *options,
                    struct arena *arena)
{
    struct planning p = {stack, observed, options, arena, {{0}, NULL}};
    const struct service_spec **order =
        arena_alloc_array(arena, stack->services.count + 1, sizeof(struct service_spec *));
    struct err err;
    index_replicas(&p);
    if (plan_order(stack, order, &err) < 0) {
        fail(&p, arena_strdup(arena, err.message));
        return p.plan;
    }
    bool *wanted = wanted_services(&p);
    const char *volumes_blocked = plan_volumes(&p);
    for (size_t i = 0; i < stack->services.count; i++)
        if (wanted[order[i] - stack->services.items])
            plan_service(&p, order[i], wanted, volumes_blocked);
    plan_orphans(&p);
    return p.plan;
}
