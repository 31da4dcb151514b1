#include "plan/internal.h"

#include "base/str.h"

const char *step_kind_name(enum step_kind kind)
{
    static const char *const names[] = {
        [STEP_PULL] = "pull",
        [STEP_CREATE_NETWORK] = "create network",
        [STEP_CREATE_VOLUME] = "create volume",
        [STEP_CREATE] = "create",
        [STEP_START] = "start",
        [STEP_WAIT] = "wait",
        [STEP_STOP] = "stop",
        [STEP_REMOVE] = "remove",
        [STEP_REMOVE_NETWORK] = "remove network",
        [STEP_REMOVE_VOLUME] = "remove volume",
    };
    return names[kind];
}

void add_step(struct planning *p, enum step_kind kind, const struct service_spec *service,
              const struct observed_replica *replica, const char *name, const char *reason, const char *blocked)
{
    vec_push_in(p->arena, &p->plan.steps,
                (struct step){
                    .kind = kind,
                    .name = name,
                    .service = service   ? service->name
                               : replica ? replica->service
                                         : NULL,
                    .number = replica ? replica->number : 0,
                    .id = replica ? replica->id : NULL,
                    .reason = reason,
                    .blocked = blocked,
                });
}

const char *add_removal(struct planning *p, const struct observed_replica *replica, const char *reason,
                        const char *blocked)
{
    bool down = replica->state == REPLICA_EXITED || replica->state == REPLICA_CREATED;
    if (replica->state == REPLICA_BUSY)
        blocked = "the engine";
    if (!down)
        add_step(p, STEP_STOP, NULL, replica, replica->name, reason, blocked);
    const char *after = down ? blocked : arena_printf(p->arena, "the stop of %s", replica->name);
    add_step(p, STEP_REMOVE, NULL, replica, replica->name, reason, after);
    return arena_printf(p->arena, "the removal of %s", replica->name);
}

struct observed_replica *find_replica(const struct observed *observed, const char *service, int number)
{
    vec_foreach (replica, &observed->replicas)
        if (replica->number == number && str_eq(replica->service, service))
            return replica;
    return NULL;
}
