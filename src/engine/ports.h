#pragma once
/*
 * Published ports of containers. A port belongs to one container, or to all replicas of a service together: those share
 * it and are balanced. The replicas of a service are known by the labels LABEL_STACK and LABEL_SERVICE.
 */
#include "engine/container.h"
#include "network/port.h"

#define LABEL_STACK   "com.docker.compose.project"
#define LABEL_SERVICE "com.docker.compose.service"

/* Opens what the definition publishes, to the container at these addresses, and fills container->ports. On failure none
 * stays open. */
int ports_open(struct container *container, const struct container_spec *spec, const struct ip *ipv4,
               const struct ip *ipv6, struct err *err);
void ports_close(struct container *container);
void ports_free(struct engine *engine);
