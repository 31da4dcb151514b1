#include "base/cleanup.h"
#include "runtime/child.h"
#include "runtime/target.h"
#include "sys/files.h"
#include "sys/mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#ifndef TIOCGPTPEER
#define TIOCGPTPEER _IO('T', 0x41)
#endif

/* Opens a new terminal of the instance that ptmx belongs to: the slave by the master, never by a name (CVE-2025-52565).
 */
static int open_pair(struct child *c, int ptmx, struct err *err)
{
    const struct description *d = c->d;
    int unlock = 0;
    if (ioctl(ptmx, TIOCSPTLCK, &unlock) < 0)
        return err_errno(err, errno, "unlocking it");
    c->tty = ioctl(ptmx, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (c->tty < 0)
        return err_errno(err, errno, "its slave");
    struct winsize size = {.ws_col = (unsigned short)d->tty_columns, .ws_row = (unsigned short)d->tty_rows};
    if (size.ws_col && size.ws_row && ioctl(ptmx, TIOCSWINSZ, &size) < 0)
        return err_errno(err, errno, "its size");
    if (fchown(c->tty, d->uid, (gid_t)-1) < 0)
        return err_errno(err, errno, "its owner");
    struct child_report report = {.type = CHILD_TTY};
    int r = c->send(c->status, &report, ptmx);
    return r < 0 ? err_errno(err, r, "handing it over") : 0;
}

/* The terminal is /dev/console too. */
static int bind_console(struct child *c, struct err *err)
{
    cleanup_fd int console = mount_clone(c->tty, "", false);
    if (console < 0)
        return err_errno(err, console, "/dev/console");
    cleanup_fd int target = target_open(c->root, "/dev/console", false, err);
    if (target < 0)
        return -1;
    int r = mount_attach(console, target);
    return r < 0 ? err_errno(err, r, "/dev/console") : 0;
}

int child_open_tty(struct child *c, struct err *err)
{
    if (!(c->d->flags & DESCRIPTION_TTY))
        return 0;
    if (c->devpts < 0)
        return err_set(err, ERR_INVALID, "a terminal needs a devpts mounted on /dev/pts");
    cleanup_fd int ptmx = openat(c->devpts, "ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (ptmx < 0)
        return err_errno(err, errno, "a terminal");
    if (open_pair(c, ptmx, err) < 0 || (c->dev >= 0 && bind_console(c, err) < 0))
        return err_wrap(err, "a terminal");
    return 0;
}

/* Is this the master of a devpts, whatever the container put at its place? (ptmx: character device 5:2) */
static int check_ptmx(int fd, struct err *err)
{
    struct stat st;
    struct statfs fs;
    if (fstat(fd, &st) < 0 || fstatfs(fd, &fs) < 0)
        return err_errno(err, errno, "/dev/pts/ptmx");
    if (!S_ISCHR(st.st_mode) || st.st_rdev != makedev(5, 2) || fs.f_type != DEVPTS_SUPER_MAGIC)
        return err_set(err, ERR_INVALID, "/dev/pts/ptmx of the container is no terminal");
    return 0;
}

/* For an exec: the container runs already, and its /dev/pts may be anything by now. */
int child_open_container_tty(struct child *c, struct err *err)
{
    if (!(c->d->flags & DESCRIPTION_TTY))
        return 0;
    uint64_t resolve = RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
    cleanup_fd int seen = file_openat2(AT_FDCWD, "/dev/pts/ptmx", O_PATH | O_NOFOLLOW, 0, resolve);
    if (seen < 0)
        return err_errno(err, seen, "a terminal: /dev/pts/ptmx");
    if (check_ptmx(seen, err) < 0)
        return -1;
    cleanup_fd int ptmx = file_openat2(AT_FDCWD, "/dev/pts/ptmx", O_RDWR | O_NOCTTY | O_NOFOLLOW, 0, resolve);
    if (ptmx < 0)
        return err_errno(err, ptmx, "a terminal: /dev/pts/ptmx");
    if (check_ptmx(ptmx, err) < 0)
        return -1;
    return open_pair(c, ptmx, err) < 0 ? err_wrap(err, "a terminal") : 0;
}

/* A payload that is not root must be able to open /dev/stdout again. */
static void hand_over_pipe(int fd, const struct description *d)
{
    struct stat st;
    if (fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode) && st.st_uid != d->uid)
        (void)fchown(fd, d->uid, (gid_t)-1);
}

int child_set_streams(struct child *c, struct err *err)
{
    bool tty = c->d->flags & DESCRIPTION_TTY;
    if (tty && ioctl(c->tty, TIOCSCTTY, 0) < 0)
        return err_errno(err, errno, "the controlling terminal");
    for (int i = 0; i < 3; i++) {
        int from = tty ? c->tty : c->d->stdio[i];
        if (dup2(from, i) < 0)
            return err_errno(err, errno, "standard stream %d", i);
        if (!tty)
            hand_over_pipe(i, c->d);
    }
    return 0;
}
