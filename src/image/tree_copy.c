#include "image/tree_copy.h"

#include "base/cleanup.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/str.h"
#include "image/beneath.h"
#include "sys/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#define DEPTH_MAX  1000
#define COPY_BLOCK ((size_t)256 * 1024)
#define XATTR_MAX  ((size_t)64 * 1024)

struct copying {
    int top;             /* the target folder: hard links are made from there */
    struct map links;    /* "device:inode" of files with several names → the path of the copy */
    char path[PATH_MAX]; /* of what is being copied, from top */
    char *block;
};

static int copy_entries(struct copying *c, int from, int to, unsigned depth, struct err *err);

static int failed(const struct copying *c, const char *what, struct err *err)
{
    return err_errno(err, errno, "cannot %s \"%s\"", what, c->path);
}

/* --- Attributes ----------------------------------------------------------------------------------------------------
 */

static int copy_xattrs(const struct copying *c, int from, int to, struct err *err)
{
    char names[XATTR_MAX], value[XATTR_MAX];
    ssize_t n = flistxattr(from, names, sizeof(names));
    for (char *name = names; n > 0 && name < names + n; name += strlen(name) + 1) {
        if (str_starts(name, "trusted.overlay."))
            continue;
        ssize_t size = fgetxattr(from, name, value, sizeof(value));
        if (size >= 0 && fsetxattr(to, name, value, (size_t)size, 0) < 0 && errno != ENOTSUP && errno != EPERM)
            return failed(c, "set the attributes of", err);
    }
    return 0;
}

static int copy_attributes(const struct copying *c, int from, int to, const struct stat *st, struct err *err)
{
    struct timespec times[2] = {st->st_atim, st->st_mtim};
    if (fchown(to, st->st_uid, st->st_gid) < 0 || fchmod(to, st->st_mode & 07777) < 0)
        return failed(c, "set owner and mode of", err);
    if (copy_xattrs(c, from, to, err) < 0)
        return -1;
    return futimens(to, times) < 0 ? failed(c, "set the time of", err) : 0;
}

/* --- Contents ------------------------------------------------------------------------------------------------------
 */

/* Copies what lies between holes. */
static int copy_data(struct copying *c, int from, int to, off_t size, struct err *err)
{
    if (ioctl(to, FICLONE, from) == 0)
        return 0;
    off_t start = 0;
    while (start < size) {
        off_t data = lseek(from, start, SEEK_DATA);
        if (data < 0 && errno == ENXIO)
            break;
        off_t end = data < 0 ? size : lseek(from, data, SEEK_HOLE);
        for (off_t at = data < 0 ? start : data; at < end;) {
            size_t want = end - at < (off_t)COPY_BLOCK ? (size_t)(end - at) : COPY_BLOCK;
            ssize_t n = pread(from, c->block, want, at);
            if (n <= 0 || pwrite(to, c->block, (size_t)n, at) != n)
                return failed(c, "copy", err);
            at += n;
        }
        start = end;
    }
    return ftruncate(to, size) < 0 ? failed(c, "copy", err) : 0;
}

