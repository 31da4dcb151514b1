#include "runtime/home.h"

#include "base/cleanup.h"
#include "base/str.h"
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

static int furnish(int home)
{
    static const char *const folders[] = {HOME_ROOT, HOME_EMPTY, HOME_DEV, HOME_PROC};
    for (unsigned i = 0; i < ARRAY_SIZE(folders); i++)
        if (mkdirat(home, folders[i] + 1, 0755) < 0)
            return -errno;
    if (mknodat(home, &HOME_NULL[1], S_IFCHR | 0666, makedev(1, 3)) < 0)
        return -errno;
    cleanup_fd int dev = openat(home, &HOME_DEV[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return dev < 0 ? -errno : home_make_devices(dev);
}

/* A folder, read-only once it is complete, with a proc in it; still detached. */
static int build(struct err *err)
{
    struct mount_message why;
    cleanup_fd int home =
        mount_new("tmpfs", "shoal", "mode=0755,size=64k", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, &why);
    if (home < 0)
        return err_errno(err, home, "the keeper's own file system: %s", why.text);
    int r = furnish(home);
    if (r >= 0)
        r = mount_change(home, MOUNT_ATTR_RDONLY, 0, 0, false);
    if (r < 0)
        return err_errno(err, r, "the keeper's own file system");
    return take_fd(&home);
}

int home_enter(struct err *err)
{
    cleanup_fd int home = build(err);
    if (home < 0)
        return -1;
    if (unshare(CLONE_NEWNS) < 0)
        return err_errno(err, errno, "a mount namespace");
    int r = mount_make_all_private();
    if (r >= 0)
        r = mount_attach_at(home, AT_FDCWD, "/");
    if (r >= 0)
        r = fchdir(home) < 0 ? -errno : mount_pivot_here();
    if (r >= 0)
        r = umount2(".", MNT_DETACH) < 0 || chdir("/") < 0 ? -errno : 0;
    if (r < 0)
        return err_errno(err, r, "moving into the keeper's own mount namespace");
    struct mount_message why;
    cleanup_fd int proc =
        mount_new("proc", "proc", NULL, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC, &why);
    r = proc < 0 ? proc : mount_attach_at(proc, AT_FDCWD, HOME_PROC);
    return r < 0 ? err_errno(err, r, "the keeper's /proc") : 0;
}
