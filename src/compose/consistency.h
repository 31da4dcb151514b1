#pragma once
/* Do the parts fit together? What no table of shapes can say, because it is about two places at once. */
#include "compose/shape.h"

/* Of one file's resources, before they are merged into others: external ones say nothing else, files have one source …
 */
int consistency_check_resources(struct walk *walk, const struct yaml *root);

/*
 * Of the canonical model: services refer to networks, volumes, services … that exist; nothing is set twice; no service
 * waits for itself. disabled are the services that no active profile enables.
 */
int consistency_check(struct walk *walk, const struct yaml *model, const struct yaml *disabled);
