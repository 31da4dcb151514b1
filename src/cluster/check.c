/* Is a stack that came from outside one that can be worked on? What the engine checks by itself is left to it. */
#include "cluster/internal.h"

#include "base/str.h"

#include <ctype.h>

#define NAME_SIZE_MAX 200
#define SERVICES_MAX  2000
#define REPLICAS_MAX  100000

/* Names become parts of paths and of containers' names. */
static bool is_name(const char *name)
{
    if (str_empty(name) || !isalnum((unsigned char)*name) || strlen(name) > NAME_SIZE_MAX)
        return false;
    for (; *name; name++)
        if (!isalnum((unsigned char)*name) && !strchr("_.-", *name))
            return false;
    return true;
}

int stack_check_name(const char *name, struct err *err)
{
    if (is_name(name))
        return 0;
    return err_set(err, ERR_INVALID,
                   "invalid stack name '%.64s': [a-zA-Z0-9_.-] are allowed, the first a letter or digit, %d at most",
                   name ? name : "", NAME_SIZE_MAX);
}

static int check_service(const struct service_spec *service, struct map *seen, struct err *err)
{
    if (!is_name(service->name))
        return err_set(err, ERR_INVALID, "invalid service name '%.64s'", service->name);
    if (map_put(seen, service->name, seen))
        return err_set(err, ERR_INVALID, "service %s is there twice", service->name);
    if (str_empty(service->container.image))
        return err_set(err, ERR_INVALID, "service %s has no image", service->name);
    if (service->replicas < 0 || service->replicas > REPLICAS_MAX)
        return err_set(err, ERR_INVALID, "service %s: %d replicas: expected 0 to %d", service->name, service->replicas,
                       REPLICAS_MAX);
    if (service->replicas > 1 && !str_empty(service->container_name))
        return err_set(err, ERR_INVALID,
                       "service %s has a container_name, so it cannot have %d replicas: take the name away",
                       service->name, service->replicas);
    return 0;
}

static int check_services(const struct stack_spec *stack, struct err *err)
{
    struct map seen cleanup(map_done) = {0};
    int64_t replicas = 0;
    if (stack->services.count > SERVICES_MAX)
        return err_set(err, ERR_LIMIT, "%zu services: %d at most", stack->services.count, SERVICES_MAX);
    vec_foreach (service, &stack->services) {
        if (check_service(service, &seen, err) < 0)
            return -1;
        replicas += service->replicas;
    }
    if (replicas > REPLICAS_MAX)
        return err_set(err, ERR_LIMIT, "%lld replicas: %d at most", (long long)replicas, REPLICAS_MAX);
    return 0;
}

int stack_check(const struct stack_spec *stack, struct err *err)
{
    struct arena arena cleanup(arena_done) = {0};
    if (stack_check_name(stack->name, err) < 0 || check_services(stack, err) < 0)
        return -1;
    vec_foreach (network, &stack->networks)
        if (str_empty(network->network.name))
            return err_set(err, ERR_INVALID, "network %s has no name", network->key);
    vec_foreach (volume, &stack->volumes)
        if (str_empty(volume->volume.name))
            return err_set(err, ERR_INVALID, "volume %s has no name", volume->key);
    return plan_order(stack, arena_alloc_array(&arena, stack->services.count + 1, sizeof(const struct service_spec *)),
                      err);
}
