#pragma once
/*
 * The outline of a container: what the engine keeps in memory of its definition (struct container_outline). It is taken
 * once, when the definition is written or read back; a definition does not change afterwards.
 */
#include "base/intern.h"
#include "engine/container.h"

/* Takes it from spec, the image's and the engine's defaults included; texts are shared with other containers. */
void outline_take(struct interned *texts, const struct container_spec *spec, struct container_outline *ret);
/* Harmless on one that was never taken. */
void outline_drop(struct interned *texts, struct container_outline *outline);
