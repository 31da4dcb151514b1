#pragma once
/*
 * Descriptors that outlive the daemon. The keeper has a duplicate of each by name; the next daemon takes them over. So
 * who connects to a listening socket while no daemon is there waits in its queue, and is not refused.
 *
 * A name is claimed by whoever makes the thing that the descriptor is of. What nobody has claimed when all containers
 * are adopted is dropped.
 */
#include "engine/engine.h"
#include "ipc/keeper_protocol.h"

#define KEPT_NAME_MAX KEEPER_STORE_NAME_MAX

/* Fetches all that the keeper has; fetched is called after that, unless the keeper is lost meanwhile. */
void kept_fetch(struct engine *engine, void (*fetched)(struct engine *engine));

/* The descriptor of that name, the caller's from here on, or -1. kept_put() or kept_drop() must follow. */
int kept_claim(struct engine *engine, const char *name);
/* Would kept_claim() find one? */
bool kept_waits(struct engine *engine, const char *name);

/* Takes the place of what was kept by that name. fd stays the caller's, and open until kept_drop(). */
void kept_put(struct engine *engine, const char *name, int fd);
void kept_drop(struct engine *engine, const char *name);

/* All containers are adopted: what nobody has claimed is dropped, and what the keeper does not have it gets. */
void kept_settle(struct engine *engine);
/* The keeper is gone; the next one has none of them. */
void kept_lost(struct engine *engine);
void kept_done(struct engine *engine);
