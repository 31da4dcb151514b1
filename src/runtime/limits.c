#include "base/cleanup.h"
#include "base/str.h"
#include "runtime/child.h"
#include "runtime/protection.h"
#include "sys/files.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/vfs.h>

/* What must not be done: the /proc that the container has. */
static int open_in_container(const struct child *c, const char *path)
{
    cleanup_fd int proc = file_open_in_root(c->root, "/proc", O_PATH | O_DIRECTORY, 0);
    return proc < 0 ? proc : file_openat2(proc, path, O_WRONLY, 0, 0);
}

/*
 * Writes a file of procfs through the keeper's instance of it. The container's own may have been mounted over with
 * something that swallows the value, or that turns it into a write elsewhere (CVE-2025-52881).
 */
static int write_proc(const struct child *c, const char *path, const char *text)
{
    uint64_t resolve = RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS;
    cleanup_fd int fd = protection_on(PROTECT_PROC) ? file_openat2(c->keeper_proc, path, O_WRONLY, 0, resolve)
                                                    : open_in_container(c, path);
    if (fd < 0)
        return fd;
    struct statfs fs;
    if (protection_on(PROTECT_PROC) && (fstatfs(fd, &fs) < 0 || fs.f_type != PROC_SUPER_MAGIC))
        return -EPERM;
    return write(fd, text, strlen(text)) < 0 ? -errno : 0;
}

/* "net.ipv4.ip_forward" → sys/net/ipv4/ip_forward. Whose namespaces these are is asked of the writer, so they are the
 * container's. */
static int write_sysctl(const struct child *c, const struct description_sysctl *s)
{
    char path[256];
    if (snprintf(path, sizeof(path), "sys/%s", s->name) >= (int)sizeof(path))
        return -ENAMETOOLONG;
    for (char *p = path; *p; p++)
        if (*p == '.')
            *p = '/';
    return write_proc(c, path, s->value);
}

int child_write_sysctls(struct child *c, struct err *err)
{
    for (uint32_t i = 0; i < c->d->sysctl_count; i++) {
        const struct description_sysctl *s = &c->d->sysctls[i];
        int r = write_sysctl(c, s);
        if (r < 0)
            return err_errno(err, r, "sysctl %s=%s", s->name, s->value);
    }
    return 0;
}

/* Before the user changes: what a process that cannot be traced has in /proc belongs to root. */
int child_set_oom_score(struct child *c, struct err *err)
{
    if (!(c->d->flags & DESCRIPTION_OOM_SCORE))
        return 0;
    char text[16];
    (void)snprintf(text, sizeof(text), "%d", c->d->oom_score_adj);
    int r = write_proc(c, "self/oom_score_adj", text);
    return r < 0 ? err_errno(err, r, "oom_score_adj %s", text) : 0;
}

int child_set_limits(struct child *c, struct err *err)
{
    /* The keeper raised this one for itself; a payload gets what a payload had before. */
    if (setrlimit(RLIMIT_NOFILE, &c->files) < 0)
        return err_errno(err, errno, "the limit of open files");
    for (uint32_t i = 0; i < c->d->rlimit_count; i++) {
        const struct description_rlimit *limit = &c->d->rlimits[i];
        struct rlimit value = {.rlim_cur = limit->soft, .rlim_max = limit->hard};
        if (setrlimit((int)limit->resource, &value) < 0)
            return err_errno(err, errno, "resource limit %u", limit->resource);
    }
    return 0;
}
