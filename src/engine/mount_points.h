#pragma once
/*
 * Where a container's volumes, bind mounts and tmpfs go: binds ("source:target:options"), --mount, the image's volumes
 * and those taken from other containers, as one list by target. Volumes that do not exist are made.
 */
#include "engine/container.h"

/*
 * Fills container->mounts from its definition. `mode` of each: for bind and volume the options ("ro,rslave,nocopy"),
 * for tmpfs the file system's data. ERR_INVALID says which one is wrong; ERR_NOT_FOUND where the source of a --mount
 * type=bind does not exist.
 */
int mount_points_resolve(struct container *container, const struct container_spec *spec, struct err *err);

/* Counts (1) or stops counting (-1) the container as a user of its volumes. */
void mount_points_count(struct container *container, int change);

/* Is option one of the comma-separated list? */
bool mount_option(const char *list, const char *option);
