#pragma once
/*
 * What the specification says without a file saying it: the default network, the dependencies that links, shared
 * namespaces and volumes_from bring, the names of networks, volumes, configs and secrets, values that environment and
 * build.args take from around.
 */
#include "compose/env.h"
#include "compose/shape.h"

void normalise(struct walk *walk, struct yaml *root, const char *project, const struct env *env);
/* The items of environment lists that are a name alone get the value that env has. */
void normalise_environment(struct walk *walk, struct yaml *root, const struct env *env);
