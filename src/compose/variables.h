#pragma once
/* Variables in a whole tree: every text that is a value (never a key) is interpolated, those of extensions too. */
#include "compose/env.h"
#include "compose/shape.h"

/*
 * Replaces the variables of root by what env has. Text where the specification has a boolean or a number becomes one,
 * so that the stages to come meet `replicas: ${N}` as they meet `replicas: 3`.
 */
int variables_replace(struct walk *walk, struct yaml *root, struct env *env);
/* One scalar of text, to what its shape has; an error where it does not read as that. */
int variables_cast(struct walk *walk, const struct shape *shape, const struct place *place, struct yaml **node);
