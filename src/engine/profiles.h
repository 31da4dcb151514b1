#pragma once
/* Seccomp profiles in use: compiled once each, and the keeper's launchers that hold them. */
#include "engine/container.h"

/* The key of the launcher that starts such a container (KEEPER_KEY_SIZE bytes, the engine's); the keeper is told to
 * have it. NULL on failure. */
const uint8_t *profile_launcher(struct engine *engine, const struct host_config *host, struct err *err);
/* Does it run without a filter (privileged, or seccomp=unconfined)? */
bool profile_is_unconfined(const struct host_config *host);
/* The keeper is new: it has no launcher yet. */
void profiles_forget(struct engine *engine);
void profiles_free(struct engine *engine);
