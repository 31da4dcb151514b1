#include "engine/shared_roots.h"

#include "engine/private.h"
#include "engine/rootfs.h"

#include "base/str.h"
#include "sys/mounts.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

/* --- The skeleton: the same for every image, and nothing else is ever in it */

static int make_skeleton(struct engine *engine, struct err *err)
{
    static const char *const folders[] = {"", "/dev", "/proc", "/sys", "/etc"};
    static const char *const files[] = {"/etc/hosts", "/etc/hostname", "/etc/resolv.conf"};
    for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
        char *path cleanup(freep) = mem_printf("%s/skeleton%s", engine->data_dir, folders[i]);
        if (mkdir(path, 0755) < 0 && errno != EEXIST)
            return err_errno(err, errno, "cannot make the folder %s", path);
    }
    for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
        char *path cleanup(freep) = mem_printf("%s/skeleton%s", engine->data_dir, files[i]);
        cleanup_fd int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
        if (fd < 0)
            return err_errno(err, errno, "cannot make the file %s", path);
    }
    return 0;
}

const char *skeleton_path(struct engine *engine, struct arena *arena)
{
    return arena_printf(arena, "%s/skeleton", engine->data_dir);
}

/* --- Where a mount has to be attached to be cloned: before Linux 6.15 */

static char *place_of(struct engine *engine, const char *image_id)
{
    return mem_printf("%s/roots/%s", engine->run_dir, image_id);
}

static int attach(struct engine *engine, const char *image_id, int mount)
{
    char *folder cleanup(freep) = mem_printf("%s/roots", engine->run_dir);
    char *place cleanup(freep) = place_of(engine, image_id);
    if ((mkdir(folder, 0700) < 0 && errno != EEXIST) || (mkdir(place, 0700) < 0 && errno != EEXIST))
        return -errno;
    return mount_attach_at(mount, AT_FDCWD, place);
}

static void detach(const char *place)
{
    (void)umount2(place, MNT_DETACH | UMOUNT_NOFOLLOW); /* EINVAL: it never was attached */
    (void)rmdir(place);
}

/* Containers keep their clones: only the host's own view of them goes. */
static void detach_all(struct engine *engine)
{
    char *folder cleanup(freep) = mem_printf("%s/roots", engine->run_dir);
    DIR *dir cleanup(closedirp) = opendir(folder);
    struct dirent *entry;
    while (dir && (entry = readdir(dir))) {
        if (*entry->d_name == '.')
            continue;
        char *place cleanup(freep) = place_of(engine, entry->d_name);
        detach(place);
    }
    (void)rmdir(folder);
}

/* --- The roots: kept as descriptors, one more than their number so that NULL stays "none" */

static int kept_root(struct engine *engine, const char *image_id)
{
    return (int)(intptr_t)map_get(&engine->shared_roots, image_id) - 1;
}

int shared_root_get(struct engine *engine, const char *image_id, struct strings lower, struct err *err)
{
    int kept = kept_root(engine, image_id);
    if (kept >= 0)
        return kept;
    struct arena arena cleanup(arena_done) = {0};
    struct layers layers = {0};
    vec_foreach (layer, &lower)
        vec_push_in(&arena, &layers.lower, *layer);
    const char *skeleton = skeleton_path(engine, &arena);
    vec_push_in(&arena, &layers.lower, (char *)skeleton);
    if (!lower.count) /* an image without layers; two are the least that overlay takes */
        kept = mount_clone(AT_FDCWD, skeleton, false);
    else
        kept = overlay_mount(engine, &layers, err);
    if (kept < 0)
        return lower.count ? -1 : err_errno(err, kept, "cannot open the folder %s", skeleton);
    map_put(&engine->shared_roots, image_id, (void *)(intptr_t)(kept + 1));
    return kept;
}

int shared_root_clone(struct engine *engine, const char *image_id, struct strings lower, struct err *err)
{
    int kept = shared_root_get(engine, image_id, lower, err);
    if (kept < 0)
        return -1;
    cleanup_fd int fd = mount_clone(kept, "", false);
    if (fd == -EINVAL) {
        fd = attach(engine, image_id, kept);
        if (fd >= 0)
            fd = mount_clone(kept, "", false);
    }
    int r = fd < 0 ? fd : mount_change(fd, MOUNT_ATTR_RDONLY, 0, 0, false);
    return r < 0 ? err_errno(err, r, "cannot share the root of image %s", image_id) : take_fd(&fd);
}

void shared_root_forget(struct engine *engine, const char *image_id)
{
    int fd = kept_root(engine, image_id);
    char *place cleanup(freep) = place_of(engine, image_id);
    closep(&fd);
    map_remove(&engine->shared_roots, image_id);
    detach(place);
}

int shared_roots_open(struct engine *engine, struct err *err)
{
    detach_all(engine);
    return make_skeleton(engine, err);
}

void shared_roots_close(struct engine *engine)
{
    struct map_entry *entry;
    for (size_t i = 0; (entry = map_next(&engine->shared_roots, &i));)
        (void)close((int)(intptr_t)entry->value - 1);
    map_done(&engine->shared_roots);
    if (engine->run_dir)
        detach_all(engine);
}
