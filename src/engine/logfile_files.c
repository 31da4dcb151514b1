#include "base/cleanup.h"
#include "engine/logfile_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>

/* How often the writer may begin a new file while we look for ours; it needs 4 KiB for each. */
#define TRIES 100

/* A writer that renames leaves a gap of one, which moves downwards; so many in a row are the end of the files. */
#define GAP_MAX 4

/* The inode of the file with this suffix, 0 where there is none. */
static uint64_t inode_at(const struct logfile *f, unsigned index)
{
    char name[JSONLOG_NAME_MAX];
    struct stat st;
    jsonlog_name(name, f->id, index);
    return fstatat(f->folder_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 ? st.st_ino : 0;
}

/* The suffix that our file has now, or -1. Files move upwards, and so does the look: it cannot miss one. */
static int index_of_ours(const struct logfile *f)
{
    unsigned missing = 0;
    for (unsigned i = 0; i < JSONLOG_FILES_MAX && missing < GAP_MAX; i++) {
        uint64_t inode = inode_at(f, i);
        if (inode && inode == f->inode)
            return (int)i;
        missing = inode ? 0 : missing + 1;
    }
    return -1;
}

static int open_at(struct logfile *f, unsigned index, struct err *err)
{
    char name[JSONLOG_NAME_MAX];
    struct stat st;
    jsonlog_name(name, f->id, index);
    cleanup_fd int fd = openat(f->folder_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return 0;
    if (fd < 0 || fstat(fd, &st) < 0)
        return err_errno(err, errno, "cannot read the log %s", name);
    if (!S_ISREG(st.st_mode))
        return err_set(err, ERR_INVALID, "the log %s is no regular file", name);
    close_fd(&f->fd);
    f->fd = take_fd(&fd);
    f->inode = st.st_ino;
    f->offset = 0;
    return 1;
}

int logfile_open_current(struct logfile *f, struct err *err)
{
    return open_at(f, 0, err);
}

/* The oldest that was written at this time or later. */
static int open_oldest_since(struct logfile *f, struct timespec time, struct err *err)
{
    char name[JSONLOG_NAME_MAX];
    struct stat st;
    for (unsigned i = JSONLOG_FILES_MAX; i-- > 0;) {
        jsonlog_name(name, f->id, i);
        if (fstatat(f->folder_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || st.st_mtim.tv_sec < time.tv_sec ||
            (st.st_mtim.tv_sec == time.tv_sec && st.st_mtim.tv_nsec < time.tv_nsec))
            continue;
        int r = open_at(f, i, err);
        if (r != 0)
            return r;
    }
    return 0;
}

int logfile_open_oldest(struct logfile *f, struct err *err)
{
    return open_oldest_since(f, (struct timespec){0}, err);
}

/* Ours was removed, or moved away by somebody else: what comes next was written after it. */
static int open_after_removed(struct logfile *f, struct err *err)
{
    struct stat st;
    return fstat(f->fd, &st) < 0 ? 0 : open_oldest_since(f, st.st_mtim, err);
}

/* Opens the neighbour of ours. By then the writer may have renamed them all: looks again whether ours is where it was.
 */
static int open_neighbour(struct logfile *f, int step, struct err *err)
{
    for (int try = 0; try < TRIES; try++) {
        uint64_t ours = f->inode;
        int index = index_of_ours(f);
        if (index < 0)
            return step < 0 ? open_after_removed(f, err) : 0;
        if (index + step < 0 || index + step >= JSONLOG_FILES_MAX)
            return 0;
        cleanup_fd int before = fcntl(f->fd, F_DUPFD_CLOEXEC, 0);
        uint64_t offset = f->offset;
        int r = open_at(f, (unsigned)(index + step), err);
        if (r <= 0 || inode_at(f, (unsigned)index) == ours)
            return r;
        close_fd(&f->fd);
        f->fd = take_fd(&before);
        f->inode = ours;
        f->offset = offset;
    }
    return err_set(err, ERR_UNAVAILABLE, "the log of container %s is renamed faster than it can be read", f->id);
}

bool logfile_is_renamed(const struct logfile *f)
{
    return index_of_ours(f) != 0;
}

int logfile_open_newer(struct logfile *f, struct err *err)
{
    return open_neighbour(f, -1, err);
}

int logfile_open_older(struct logfile *f, struct err *err)
{
    return open_neighbour(f, 1, err);
}
