#pragma once
/* What the files of plan/ share. */
#include "base/err.h"
#include "base/mem.h"
#include "plan/plan.h"

struct planning {
    const struct stack_spec *stack;
    const struct observed *observed;
    const struct plan_options *options;
    struct arena *arena;
    struct plan plan;
    const struct observed_replica **replicas; /* those that are observed, in find_replica()'s order */
};

/* Adds a step; blocked may be NULL. */
void add_step(struct planning *p, enum step_kind kind, const struct service_spec *service,
              const struct observed_replica *replica, const char *name, const char *reason, const char *blocked);

/* stop and remove of one replica, as far as they are needed, for one reason; returns what a successor has to wait for,
 * or NULL. */
const char *add_removal(struct planning *p, const struct observed_replica *replica, const char *reason,
                        const char *blocked);

/* Makes it fit for find_replica(). */
void index_replicas(struct planning *p);
const struct observed_replica *find_replica(const struct planning *p, const char *service, int number);
