#pragma once
/*
 * What a compose file asks for and `shoal up` does not do: one table. Nothing is ignored in silence: up prints what is
 * found here before it starts anything, and refuses with --strict. Who makes a key work takes its row out.
 */
#include "compose/compose.h"

/*
 * One line for each key of the canonical model that has no effect, "compose.yaml:7:5: services.web.develop: …", in the
 * order of the model. Lines live in arena.
 */
void compose_unsupported(struct arena *arena, const struct compose_project *project, struct strings *ret);
