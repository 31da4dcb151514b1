/* What plan/ needs to know of what is there: the engine's containers, images, networks and volumes, seen as a stack's.
 */
#include "cluster/internal.h"

#include "base/str.h"

static enum replica_state state_of(const struct container *c)
{
    switch (c->state.status) {
    case CONTAINER_RUNNING:
    case CONTAINER_PAUSED:
    case CONTAINER_RESTARTING:
        return REPLICA_RUNNING;
    case CONTAINER_CREATED:
        return REPLICA_CREATED;
    case CONTAINER_EXITED:
    case CONTAINER_DEAD:
        return REPLICA_EXITED;
    default:
        return REPLICA_BUSY;
    }
}

static enum replica_health health_of(const struct container *c)
{
    static const enum replica_health healths[] = {
        [HEALTH_NONE] = REPLICA_NO_CHECK,
        [HEALTH_STARTING] = REPLICA_CHECKING,
        [HEALTH_HEALTHY] = REPLICA_HEALTHY,
        [HEALTH_UNHEALTHY] = REPLICA_UNHEALTHY,
    };
    return healths[c->health];
}

static void observe_replicas(struct manager *manager, const char *stack, struct action_private *action,
                             struct arena *arena, struct observed *ret)
{
    struct container *c = NULL;
    while ((c = engine_next_container(manager->engine, c))) {
        int number = 0;
        const char *service = pairs_get(&c->outline.labels, LABEL_SERVICE),
                   *text = pairs_get(&c->outline.labels, LABEL_NUMBER);
        bool oneoff = str_same(pairs_get(&c->outline.labels, LABEL_PREFIX "oneoff"), "True");
        if (!service || oneoff || !str_same(pairs_get(&c->outline.labels, LABEL_PROJECT), stack))
            continue;
        (void)str_to_int(text ? text : "", 1, INT32_MAX, &number);
        vec_push_in(arena, &ret->replicas,
                    (struct observed_replica){
                        .id = c->id,
                        .name = c->name,
                        .service = service,
                        .number = number,
                        .hash = pairs_get(&c->outline.labels, LABEL_CONFIG_HASH),
                        .image_id = c->image_id,
                        .state = state_of(c),
                        .health = health_of(c),
                        .exit_code = c->state.exit_code,
                        .made = action && map_get(&action->made, c->name),
                        .tried = action && map_get(&action->tried, c->name),
                        .failure = action ? map_get(&action->failures, c->name) : NULL,
                    });
    }
}

static void observe_images(struct manager *manager, const struct stack_spec *spec, struct action_private *action,
                           struct arena *arena, struct observed *ret)
{
    vec_foreach (service, &spec->services) {
        struct err ignored;
        const char *reference = service->container.image;
        struct image *image = image_store_find(images_store(engine_images(manager->engine)), reference, &ignored);
        vec_push_in(arena, &ret->images,
                    (struct observed_image){
                        .reference = reference,
                        .id = image ? image->id : NULL,
                        .pulled = action && map_get(&action->pulled, reference),
                        .failure = action ? map_get(&action->failures, reference) : NULL,
                    });
    }
}

struct observed observe(struct manager *manager, const char *stack_name, const struct stack_spec *spec,
                        struct action_private *action, struct arena *arena)
{
    struct observed ret = {0};
    struct engine_network *network = NULL;
    struct volume *volume = NULL;
    observe_replicas(manager, stack_name, action, arena, &ret);
    if (spec)
        observe_images(manager, spec, action, arena, &ret);
    while ((network = engine_next_network(manager->engine, network)))
        vec_push_in(arena, &ret.networks, network->spec.name);
    while ((volume = engine_next_volume(manager->engine, volume)))
        vec_push_in(arena, &ret.volumes, volume->spec.name);
    return ret;
}
