#include "base/cleanup.h"
#include "base/str.h"
#include "runtime/child.h"
#include "runtime/protection.h"
#include "runtime/target.h"
#include "sys/files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

static int open_cwd(const struct child *c, const char *path)
{
    if (protection_on(PROTECT_FDS))
        return file_open_in_root(AT_FDCWD, path, O_PATH | O_DIRECTORY, 0);
    int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

/*
 * Where are we? A folder outside of the root, reached by a descriptor that somebody left open, has no path here, and
 * the kernel says so: the call (not the C library's) gives "(unreachable)/…".
 */
static int check_inside(struct err *err)
{
    char here[PATH_MAX];
    if (syscall(SYS_getcwd, here, sizeof(here)) < 0)
        return err_errno(err, errno, "looking where it is");
    if (protection_on(PROTECT_FDS) && *here != '/')
        return err_set(err, ERR_DENIED, "it is outside of the root file system");
    return 0;
}

/* Root makes it, whoever the user is. */
int child_make_cwd(struct child *c, struct err *err)
{
    if (!(c->d->flags & DESCRIPTION_MAKE_CWD))
        return 0;
    cleanup_fd int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (root < 0)
        return err_errno(err, errno, "the root folder");
    cleanup_fd int fd = target_make_folder(root, c->d->cwd, err);
    return fd < 0 ? err_wrap(err, "working directory") : 0;
}

int child_enter_cwd(struct child *c, struct err *err)
{
    const char *path = c->d->cwd;
    cleanup_fd int fd = open_cwd(c, path);
    if (fd < 0)
        return err_errno(err, fd, "working directory %s", path);
    if (fchdir(fd) < 0)
        return err_errno(err, errno, "working directory %s", path);
    return check_inside(err) < 0 ? err_wrap(err, "working directory %s", path) : 0;
}

/* --- The program -------------------------------------------------------------------------------------------------- */

/* Docker's clients look for these words of Go's: they make the exit codes 127 and 126 of them. */
static const struct {
    int errnum;
    enum err_kind kind;
    const char *words;
} refusals[] = {
    {ENOENT, ERR_NO_COMMAND, "no such file or directory"}, {ENOTDIR, ERR_NO_COMMAND, "not a directory"},
    {EACCES, ERR_CANNOT_RUN, "permission denied"},         {EISDIR, ERR_CANNOT_RUN, "is a directory"},
    {ENOEXEC, ERR_CANNOT_RUN, "exec format error"},
};

static int cannot_run(const char *path, int errnum, struct err *err)
{
    for (size_t i = 0; i < ARRAY_SIZE(refusals); i++)
        if (refusals[i].errnum == errnum)
            return err_set(err, refusals[i].kind, "exec: \"%s\": %s", path, refusals[i].words);
    (void)err_errno(err, errnum, "exec: \"%s\"", path);
    err->kind = ERR_CANNOT_RUN;
    return -1;
}

static const char *path_of(const struct child *c)
{
    for (const char *const *env = c->d->env; env && *env; env++) {
        const char *value = str_after(*env, "PATH=");
        if (value)
            return value;
    }
    return DEFAULT_PATH;
}

static int try_exec(const struct child *c, const char *path)
{
    (void)execve(path, (char *const *)c->d->argv, (char *const *)c->d->env);
    return errno;
}

/* Each folder of PATH in turn, as a shell does it: what cannot be run is remembered, but a later folder may have
 * another. */
static int search(const struct child *c, const char *name, struct err *err)
{
    int denied = 0;
    for (const char *folder = path_of(c), *end; folder; folder = *end ? end + 1 : NULL) {
        end = strchrnul(folder, ':');
        char path[PATH_MAX];
        int length = (int)(end - folder);
        if (snprintf(path, sizeof(path), "%.*s/%s", length ? length : 1, length ? folder : ".", name) >=
            (int)sizeof(path))
            continue;
        int errnum = try_exec(c, path);
        struct stat st;
        if (errnum == ENOENT && stat(path, &st) == 0)
            return cannot_run(path, errnum, err); /* it is there: its interpreter is not */
        if (errnum != ENOENT && errnum != ENOTDIR)
            denied = errnum;
    }
    if (denied)
        return cannot_run(name, denied, err);
    return err_set(err, ERR_NO_COMMAND, "exec: \"%s\": executable file not found in $PATH", name);
}

int child_exec(struct child *c, struct err *err)
{
    /* Everything was born CLOEXEC; this is for what a library or a caller may have forgotten. */
    if (protection_on(PROTECT_FDS)) {
        int r = file_close_on_exec_from(3);
        if (r < 0)
            return err_errno(err, r, "closing descriptors");
    }
    const char *name = c->d->argv[0];
    if (!strchr(name, '/'))
        return search(c, name, err);
    return cannot_run(name, try_exec(c, name), err);
}
