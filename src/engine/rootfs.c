#include "engine/private.h"

#include "engine/describe.h"
#include "engine/etc.h"
#include "engine/rootfs.h"
#include "engine/shared_roots.h"

#include "base/log.h"
#include "base/str.h"
#include "sys/files.h"
#include "sys/mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#define OVERLAY_DATA_MAX 4095 /* mount(2) takes one page */

/* Since Linux 6.8 the layers are given one by one, however many there are. */
static int overlay_by_parts(const struct layers *layers, struct mount_message *message)
{
    struct buf data cleanup(buf_done) = BUF(256 * 1024);
    vec_foreach (lower, &layers->lower)
        buf_printf(&data, "%slowerdir+=%s", data.size ? "," : "", *lower);
    if (layers->upper)
        buf_printf(&data, ",upperdir=%s,workdir=%s", layers->upper, layers->work);
    return mount_new("overlay", "overlay", buf_str(&data), 0, message);
}

/* Before that in one string, and a value of fsconfig(2) is too short for it: attached for a moment, cloned, detached
 * again. */
static int overlay_by_mount(struct engine *engine, const struct layers *layers, struct err *err)
{
    struct buf data cleanup(buf_done) = BUF(OVERLAY_DATA_MAX);
    vec_foreach (lower, &layers->lower)
        buf_printf(&data, "%s%s", data.size ? ":" : "lowerdir=", *lower);
    if (layers->upper)
        buf_printf(&data, ",upperdir=%s,workdir=%s", layers->upper, layers->work);
    if (buf_failed(&data))
        return err_set(err, ERR_LIMIT,
                       "the image has too many layers (%zu) for this kernel: Linux 6.8 and later takes them",
                       layers->lower.count);
    char *place cleanup(freep) = mem_printf("%s/mount", engine->run_dir);
    (void)mkdir(place, 0700);
    if (mount("overlay", place, "overlay", 0, buf_str(&data)) < 0)
        return err_errno(err, errno, "cannot mount the image's layers");
    int fd = mount_clone(AT_FDCWD, place, false);
    (void)umount2(place, MNT_DETACH);
    return fd < 0 ? err_errno(err, fd, "cannot take the image's layers over") : fd;
}

int overlay_mount(struct engine *engine, const struct layers *layers, struct err *err)
{
    struct mount_message message;
    int fd = engine->overlay_by_mount ? -EINVAL : overlay_by_parts(layers, &message);
    if (fd == -EINVAL) {
        fd = overlay_by_mount(engine, layers, err);
        engine->overlay_by_mount |= fd >= 0; /* it says so in the kernel's log each time that it is tried */
        return fd;
    }
    return fd < 0 ? err_errno(err, fd, "cannot mount the image's layers (%s)", message.text) : fd;
}

static int image_layers(struct container *c, struct arena *arena, struct strings *ret, struct err *err)
{
    struct image_store *store = images_store(c->engine->images);
    struct image *image = image_store_get(store, c->image_id);
    if (!image)
        return err_set(err, ERR_NOT_FOUND, "the image %s of container %s is gone", c->image_id, c->name);
    return image_store_layers(store, image, arena, ret, err);
}

/* --- A writable layer of its own */

static int make_folder(struct arena *arena, const char *parent, const char *name, const char **ret, struct err *err)
{
    *ret = arena_printf(arena, "%s/%s", parent, name);
    if (mkdir(*ret, 0755) < 0 && errno != EEXIST)
        return err_errno(err, errno, "cannot make the folder %s", *ret);
    return 0;
}

static int own_overlay(struct container *c, const struct container_spec *spec, struct strings image_layers,
                       struct arena *arena, struct rootfs *ret, struct err *err)
{
    struct engine *engine = c->engine;
    struct layers layers = {0};
    const char *containers = arena_printf(arena, "%s/containers", engine->data_dir), *folder, *etc;
    if (make_folder(arena, containers, c->id, &folder, err) < 0 ||
        make_folder(arena, folder, "upper", &layers.upper, err) < 0 ||
        make_folder(arena, folder, "work", &layers.work, err) < 0 ||
        etc_layer(c, spec, &image_layers, arena, &etc, err) < 0)
        return -1;
    if (etc)
        vec_push_in(arena, &layers.lower, (char *)etc);
    vec_foreach (layer, &image_layers)
        vec_push_in(arena, &layers.lower, *layer);
    vec_push_in(arena, &layers.lower, (char *)skeleton_path(engine, arena));
    ret->has_etc = etc;
    ret->fd = overlay_mount(engine, &layers, err);
    return ret->fd < 0 ? -1 : 0;
}

/* --- One for all containers of an image */

/* The first place of the container's own mounts that a root does not have; NULL: all are there. */
static const char *missing_mount_point(struct container *c, const struct host_config *host, int root)
{
    vec_foreach (mount, &c->mounts) {
        cleanup_fd int fd = file_open_in_root(root, mount->destination, O_PATH, 0);
        if (fd < 0)
            return mount->destination;
    }
    vec_foreach (tmpfs, &host->tmpfs) {
        cleanup_fd int fd = file_open_in_root(root, tmpfs->key, O_PATH, 0);
        if (fd < 0)
            return tmpfs->key;
    }
    return NULL;
}

int rootfs_mount(struct container *c, const struct container_spec *spec, struct rootfs *ret, struct err *err)
{
    struct arena arena cleanup(arena_done) = {0};
    struct strings layers = {0};
    const struct host_config *host = &spec->host;
    *ret = (struct rootfs){.fd = -1};
    if (image_layers(c, &arena, &layers, err) < 0)
        return -1;
    if (!host->readonly_rootfs && !is_lean(host))
        return own_overlay(c, spec, layers, &arena, ret, err);
    int kept = shared_root_get(c->engine, c->image_id, layers, err);
    if (kept < 0)
        return -1;
    const char *missing = missing_mount_point(c, host, kept);
    if (missing && is_lean(host))
        return err_set(err, ERR_INVALID,
                       "cannot mount anything on %s: a lean container's root is its image's, read-only, and the image "
                       "has no such place; make it in the image, or leave out \"runtime: lean\"",
                       missing);
    if (missing)
        return own_overlay(c, spec, layers, &arena, ret, err);
    ret->shared = true;
    ret->has_etc = is_lean(host); /* the image's */
    ret->fd = shared_root_clone(c->engine, c->image_id, layers, err);
    return ret->fd < 0 ? -1 : 0;
}
