#pragma once
/*
 * A service's configuration in one word, the same as that of docker compose (its label com.docker.compose.config-hash):
 * SHA-256 of the service as JSON, without what does not need new containers (build, scale, depends_on, profiles,
 * pull_policy).
 */
#include "codec/yaml_tree.h"

#define COMPOSE_HASH_SIZE 65 /* hex digits with the NUL */

/* service is one of a canonical model; its extensions must not count, and do not. */
void compose_service_hash(struct arena *arena, const struct yaml *service, char hash[COMPOSE_HASH_SIZE]);