static int copy_file(struct copying *c, int from, int to, const char *name, const struct stat *st, struct err *err)
{
    cleanup_fd int source = openat(from, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (source < 0)
        return failed(c, "open", err);
    cleanup_fd int target = openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (target < 0)
        return failed(c, "make", err);
    if (copy_data(c, source, target, st->st_size, err) < 0)
        return -1;
    return copy_attributes(c, source, target, st, err);
}

static int copy_folder(struct copying *c, int from, int to, const char *name, const struct stat *st, unsigned depth,
                       struct err *err)
{
    if (depth >= DEPTH_MAX)
        return err_set(err, ERR_LIMIT, "\"%.200s…\" has more than %d levels", c->path, DEPTH_MAX);
    int fd = file_openat2(from, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, RESOLVE_NO_XDEV);
    if (fd == -EXDEV)
        return 0;
    cleanup_fd int source = fd;
    if (source < 0)
        return err_errno(err, source, "cannot open \"%s\"", c->path);
    if (mkdirat(to, name, 0700) < 0 && errno != EEXIST)
        return failed(c, "make", err);
    cleanup_fd int target = openat(to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (target < 0)
        return failed(c, "open", err);
    if (copy_entries(c, source, target, depth + 1, err) < 0)
        return -1;
    return copy_attributes(c, source, target, st, err);
}

static int copy_other(struct copying *c, int from, int to, const char *name, const struct stat *st, struct err *err)
{
    struct timespec times[2] = {st->st_atim, st->st_mtim};
    if (S_ISLNK(st->st_mode)) {
        char target[PATH_MAX];
        ssize_t n = readlinkat(from, name, target, sizeof(target) - 1);
        target[n > 0 ? n : 0] = '\0';
        if (n < 0 || symlinkat(target, to, name) < 0)
            return failed(c, "make the link", err);
    } else if (mknodat(to, name, st->st_mode, st->st_rdev) < 0) {
        return failed(c, "make the special file", err);
    }
    if (fchownat(to, name, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW) < 0 ||
        utimensat(to, name, times, AT_SYMLINK_NOFOLLOW) < 0)
        return failed(c, "set owner and time of", err);
    return 0;
}

/* --- Entries -------------------------------------------------------------------------------------------------------
 */

/* 1: it was copied under another name already and is a link to that now. Remembers it otherwise. */
static int link_again(struct copying *c, int to, const char *name, const struct stat *st, struct err *err)
{
    char key[64];
    if (S_ISDIR(st->st_mode) || st->st_nlink < 2)
        return 0;
    (void)snprintf(key, sizeof(key), "%llx:%llx", (unsigned long long)st->st_dev, (unsigned long long)st->st_ino);
    const char *first = map_get(&c->links, key);
    if (!first) {
        map_put(&c->links, key, mem_strdup(c->path));
        return 0;
    }
    return linkat(c->top, first, to, name, 0) < 0 ? failed(c, "link", err) : 1;
}

static int copy_entry(struct copying *c, int from, int to, const char *name, unsigned depth, struct err *err)
{
    struct stat st;
    if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return failed(c, "look at", err);
    if (beneath_is_whiteout(from, name))
        return 0;
    int linked = link_again(c, to, name, &st, err);
    if (linked != 0)
        return linked < 0 ? -1 : 0;
    if (S_ISDIR(st.st_mode))
        return copy_folder(c, from, to, name, &st, depth, err);
    if (S_ISREG(st.st_mode))
        return copy_file(c, from, to, name, &st, err);
    return copy_other(c, from, to, name, &st, err);
}

static int copy_entries(struct copying *c, int from, int to, unsigned depth, struct err *err)
{
    cleanup_fd int again = openat(from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cleanup_dir DIR *dir = again < 0 ? NULL : fdopendir(again);
    if (!dir)
        return failed(c, "read", err);
    (void)take_fd(&again);
    size_t length = strlen(c->path);
    struct dirent *entry;
    while ((entry = readdir(dir))) {
        if (str_eq(entry->d_name, ".") || str_eq(entry->d_name, ".."))
            continue;
        int n = snprintf(c->path + length, sizeof(c->path) - length, "%s%s", length ? "/" : "", entry->d_name);
        if (n < 0 || (size_t)n >= sizeof(c->path) - length)
            return err_set(err, ERR_LIMIT, "\"%.200s…\" is longer than a path may be", c->path);
        if (copy_entry(c, from, to, entry->d_name, depth, err) < 0)
            return -1;
        c->path[length] = '\0';
    }
    return 0;
}

int tree_copy(int from, int to, struct err *err)
{
    struct copying c = {.top = to, .block = mem_alloc(COPY_BLOCK)};
    struct map_entry *link;
    struct stat st;
    int r = fstat(from, &st) < 0 ? err_errno(err, errno, "cannot look at the folder") : 0;
    if (r == 0)
        r = copy_entries(&c, from, to, 1, err);
    if (r == 0)
        r = copy_attributes(&c, from, to, &st, err);
    for (size_t i = 0; (link = map_next(&c.links, &i));)
        free(link->value);
    map_done(&c.links);
    free(c.block);
    return r;
}
