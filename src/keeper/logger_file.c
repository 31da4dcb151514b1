#include "keeper/logger_file.h"

#include "base/cleanup.h"
#include "base/mem.h"
#include "codec/jsonlog.h"
#include "sys/files.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define PATH_MAX_HERE (ID_SIZE + 1 + JSONLOG_NAME_MAX)

void log_files_init(struct log_files *files)
{
    files->containers_fd = -1;
    files->open_count = 0;
    list_init(&files->open);
}

void log_files_use(struct log_files *files, int containers_fd)
{
    close_fd(&files->containers_fd);
    files->containers_fd = containers_fd;
}

/* "ID/ID-json.log.2", from DATA/containers */
static void path_of(char path[PATH_MAX_HERE], const char *id, unsigned index)
{
    char name[JSONLOG_NAME_MAX];
    jsonlog_name(name, id, index);
    (void)snprintf(path, PATH_MAX_HERE, "%.*s/%s", ID_SIZE - 1, id, name);
}

static void touch(struct log_files *files, struct log_file *file)
{
    list_remove(&file->link);
    list_push(&files->open, &file->link);
}

void log_file_close(struct log_files *files, struct log_file *file)
{
    if (file->fd < 0)
        return;
    close_fd(&file->fd);
    list_remove(&file->link);
    files->open_count--;
}

static size_t whole_records(const char *data, size_t size)
{
    const char *end = size ? memrchr(data, '\n', size) : NULL;
    return end ? (size_t)(end - data) + 1 : 0;
}

/* Cuts what follows the last \n; a tail that is longer than any record is no log of ours, and is ended with a \n. */
static int cut_torn(struct log_file *file)
{
    uint64_t tail = file->size < JSONLOG_RECORD_MAX ? file->size : JSONLOG_RECORD_MAX;
    char last;
    if (!tail || (pread(file->fd, &last, 1, (off_t)file->size - 1) == 1 && last == '\n'))
        return 0;
    cleanup_free char *data = mem_alloc(tail);
    if (pread(file->fd, data, tail, (off_t)(file->size - tail)) != (ssize_t)tail)
        return -EIO;
    size_t whole = whole_records(data, tail);
    if (!whole && tail < file->size) {
        if (write(file->fd, "\n", 1) != 1)
            return -EIO;
        file->size++;
        return 0;
    }
    file->size -= tail - whole;
    return ftruncate(file->fd, (off_t)file->size) < 0 ? -errno : 0;
}

/* flags: O_CREAT where it may be made. */
static int open_current(struct log_files *files, struct log_file *file, const char *id, int flags)
{
    if (file->fd >= 0) {
        touch(files, file);
        return 0;
    }
    if (files->open_count >= LOG_FILES_OPEN)
        log_file_close(files, container_of(files->open.next, struct log_file, link));
    char path[PATH_MAX_HERE];
    path_of(path, id, 0);
    int fd = file_openat2(files->containers_fd, path, O_RDWR | O_APPEND | O_NOFOLLOW | O_NOCTTY | flags,
                          flags & O_CREAT ? 0640 : 0, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
    if (fd < 0)
        return fd;
    struct stat st;
    int r = fstat(fd, &st) < 0 ? -errno : S_ISREG(st.st_mode) ? 0 : -EINVAL;
    if (r < 0) {
        (void)close(fd);
        return r;
    }
    file->fd = fd;
    file->size = (uint64_t)st.st_size;
    file->inode = st.st_ino;
    files->open_count++;
    touch(files, file);
    r = cut_torn(file);
    if (r < 0)
        log_file_close(files, file);
    return r;
}

int log_file_open(struct log_files *files, struct log_file *file, const char *id)
{
    return open_current(files, file, id, O_CREAT);
}

/* --- Writing ------------------------------------------------------------------------------------------------------ */

int log_file_append(struct log_files *files, struct log_file *file, const char *id, const char *data, size_t size,
                    size_t *ret_kept)
{
    *ret_kept = 0;
    int r = log_file_open(files, file, id);
    if (r < 0)
        return r;
    size_t done = 0;
    while (done < size) {
        ssize_t n = write(file->fd, data + done, size - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            r = n < 0 ? -errno : -EIO;
            break;
        }
        done += (size_t)n;
    }
    *ret_kept = whole_records(data, done);
    file->size += *ret_kept;
    if (*ret_kept < done && ftruncate(file->fd, (off_t)file->size) < 0)
        log_file_close(files, file); /* opened again, it is mended */
    return r;
}

int log_file_rotate(struct log_files *files, struct log_file *file, const char *id)
{
    char from[PATH_MAX_HERE], to[PATH_MAX_HERE];
    int folder = files->containers_fd;
    for (unsigned i = file->max_files - 1; i >= 1; i--) {
        path_of(from, id, i - 1);
        path_of(to, id, i);
        if (renameat(folder, from, folder, to) < 0 && errno != ENOENT)
            return -errno;
    }
    /* Readers that have the only file open read it to its end. */
    path_of(from, id, 0);
    if (file->max_files == 1 && unlinkat(folder, from, 0) < 0 && errno != ENOENT)
        return -errno;
    log_file_close(files, file);
    return log_file_open(files, file, id);
}

/* --- After an interruption
 * ------------------------------------------------------------------------------------------------------- */

static int count_records(const struct log_file *file, uint64_t offset, size_t *ret)
{
    char data[4096];
    ssize_t n;
    *ret = 0;
    for (; (n = pread(file->fd, data, sizeof(data), (off_t)offset)) > 0; offset += (uint64_t)n)
        for (ssize_t i = 0; i < n; i++)
            *ret += data[i] == '\n';
    return n < 0 ? -errno : 0;
}

int log_file_mend(struct log_files *files, struct log_file *file, const char *id, uint64_t inode, uint64_t offset,
                  size_t *ret_records)
{
    *ret_records = 0;
    int r = open_current(files, file, id, 0);
    if (r < 0)
        return r == -ENOENT ? 0 : r;
    return file->inode == inode && offset <= file->size ? count_records(file, offset, ret_records) : 0;
}
