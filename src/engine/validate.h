#pragma once
/* What of a container's definition this engine can honour: everything else is refused by name, or told in a warning. */
#include "engine/container.h"

/*
 * ERR_INVALID: wrong in itself. ERR_UNSUPPORTED: right, and not offered here. Warnings are for what has no effect and
 * does no harm. controllers: bits of enum cgroup_controller that limits may use.
 */
int validate_spec(const struct container_spec *spec, unsigned controllers, struct arena *arena,
                  struct strings *warnings, struct err *err);
