#include "base/cleanup.h"
#include "base/str.h"
#include "runtime/child.h"
#include "sys/process.h"

#include <errno.h>
#include <linux/keyctl.h>
#include <sched.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Until its maps are written, a process in a new user namespace is nobody. It becomes root there. */
int child_await_maps(struct child *c, struct err *err)
{
    if (!c->user_namespace)
        return 0;
    char go;
    ssize_t n;
    do
        n = c->maps < 0 ? 1 : read(c->maps, &go, 1);
    while (n < 0 && errno == EINTR);
    if (n != 1)
        return err_set(err, ERR_INTERNAL, "the id maps of the user namespace were not written");
    if (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
        return err_errno(err, errno, "becoming root of the user namespace (is id 0 mapped?)");
    return 0;
}

static const char *name_of(uint32_t type)
{
    switch (type) {
    case CLONE_NEWNET:
        return "network";
    case CLONE_NEWIPC:
        return "ipc";
    case CLONE_NEWUTS:
        return "uts";
    default:
        return "other";
    }
}

/*
 * pid and user namespaces were joined before this process was born; a container's, by an exec, all but the cgroup
 * namespace: from inside that one, the helper could not have put this process into the container's cgroup (nsdelegate,
 * cgroups(7)).
 */
int child_join_namespaces(struct child *c, struct err *err)
{
    if (c->container >= 0) {
        int r = process_join(c->container, CLONE_NEWCGROUP);
        return r < 0 ? err_errno(err, r, "joining the cgroup namespace") : 0;
    }
    for (uint32_t i = 0; i < c->d->join_count; i++) {
        const struct description_join *join = &c->d->joins[i];
        if (join->type == CLONE_NEWPID || join->type == CLONE_NEWUSER)
            continue;
        int r = process_join(join->fd, (int)join->type);
        if (r < 0)
            return err_errno(err, r, "joining the %s namespace", name_of(join->type));
    }
    /* Asked of clone3, its root would be the launcher's cgroup: the new one is entered after the copy is made. */
    if (c->d->namespaces & CLONE_NEWCGROUP && unshare(CLONE_NEWCGROUP) < 0)
        return err_errno(err, errno, "a cgroup namespace");
    return 0;
}

int child_name_host(struct child *c, struct err *err)
{
    const struct description *d = c->d;
    if (d->hostname && sethostname(d->hostname, strlen(d->hostname)) < 0)
        return err_errno(err, errno, "hostname %s", d->hostname);
    if (d->domainname && setdomainname(d->domainname, strlen(d->domainname)) < 0)
        return err_errno(err, errno, "domainname %s", d->domainname);
    return 0;
}

int child_new_keyring(struct child *c, struct err *err)
{
    if (!(c->d->flags & DESCRIPTION_NEW_KEYRING))
        return 0;
    if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) < 0 && errno != ENOSYS)
        return err_errno(err, errno, "a session keyring");
    return 0;
}
