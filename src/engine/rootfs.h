#pragma once
/*
 * A container's root file system as a detached mount: an overlay of its image's layers with a writable layer of its own
 * in DATA/containers/ID/, or, where the root is read-only and every mount point exists in the image, the one that all
 * containers of the image share (engine/shared_roots.h).
 */
#include "engine/container.h"

struct rootfs {
    int fd;       /* the mount, the caller's; -1 where there is none */
    bool shared;  /* nothing may be written into it */
    bool has_etc; /* no files of engine/etc.h need to be written */
};

int rootfs_mount(struct container *container, const struct container_spec *spec, struct rootfs *ret, struct err *err);

struct layers {
    struct strings lower;     /* the uppermost first */
    const char *upper, *work; /* NULL: read-only, and then two lower ones at least */
};

/* An overlay as a detached mount; the caller closes it. */
int overlay_mount(struct engine *engine, const struct layers *layers, struct err *err);
