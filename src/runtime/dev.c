#include "base/cleanup.h"
#include "runtime/child.h"
#include "runtime/target.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

static int make_device(const struct child *c, const struct description_device *d, struct err *err)
{
    char parent[PATH_MAX];
    if (snprintf(parent, sizeof(parent), "%s", d->path) >= (int)sizeof(parent))
        return err_set(err, ERR_INVALID, "its path is longer than %d bytes", PATH_MAX - 1);
    char *slash = strrchr(parent, '/');
    *slash = '\0';
    cleanup_fd int folder = target_make_folder(c->root, *parent ? parent : "/", err);
    if (folder < 0)
        return -1;
    const char *name = slash + 1;
    if (unlinkat(folder, name, 0) < 0 && errno != ENOENT)
        return err_errno(err, errno, "taking away what was there");
    if (mknodat(folder, name, d->mode, makedev(d->major, d->minor)) < 0)
        return err_errno(err, errno, "making it");
    if (fchownat(folder, name, d->uid, d->gid, AT_SYMLINK_NOFOLLOW) < 0)
        return err_errno(err, errno, "its owner");
    return 0;
}

int child_make_devices(struct child *c, struct err *err)
{
    mode_t mask = umask(0);
    int r = 0;
    for (uint32_t i = 0; r >= 0 && i < c->d->device_count; i++)
        if (make_device(c, &c->d->devices[i], err) < 0)
            r = err_wrap(err, "device %s", c->d->devices[i].path);
    (void)umask(mask);
    return r;
}
