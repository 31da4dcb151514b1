#pragma once
/* Which devices a container may use beyond those that all may: --device, --device-cgroup-rule, --privileged. */
#include "base/err.h"
#include "spec/container.h"

/* Are the rules and permissions well-formed? */
int devices_check(const struct host_config *host, struct err *err);

/* Attaches a filter of its own to the container's cgroup, where it asks for more than the default. */
int devices_apply(const struct host_config *host, int cgroup, struct err *err);
