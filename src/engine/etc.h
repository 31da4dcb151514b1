#pragma once
/*
 * /etc/hosts, /etc/resolv.conf and /etc/hostname of a container, without a mount for each where that can be avoided:
 *
 *     on the machine's own network   the same for all, so a layer that they share, above those of the image
 *     a writable root otherwise      written into it
 *     a root that is shared          in the container's own folder, and mounted from there (describe_mounts.c)
 *     lean                           those of the image
 */
#include "engine/container.h"

#define ETC_FILES 3

/* text NULL: the image's own stays. */
struct etc_file {
    const char *path, *text;
};

/* For this run, in arena. What depends on networks asks for endpoints_attach() to have been called. */
void etc_files(struct container *container, const struct container_spec *spec, struct arena *arena,
               struct etc_file ret[ETC_FILES]);

/* Writes them below root, following links inside of it; folders that are missing are made. */
int etc_write(int root, const struct etc_file files[ETC_FILES], struct err *err);

/*
 * The path of the layer, in arena, to be laid on those of the image (the uppermost first). *ret is NULL where the
 * container is on a network of its own, or the image's /etc is a special one.
 */
int etc_layer(struct container *container, const struct container_spec *spec, const struct strings *image_layers,
              struct arena *arena, const char **ret, struct err *err);

/* With no container there, nobody uses the layers that were made. */
void etc_clean(struct engine *engine);
