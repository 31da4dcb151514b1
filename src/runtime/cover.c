#include "base/cleanup.h"
#include "base/str.h"
#include "runtime/child.h"
#include "runtime/home.h"
#include "runtime/protection.h"
#include "sys/files.h"
#include "sys/mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

/*
 * Opens a path to be covered; -ENOENT where there is none. Those in /proc and /sys are looked up in the mounts that
 * were made for this container a moment ago, by descriptor: nothing that the image holds, or that another container
 * does to a shared volume meanwhile, can lead elsewhere.
 */
static int open_path(const struct child *c, const char *path)
{
    static const struct {
        const char *prefix;
        size_t mount;
    } own[] = {{"/proc/", offsetof(struct child, proc)}, {"/sys/", offsetof(struct child, sysfs)}};
    for (size_t i = 0; i < ARRAY_SIZE(own); i++) {
        const char *rest = str_after(path, own[i].prefix);
        int mount = *(const int *)((const char *)c + own[i].mount);
        if (rest && *rest && mount >= 0)
            return file_openat2(mount, rest, O_PATH, 0, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV);
    }
    return file_open_in_root(c->root, path, O_PATH, 0);
}

/* What covers a file is the null device and nothing else, whatever it was called. */
static int check_null(int mount, struct err *err)
{
    struct stat st;
    if (fstat(mount, &st) < 0)
        return err_errno(err, errno, "the null device");
    if (protection_on(PROTECT_MASKS) && (!S_ISCHR(st.st_mode) || st.st_rdev != makedev(1, 3)))
        return err_set(err, ERR_INTERNAL, "the null device is something else");
    return 0;
}

static int open_cover(const struct child *c, bool folder, struct err *err)
{
    int mount = folder ? mount_clone(AT_FDCWD, HOME_EMPTY, false)
                : protection_on(PROTECT_MASKS)
                    ? mount_clone_nofollow(AT_FDCWD, HOME_NULL, false)
                    /* what must not be done: the container's own /dev/null may be anything */
                    : mount_clone(AT_FDCWD, HOME_ROOT "/dev/null", false);
    if (mount < 0)
        return err_errno(err, mount, "what covers it");
    if (!folder && check_null(mount, err) < 0) {
        (void)close(mount);
        return -1;
    }
    return mount;
}

static int mask(const struct child *c, int target, struct err *err)
{
    struct stat st;
    if (fstat(target, &st) < 0)
        return err_errno(err, errno, "looking at it");
    cleanup_fd int cover = open_cover(c, S_ISDIR(st.st_mode), err);
    if (cover < 0)
        return -1;
    int r = mount_attach(cover, target);
    return r < 0 ? err_errno(err, r, "covering it") : 0;
}

static int make_readonly(const struct child *c, int target, struct err *err)
{
    cleanup_fd int mount = mount_clone(target, "", true);
    int r = mount;
    if (r >= 0)
        r = mount_change(mount, MOUNT_ATTR_RDONLY, 0, 0, true);
    if (r >= 0)
        r = mount_attach(mount, target);
    return r < 0 ? err_errno(err, r, "making it read-only") : 0;
}

static int cover_each(const struct child *c, const char *const *paths,
                      int cover(const struct child *c, int target, struct err *err), struct err *err)
{
    for (; paths && *paths; paths++) {
        cleanup_fd int target = open_path(c, *paths);
        if (target == -ENOENT || target == -ENOTDIR)
            continue;
        if (target < 0)
            return err_errno(err, target, "%s", *paths);
        if (cover(c, target, err) < 0)
            return err_wrap(err, "%s", *paths);
    }
    return 0;
}

int child_cover_paths(struct child *c, struct err *err)
{
    if (cover_each(c, c->d->readonly_paths, make_readonly, err) < 0)
        return err_wrap(err, "read-only path");
    return cover_each(c, c->d->masked_paths, mask, err) < 0 ? err_wrap(err, "masked path") : 0;
}
