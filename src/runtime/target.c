#include "runtime/target.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "runtime/protection.h"
#include "sys/files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

/* Links stay inside the root: openat2(RESOLVE_IN_ROOT). Nothing else in this folder opens a path of the container's. */
static int open_inside(int root, const char *path, int flags)
{
    if (protection_on(PROTECT_TARGETS))
        return file_open_in_root(root, path, flags, 0);
    char plain[PATH_MAX]; /* what must not be done: links lead wherever they say */
    (void)snprintf(plain, sizeof(plain), ".%s", path);
    int fd = openat(root, plain, flags | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

static int missing(const char *path, int r, struct err *err)
{
    if (r == -EROFS)
        return err_set(err, ERR_NOT_FOUND, "%s does not exist, and the root file system is read-only", path);
    return err_errno(err, r, "%s", path);
}

/* Makes the last part of prefix, a path whose other parts exist, and opens it. */
static int make_one(int root, const char *prefix, struct err *err)
{
    char parent[PATH_MAX];
    (void)snprintf(parent, sizeof(parent), "%s", prefix);
    char *slash = strrchr(parent, '/');
    *slash = '\0';
    cleanup_fd int folder = open_inside(root, *parent ? parent : "/", O_PATH | O_DIRECTORY);
    if (folder < 0)
        return err_errno(err, folder, "%s", prefix);
    if (mkdirat(folder, slash + 1, 0755) < 0 && errno != EEXIST)
        return missing(prefix, -errno, err);
    int fd = open_inside(root, prefix, O_PATH | O_DIRECTORY);
    return fd < 0 ? missing(prefix, fd, err) : fd;
}

int target_make_folder(int root, const char *path, struct err *err)
{
    int fd = open_inside(root, path, O_PATH | O_DIRECTORY);
    if (fd >= 0 || fd != -ENOENT)
        return fd >= 0 ? fd : err_errno(err, fd, "%s", path);
    if (strlen(path) >= PATH_MAX)
        return err_set(err, ERR_INVALID, "a path is longer than %d bytes", PATH_MAX - 1);

    char prefix[PATH_MAX];
    size_t used = 0;
    for (const char *part = path; *part;) {
        part += strspn(part, "/");
        size_t length = strcspn(part, "/");
        if (!length)
            break;
        used += (size_t)snprintf(prefix + used, sizeof(prefix) - used, "/%.*s", (int)length, part);
        part += length;
        if (fd >= 0)
            (void)close(fd);
        fd = open_inside(root, prefix, O_PATH | O_DIRECTORY);
        if (fd == -ENOENT)
            fd = make_one(root, prefix, err);
        else if (fd < 0)
            (void)err_errno(err, fd, "%s", prefix);
        if (fd < 0)
            return -1;
    }
    return fd;
}

static int make_file(int root, const char *path, struct err *err)
{
    char parent[PATH_MAX];
    if (snprintf(parent, sizeof(parent), "%s", path) >= (int)sizeof(parent))
        return err_set(err, ERR_INVALID, "a path is longer than %d bytes", PATH_MAX - 1);
    char *slash = strrchr(parent, '/');
    *slash = '\0';
    cleanup_fd int folder = target_make_folder(root, *parent ? parent : "/", err);
    if (folder < 0)
        return -1;
    cleanup_fd int file = openat(folder, slash + 1, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (file < 0)
        return missing(path, -errno, err);
    int fd = open_inside(root, path, O_PATH);
    return fd < 0 ? missing(path, fd, err) : fd;
}

int target_open(int root, const char *path, bool folder, struct err *err)
{
    if (folder)
        return target_make_folder(root, path, err);
    int fd = open_inside(root, path, O_PATH);
    if (fd == -ENOENT)
        return make_file(root, path, err);
    return fd < 0 ? err_errno(err, fd, "%s", path) : fd;
}
