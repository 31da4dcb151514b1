#pragma once
/* Resource limits: cgroup v2 settings (Documentation/admin-guide/cgroup-v2.rst) and rlimits. */
#include "base/err.h"
#include "spec/container.h"

/* RLIMIT_… of "nofile"; -1 where there is none of the name. */
int rlimit_by_name(const char *name);

/* Which controllers (bits of enum cgroup_controller) do the limits that are asked for need? 0: none, and then none is
 * switched on. */
unsigned limits_controllers(const struct host_config *host);

/* ERR_UNSUPPORTED names the limit and the controller that is not to be had, and why. */
int limits_check(const struct host_config *host, unsigned controllers, struct err *err);

/* Which controllers can be had in cgroups, the folder of all containers: what is offered to it, switched on or not.
 * -errno. */
int limits_offered(int cgroups);

/* Switches controllers on for the containers, and above them where nobody did yet: only now that somebody needs them,
 * since each costs every container memory. -errno. */
int limits_enable(int cgroups, unsigned controllers);

/* Writes them into a container's cgroup. */
int limits_apply(const struct host_config *host, int cgroup, struct err *err);
