#pragma once
/*
 * Planning: what is wanted (a stack) against what is there, as steps with reasons. Pure: knows no engine, no clock but
 * what it is given, and changes nothing. Level-triggered: it is asked again whenever something changed, and what is
 * already as wanted gives no step. So a step that failed, or was lost with a daemon, simply comes again.
 *
 * A step that has to wait for another one says so in `blocked`; whoever carries them out takes those that do not, asks
 * again, and is done when none is left.
 */
#include "base/arena.h"
#include "base/vec.h"
#include "spec/stack.h"

#include <stdint.h>

/* --- What is there -------------------------------------------------------------------------------------------------
 */

enum replica_state { REPLICA_CREATED, REPLICA_RUNNING, REPLICA_EXITED, REPLICA_BUSY /* on its way to another state */ };
enum replica_health { REPLICA_NO_CHECK, REPLICA_CHECKING, REPLICA_HEALTHY, REPLICA_UNHEALTHY };

struct observed_replica {
    const char *id, *name;
    const char *service;
    int number;
    const char *hash;     /* of the definition that it was made from (plan_hash()) */
    const char *image_id; /* that it was made from */
    enum replica_state state;
    enum replica_health health;
    int exit_code;       /* of an exited one */
    bool made;           /* by this action */
    bool tried;          /* this action started it already: an exit is not answered by another start */
    const char *failure; /* why this action's start of it failed; NULL otherwise */
};

struct observed_image {
    const char *reference;
    const char *id;      /* NULL: not here */
    bool pulled;         /* by this action */
    const char *failure; /* why this action's pull failed; NULL otherwise */
};

struct observed {
    VEC(struct observed_replica) replicas; /* of this stack */
    VEC(struct observed_image) images;     /* those that the services name */
    struct strings networks, volumes;      /* by their real names */
};

/* --- What to do ----------------------------------------------------------------------------------------------------
 */

enum step_kind {
    STEP_PULL,
    STEP_CREATE_NETWORK,
    STEP_CREATE_VOLUME,
    STEP_CREATE,
    STEP_START,
    STEP_WAIT, /* for a replica to become healthy: nobody's deed */
    STEP_STOP,
    STEP_REMOVE,
    STEP_REMOVE_NETWORK,
    STEP_REMOVE_VOLUME,
};

/* "pull", "create network" … */
const char *step_kind_name(enum step_kind kind);

struct step {
    enum step_kind kind;
    const char *name;    /* the container's, image's, network's or volume's */
    const char *service; /* NULL for networks and volumes */
    int number;          /* of the replica */
    const char *id;      /* of the container that is there; NULL otherwise */
    const char *reason;  /* for people */
    const char *blocked; /* what it waits for; NULL: it can be taken now */
};

struct plan {
    VEC(struct step) steps; /* in the order in which they are likely to be taken */
    const char *failure;    /* it cannot become as wanted: why; NULL otherwise */
};

struct plan_options {
    const struct strings *services; /* only these and what they need; NULL or empty: all */
    bool no_deps, no_start, force_recreate, no_recreate, remove_orphans, wait;
    int pull; /* enum pull_policy over the services' own; -1: theirs */
};

/* What `up` has to do. Everything in the plan lives in arena, or where it was found. */
struct plan plan_up(const struct stack_spec *stack, const struct observed *observed, const struct plan_options *options,
                    struct arena *arena);

/*
 * What `down` has to do: stops in reverse order of dependence, removes containers and networks, with volumes the
 * stack's volumes. stack may be NULL where nobody knows its definition any more: then all of its containers go.
 */
struct plan plan_down(const struct stack_spec *stack, const struct observed *observed, bool volumes,
                      struct arena *arena);

/* What `stop` has to do: the replicas of these services (all where empty) do not run afterwards. */
struct plan plan_stop(const struct stack_spec *stack, const struct observed *observed, const struct strings *services,
                      struct arena *arena);

/* --- Parts that others need too ------------------------------------------------------------------------------------
 */

/*
 * SHA-256 in hex over what a running replica cannot take over from a changed file: the container's definition, its
 * files and what it joins. Numbers of replicas and the policies of updates are not part of it.
 */
const char *plan_hash(const struct stack_spec *stack, const struct service_spec *service, struct arena *arena);

/* The name of a replica: "stack-service-N", or the service's container_name. */
const char *plan_replica_name(const struct stack_spec *stack, const struct service_spec *service, int number,
                              struct arena *arena);

/*
 * The services in an order in which each comes after those it depends on. ERR_INVALID names a circle: "web → db → web".
 * ret has room for all of them.
 */
int plan_order(const struct stack_spec *stack, const struct service_spec **ret, struct err *err);

#define LABEL_PREFIX      "com.docker.compose."
#define LABEL_PROJECT     LABEL_PREFIX "project"
#define LABEL_SERVICE     LABEL_PREFIX "service"
#define LABEL_NUMBER      LABEL_PREFIX "container-number"
#define LABEL_CONFIG_HASH LABEL_PREFIX "config-hash"

/*
 * The definition of one replica: the service's, with names of networks and of other replicas put in, and labelled. A
 * shallow copy: it lives as long as the stack and the arena.
 */
struct container_spec *plan_replica_spec(const struct stack_spec *stack, const struct service_spec *service, int number,
                                         struct arena *arena);
