#include "image/beneath.h"

#include "base/cleanup.h"
#include "base/id.h"
#include "base/str.h"
#include "sys/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>

/* Folders deeper than this are moved up to the top first, so that a tree of any depth takes as many descriptors at
 * most. */
#define DEPTH_MAX 32

static int remove_entries(int top, int folder, unsigned depth, struct err *err);

/* Opens a folder to empty it. RESOLVE_NO_XDEV tells a mount from a folder even where both are of one file system. */
static int open_inside(int folder, const char *name, struct err *err)
{
    int fd = file_openat2(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS);
    if (fd == -EXDEV)
        return err_set(err, ERR_CONFLICT, "cannot remove \"%s\": something is mounted there", name);
    return fd < 0 ? err_errno(err, fd, "cannot open \"%s\" to remove it", name) : fd;
}

static int move_up(int top, int folder, const char *name, struct err *err)
{
    char unique[ID_SIZE];
    id_new(unique);
    if (renameat(folder, name, top, unique) < 0)
        return err_errno(err, errno, "cannot move \"%s\" to remove it", name);
    return 0;
}

static int remove_folder(int top, int folder, const char *name, unsigned depth, struct err *err)
{
    if (depth >= DEPTH_MAX)
        return move_up(top, folder, name, err);
    cleanup_fd int inside = open_inside(folder, name, err);
    if (inside < 0 || remove_entries(top, inside, depth + 1, err) < 0)
        return -1;
    if (unlinkat(folder, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
        return err_errno(err, errno, "cannot remove the folder \"%s\"", name);
    return 0;
}

static int remove_entry(int top, int folder, const char *name, unsigned depth, struct err *err)
{
    if (unlinkat(folder, name, 0) == 0 || errno == ENOENT)
        return 0;
    if (errno != EISDIR && errno != EPERM)
        return err_errno(err, errno, "cannot remove \"%s\"", name);
    return remove_folder(top, folder, name, depth, err);
}

/*
 * Empties folder. Reads it again until nothing is left: readdir(3) may skip entries while it changes, and the top is
 * given what was too deep.
 */
static int remove_entries(int top, int folder, unsigned depth, struct err *err)
{
    cleanup_fd int again = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cleanup_dir DIR *dir = again < 0 ? NULL : fdopendir(again);
    if (!dir)
        return err_errno(err, errno, "cannot read a folder to remove it");
    (void)take_fd(&again);
    for (;;) {
        unsigned seen = 0;
        struct dirent *entry;
        while ((entry = readdir(dir))) {
            if (str_eq(entry->d_name, ".") || str_eq(entry->d_name, ".."))
                continue;
            seen++;
            if (remove_entry(top, folder, entry->d_name, depth, err) < 0)
                return -1;
        }
        if (seen == 0)
            return 0;
        rewinddir(dir);
    }
}

/* The folder that path stands in: mounts on the way there are no business of RESOLVE_NO_XDEV's. */
static int open_above(int folder, const char *path, const char **ret_name, struct err *err)
{
    char above[PATH_MAX];
    const char *slash = strrchr(path, '/');
    *ret_name = slash ? slash + 1 : path;
    (void)snprintf(above, sizeof(above), "%.*s", slash ? (int)(slash - path) + 1 : 1, slash ? path : ".");
    int fd = openat(folder, above, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? err_errno(err, errno, "cannot open \"%s\"", above) : fd;
}

int tree_remove(int folder, const char *path, struct err *err)
{
    const char *name;
    if (unlinkat(folder, path, 0) == 0 || errno == ENOENT)
        return 0;
    cleanup_fd int above = open_above(folder, path, &name, err);
    if (above < 0)
        return -1;
    cleanup_fd int top = open_inside(above, name, err);
    if (top < 0 || remove_entries(top, top, 1, err) < 0)
        return -1;
    if (unlinkat(above, name, AT_REMOVEDIR) < 0)
        return err_errno(err, errno, "cannot remove the folder \"%s\"", path);
    return 0;
}
