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

/* By service, then number; where several have both, the first that was observed. */
static int compare_replicas(const void *a, const void *b)
{
    const struct observed_replica *left = *(struct observed_replica *const *)a,
                                  *right = *(struct observed_replica *const *)b;
    int order = strcmp(left->service, right->service);
    if (!order)
        order = (left->number > right->number) - (left->number < right->number);
    return order ? order : (left > right) - (left < right);
}

void index_replicas(struct planning *p)
{
    size_t count = p->observed->replicas.count;
    p->replicas = arena_alloc_array(p->arena, count, sizeof(struct observed_replica *));
    for (size_t i = 0; i < count; i++)
        p->replicas[i] = &p->observed->replicas.items[i];
    qsort(p->replicas, count, sizeof(struct observed_replica *), compare_replicas);
}

const struct observed_replica *find_replica(const struct planning *p, const char *service, int number)
{
    size_t low = 0, high = p->observed->replicas.count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct observed_replica *replica = p->replicas[middle];
        int order = strcmp(replica->service, service);
        if (order < 0 || (order == 0 && replica->number < number))
            low = middle + 1;
        else
            high = middle;
    }
    if (low == p->observed->replicas.count)
        return NULL;
    const struct observed_replica *found = p->replicas[low];
    return found->number == number && str_eq(found->service, service) ? found : NULL;
}
