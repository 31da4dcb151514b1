#pragma once
/*
 * A canonical model as a stack (spec/stack.h): what the daemon is given. Needs nothing of the client afterwards: the
 * contents of configs and secrets are read here.
 */
#include "compose/compose.h"
#include "spec/stack.h"

#define COMPOSE_FILE_CONTENT_MAX (1U << 20) /* of a config or a secret */

/* Everything in *ret lives in arena. The project must have been loaded without raw. */
int compose_to_spec(const struct compose_options *options, const struct compose_project *project, struct arena *arena,
                    struct stack_spec *ret, struct err *err);
