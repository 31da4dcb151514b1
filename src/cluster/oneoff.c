/* One more container of a service, beside its replicas: what `shoal run` makes. No action looks at it. */
#include "cluster/internal.h"

#include "base/str.h"

static bool is_used(const struct container_spec *container, const char *volume)
{
    size_t size = strlen(volume);
    vec_foreach (mount, &container->host.mounts)
        if (str_same(mount->source, volume))
            return true;
    vec_foreach (bind, &container->host.binds)
        if (strncmp(*bind, volume, size) == 0 && (*bind)[size] == ':')
            return true;
    return false;
}

/* The stack's networks and volumes that it needs, where they are not there yet. */
static int make_surroundings(struct manager *manager, const struct oneoff *o, const struct service_spec *service,
                             struct err *err)
{
    struct engine_network *network_made;
    struct volume *volume_made;
    struct err missing;
    vec_foreach (endpoint, &service->container.networking.endpoints)
        vec_foreach (network, &o->stack->networks)
            if (str_eq(network->network.name, endpoint->network) && !network->external &&
                !engine_find_network(manager->engine, network->network.name, &missing) &&
                engine_network_create(manager->engine, &network->network, &network_made, err) < 0)
                return -1;
    vec_foreach (volume, &o->stack->volumes)
        if (!volume->external && is_used(&service->container, volume->volume.name) &&
            engine_volume_create(manager->engine, &volume->volume, &volume_made, err) < 0)
            return -1;
    return 0;
}

int manager_create_oneoff(struct manager *manager, const struct oneoff *o, struct container **ret, struct arena *arena,
                          struct strings *warnings, struct err *err)
{
    if (stack_check(o->stack, err) < 0)
        return -1;
    const struct service_spec *service = stack_service(o->stack, o->service);
    if (!service)
        return err_set(err, ERR_NOT_FOUND, "no service %s in the stack %s", o->service, o->stack->name);
    struct container_spec spec = *o->container;
    if (files_grant(manager, o->stack, service, &spec, arena, err) < 0 ||
        make_surroundings(manager, o, service, err) < 0)
        return -1;
    struct container_create_options options = {.name = o->name, .spec = &spec};
    return container_create(manager->engine, &options, ret, arena, warnings, err);
}
