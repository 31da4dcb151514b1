#include "image/beneath.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "sys/files.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#define IMPLIED_MODE 0755

int path_clean(const char *raw, char ret[PATH_MAX], struct err *err)
{
    size_t size = 0;
    for (const char *p = raw; *p;) {
        size_t n = strcspn(p, "/");
        bool dot = n == 1 && p[0] == '.', dots = n == 2 && p[0] == '.' && p[1] == '.';
        if (n > BENEATH_NAME_MAX)
            return err_set(err, ERR_LIMIT, "a name of %zu bytes in the path \"%.100s…\": 255 at most", n, raw);
        if (dots && size == 0)
            return err_set(err, ERR_INVALID, "the path \"%.300s\" leads out of the folder", raw);
        if (dots) {
            while (size > 0 && ret[--size] != '/')
                ;
        } else if (n > 0 && !dot) {
            if (size + n + 2 > PATH_MAX)
                return err_set(err, ERR_LIMIT, "a path of more than %d bytes: \"%.100s…\"", PATH_MAX - 1, raw);
            if (size > 0)
                ret[size++] = '/';
            memcpy(ret + size, p, n);
            size += n;
        }
        p += n;
        p += strspn(p, "/");
    }
    ret[size] = '\0';
    return 0;
}

bool beneath_is_whiteout(int folder, const char *name)
{
    struct stat st;
    return fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == makedev(0, 0);
}

static int open_folder(int root, const char *path)
{
    return file_openat2(root, *path ? path : ".", O_PATH | O_DIRECTORY, 0,
                        RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV);
}

/* Makes the folder path (its parent exists); a whiteout in its place gives way. */
static int make_folder(struct beneath *b, const char *path, struct err *err)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    char above[PATH_MAX];
    (void)snprintf(above, sizeof(above), "%.*s", (int)(slash ? slash - path : 0), path);
    cleanup_fd int folder = open_folder(b->root, above);
    if (folder < 0)
        return err_errno(err, folder, "cannot make the folder \"%s\"", path);
    bool replaced = beneath_is_whiteout(folder, name) && unlinkat(folder, name, 0) == 0;
    int failed = mkdirat(folder, name, IMPLIED_MODE) < 0 ? errno : 0;
    if (failed == EEXIST)
        return err_set(err, ERR_INVALID, "\"%s\" is no folder, and something is to be put into it", path);
    if (failed)
        return err_errno(err, failed, "cannot make the folder \"%s\"", path);
    if (b->made)
        b->made(b->data, path, replaced);
    return 0;
}

/* Opens the folder path and makes what is missing of it, from the top. */
static int open_or_make(struct beneath *b, const char *path, struct err *err)
{
    int fd = open_folder(b->root, path);
    if (fd >= 0)
        return fd;
    char part[PATH_MAX];
    size_t n = 0;
    while (path[n]) {
        n += path[n] == '/';
        n += strcspn(path + n, "/");
        (void)snprintf(part, sizeof(part), "%.*s", (int)n, path);
        cleanup_fd int there = open_folder(b->root, part);
        if (there < 0 && make_folder(b, part, err) < 0)
            return -1;
    }
    fd = open_folder(b->root, path);
    return fd < 0 ? err_errno(err, fd, "cannot open the folder \"%s\"", path) : fd;
}

int beneath_parent(struct beneath *b, const char *path, const char **ret_name, struct err *err)
{
    const char *slash = strrchr(path, '/');
    size_t n = slash ? (size_t)(slash - path) : 0;
    *ret_name = slash ? slash + 1 : path;
    if (b->parent >= 0 && strlen(b->parent_path) == n && memcmp(b->parent_path, path, n) == 0)
        return b->parent;
    beneath_forget(b);
    memcpy(b->parent_path, path, n);
    b->parent_path[n] = '\0';
    b->parent = open_or_make(b, b->parent_path, err);
    return b->parent;
}

void beneath_forget(struct beneath *b)
{
    close_fd(&b->parent);
}
