#pragma once
/*
 * A container's root file system as a detached mount: an overlay of its image's layers with a writable layer of its own
 * in DATA/containers/ID/, or, where the root is read-only and every mount point exists in the image, the one that all
 * containers of the image share (engine/shared_roots.h).
 */
#include "engine/container.h"

/* Gives the mount; the caller closes it. *ret_shared: nothing may be written into it. */
int rootfs_mount(struct container *container, const struct host_config *host, bool *ret_shared, struct err *err);

/* Writes a small file inside a root that is not shared, following its links inside; folders that are missing are made.
 */
int rootfs_write(int root, const char *path, const char *text, mode_t mode, struct err *err);

struct layers {
    struct strings lower;     /* the uppermost first */
    const char *upper, *work; /* NULL: read-only, and then two lower ones at least */
};

/* An overlay as a detached mount; the caller closes it. */
int overlay_mount(struct engine *engine, const struct layers *layers, struct err *err);
