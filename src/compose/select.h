#pragma once
/* Which part of a model is meant: profiles, named services and what they depend on, and the resources that these use.
 */
#include "compose/compose.h"
#include "compose/shape.h"

/*
 * Takes the services that no active profile enables out of the model; they are left in *ret_disabled. A service named
 * in options enables its own profiles.
 */
void select_profiles(struct walk *walk, const struct compose_options *options, struct yaml *model,
                     struct yaml **ret_disabled);
/* Leaves the services named in options and what they depend on. */
int select_services(struct walk *walk, const struct compose_options *options, struct yaml *model,
                    const struct yaml *disabled);
/* Removes the networks, volumes, secrets, configs and models that no service uses. */
void select_used(struct walk *walk, struct yaml *model);
