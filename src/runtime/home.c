#include "runtime/home.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "runtime/protection.h"
#include "sys/mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

const char *const home_devices[] = {"null", "zero", "full", "random", "urandom", "tty", NULL};

/* Documentation/admin-guide/devices.txt */
static const unsigned char numbers[][2] = {{1, 3}, {1, 5}, {1, 7}, {1, 8}, {1, 9}, {5, 0}};

int home_make_devices(int folder)
{
    mode_t mask = umask(0);
    int r = 0;
    for (unsigned i = 0; r >= 0 && home_devices[i]; i++) {
        dev_t device = makedev(numbers[i][0], numbers[i][1]);
        r = mknodat(folder, home_devices[i], S_IFCHR | 0666, device) < 0 ? -errno : 0;
    }
    (void)umask(mask);
    return r;
}

#define FOLDERS_DATA "mode=0755,size=64k"
/* Two lower layers and no upper one: the least that is an overlay, and for ever read-only. */
#define HOME_DATA "lowerdir=home:none"

static int make_folders(int parent, const char *const *paths)
{
    for (; *paths; paths++)
        if (mkdirat(parent, *paths + 1, 0755) < 0)
            return -errno;
    return 0;
}

static int furnish(int parent)
{
    static const char *const layers[] = {"/home", "/none", NULL};
    static const char *const folders[] = {HOME_ROOT, HOME_EMPTY, HOME_DEV, HOME_PROC, NULL};
    int r = make_folders(parent, layers);
    cleanup_fd int home = r < 0 ? r : openat(parent, "home", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (home < 0)
        return r < 0 ? r : -errno;
    r = make_folders(home, folders);
    if (r >= 0 && mknodat(home, &HOME_NULL[1], S_IFCHR | 0666, makedev(1, 3)) < 0)
        r = -errno;
    cleanup_fd int dev = r < 0 ? r : openat(home, &HOME_DEV[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return r < 0 ? r : dev < 0 ? -errno : home_make_devices(dev);
}

/*
 * A root that nobody can ever write to, still detached: it stays beneath the root of every container
 * (child_enter_root()), and one with CAP_SYS_ADMIN can get there and make a mount or a file system writable, but an
 * overlay without an upper layer. Its tmpfs is in reach of nobody.
 */
static int build(struct err *err)
{
    struct mount_message why;
    unsigned attributes = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC;
    cleanup_fd int folders = mount_new("tmpfs", "shoal", FOLDERS_DATA, attributes, &why);
    if (folders < 0)
        return err_errno(err, folders, "the keeper's own file system: %s", why.text);
    int r = furnish(folders);
    if (r >= 0) /* layers are given by path: from its root, which covers the machine's for a moment */
        r = mount_attach_at(folders, AT_FDCWD, "/");
    if (r >= 0 && fchdir(folders) < 0)
        r = -errno;
    if (r < 0)
        return err_errno(err, r, "the keeper's own file system");
    int home = protection_on(PROTECT_HOME)
                   ? mount_new("overlay", "shoal", HOME_DATA, attributes | MOUNT_ATTR_RDONLY, &why)
                   : mount_clone(AT_FDCWD, "home", false);
    if (home < 0)
        return err_errno(err, home, "the keeper's own root: %s", why.text);
    (void)umount2(".", MNT_DETACH);
    return home;
}

int home_enter(struct err *err)
{
    if (unshare(CLONE_NEWNS) < 0)
        return err_errno(err, errno, "a mount namespace");
    int r = mount_make_all_private();
    cleanup_fd int home = r < 0 ? r : build(err);
    if (home < 0)
        return r < 0 ? err_errno(err, r, "a mount namespace of private mounts") : -1;
    r = mount_attach_at(home, AT_FDCWD, "/");
    if (r >= 0)
        r = fchdir(home) < 0 ? -errno : mount_pivot_here();
    if (r >= 0)
        r = umount2(".", MNT_DETACH) < 0 || chdir("/") < 0 ? -errno : 0;
    return r < 0 ? err_errno(err, r, "moving into the keeper's own mount namespace") : 0;
}
