#pragma once
/*
 * Prunes: many removals, one answer, {"ContainersDeleted":[…],"SpaceReclaimed":0}, when the last has ended.
 *
 *     struct prune *prune = prune_new(request, "ContainersDeleted");
 *     …
 *         container_remove(container, options, prune_removed, prune_item(prune, container->id));
 *     return prune_run(prune);
 *
 * What cannot be removed is left out of the answer, as in Docker. SpaceReclaimed is 0 where nobody counted.
 */
#include "api/filters.h"
#include "engine/engine.h"
#include "http/request.h"

struct prune;
struct prune_item;

/* What prunes are told to leave: "until", "label", "label!". */
struct prune_filters {
    struct filters filters;
    int64_t until_ns; /* 0: no such filter */
};
int prune_filters_of(struct http_request *request, struct prune_filters *ret, struct err *err);
bool prune_fits(const struct prune_filters *filters, int64_t created_ns, const struct pairs *labels);

struct prune *prune_new(struct http_request *request, const char *key);
struct prune_item *prune_item(struct prune *prune, const char *name);
/* An engine_done with a struct prune_item, which it frees. */
void prune_removed(void *item, const struct err *failure);
/* All items are there: answers as soon as they have ended. Returns 0. */
int prune_run(struct prune *prune);
