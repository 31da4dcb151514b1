#pragma once
/* The engine's networks: definitions in the database over the mechanism of network/. "bridge", "host" and "none" are
 * always there. */
#include "base/id.h"
#include "base/list.h"
#include "engine/engine.h"
#include "spec/network.h"

struct engine_network {
    char id[ID_SIZE];
    int64_t created_ns;
    struct network_spec spec; /* with the subnets that were chosen */
    bool builtin;
    struct network *mechanism;     /* made when the first container hangs on it; NULL for host and none */
    struct dns_listener *resolver; /* on its gateway's address; NULL until a container is there */
    struct arena arena;            /* of spec */
    struct list link;              /* the engine's */
};

/* "bridge", whose containers are plain ones without a network of their own choice. */
#define NETWORK_DEFAULT "bridge"

/* ERR_CONFLICT where the name is taken or the subnet overlaps; ERR_UNSUPPORTED names the driver or option. */
int engine_network_create(struct engine *engine, const struct network_spec *spec, struct engine_network **ret,
                          struct err *err);
/* By full ID, name, or unique start of an ID. */
struct engine_network *engine_find_network(struct engine *engine, const char *reference, struct err *err);
struct engine_network *engine_next_network(struct engine *engine, struct engine_network *after);
/* ERR_CONFLICT names the containers that are on it; ERR_DENIED for the built-in ones. */
int engine_network_remove(struct engine *engine, struct engine_network *network, struct err *err);
