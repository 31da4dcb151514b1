#include "base/err.h"
#include "runtime/child.h"
#include "sys/capabilities.h"

#include <errno.h>
#include <grp.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int install_filter(const struct child *c, struct err *err)
{
    if (c->inner.len && syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &c->inner) < 0)
        return err_errno(err, errno, "the seccomp filter");
    return 0;
}

/* OCI: user. Capabilities survive the change of users until child_set_identity() has given them their final value. */
static int change_user(const struct description *d, struct err *err)
{
    if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
        return err_errno(err, errno, "keeping capabilities");
    if (setgroups(d->group_count, (const gid_t *)d->groups) < 0)
        return err_errno(err, errno, "the groups");
    if (setresgid(d->gid, d->gid, d->gid) < 0)
        return err_errno(err, errno, "group %u", d->gid);
    if (setresuid(d->uid, d->uid, d->uid) < 0)
        return err_errno(err, errno, "user %u", d->uid);
    return 0;
}

/*
 * The filter comes first: it wants CAP_SYS_ADMIN (or no_new_privs, which not everybody asked for), and denies nothing
 * that follows. From here on the process is what the payload will be.
 */
int child_set_identity(struct child *c, struct err *err)
{
    const struct description *d = c->d;
    if (d->flags & DESCRIPTION_NO_NEW_PRIVILEGES && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return err_errno(err, errno, "no_new_privs");
    if (install_filter(c, err) < 0)
        return -1;
    int r = capability_bound(d->bounding);
    if (r < 0)
        return err_errno(err, r, "the bounding set of capabilities");
    if (change_user(d, err) < 0)
        return -1;
    struct capability_sets sets = {.permitted = d->permitted, .effective = d->effective, .inheritable = d->inheritable};
    r = capability_set(&sets);
    if (r >= 0)
        r = capability_set_ambient(d->ambient);
    if (r < 0)
        return err_errno(err, r, "the capabilities");
    (void)umask(d->umask);
    return 0;
}
