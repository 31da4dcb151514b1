/*
 * Folders that a layer's tar does not name, but puts something into. Docker unpacks a layer over those beneath, where
 * the folder has its attributes already; a layer unpacked by itself has to fetch them, for overlay shows the uppermost
 * folder's.
 */
#include "image/stage_message.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "image/beneath.h"
#include "image/work.h"
#include "sys/files.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/xattr.h>

enum lookup { LOOKUP_ABSENT, LOOKUP_FOUND, LOOKUP_HIDDEN, LOOKUP_OPAQUE };

/* One part of the way: is it a folder here, and does it hide what lies beneath? */
static enum lookup look_at(int layer, const char *path)
{
    struct stat st;
    char value;
    cleanup_fd int fd = file_openat2(layer, *path ? path : ".", O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0,
                                     RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
    if (fd == -ENOENT)
        return LOOKUP_ABSENT;
    if (fd < 0 || fstat(fd, &st) < 0)
        return LOOKUP_HIDDEN; /* a whiteout, a file or a link stands there */
    return fgetxattr(fd, "trusted.overlay.opaque", &value, 1) == 1 && value == 'y' ? LOOKUP_OPAQUE : LOOKUP_FOUND;
}

/* Looks path up in one layer; *ret_stop: layers further down do not show through. */
static bool look_up(int layer, const char *path, bool *ret_stop)
{
    char part[PATH_MAX];
    *ret_stop = false;
    for (size_t n = 0;;) {
        (void)snprintf(part, sizeof(part), "%.*s", (int)n, path);
        enum lookup found = look_at(layer, part);
        *ret_stop |= found == LOOKUP_HIDDEN || found == LOOKUP_OPAQUE;
        if (found == LOOKUP_ABSENT || found == LOOKUP_HIDDEN)
            return false;
        if (!path[n])
            return true;
        n += path[n] == '/';
        n += strcspn(path + n, "/");
    }
}

static int copy_attributes(int from, int to, const char *path, struct err *err)
{
    struct stat st;
    const char *name = *path ? path : ".";
    cleanup_fd int source = openat(from, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    cleanup_fd int target = openat(to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (source < 0 || target < 0 || fstat(source, &st) < 0)
        return err_errno(err, errno, "cannot open the folder \"%s\" of a layer", path);
    struct timespec times[2] = {st.st_mtim, st.st_mtim};
    if (fchown(target, st.st_uid, st.st_gid) < 0 || fchmod(target, st.st_mode & 07777) < 0 ||
        futimens(target, times) < 0)
        return err_errno(err, errno, "cannot set the attributes of the folder \"%s\" of a layer", path);
    return 0;
}

static int settle_one(int layer, const char *path, const int *lower, size_t count, struct err *err)
{
    bool stop = false;
    for (size_t i = 0; i < count && !stop; i++)
        if (look_up(lower[i], path, &stop))
            return copy_attributes(lower[i], layer, path, err);
    return 0;
}

int stage_settle(int layer, const struct strings *implied, const int *lower, size_t count, struct err *err)
{
    for (size_t i = 0; i < implied->count; i++) {
        bool stop;
        const char *path = implied->items[i];
        /* Replaced by a later entry, or reached through a link: then it is another folder's business. */
        if (look_up(layer, path, &stop) && settle_one(layer, path, lower, count, err) < 0)
            return -1;
    }
    return 0;
}
