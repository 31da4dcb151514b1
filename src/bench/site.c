#include "bench/site.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "sys/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#define FILE_MAX ((size_t)4 * 1024 * 1024)
#define CHUNK    ((size_t)64 * 1024)

static int read_whole(int fd, const char *name, struct buf *ret, struct err *err)
{
    ssize_t n = 1;
    while (n > 0) {
        char *room = buf_reserve(ret, CHUNK);
        if (!room)
            return err_set(err, ERR_LIMIT, "%s of a container is larger than %zu bytes", name, ret->max);
        n = read(fd, room, CHUNK);
        if (n > 0)
            buf_claim(ret, (size_t)n);
    }
    return n < 0 ? err_errno(err, errno, "cannot read %s of a container", name) : 0;
}

static int write_whole(const char *path, mode_t mode, const struct buf *content, struct err *err)
{
    cleanup_fd int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    int failed = fd < 0 ? -errno : file_write_all(fd, content->data, content->size);
    return failed < 0 ? err_errno(err, failed, "cannot write %s", path) : 0;
}

static int copy_program(pid_t pid, struct site *site, struct err *err)
{
    struct buf content cleanup(buf_done) = BUF(FILE_MAX);
    char path[64];
    (void)snprintf(path, sizeof(path), "/proc/%d/exe", pid);
    cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_errno(err, errno, "cannot open the program of a container (%s)", path);
    return read_whole(fd, "the program", &content, err) < 0 ? -1 : write_whole(site->program, 0755, &content, err);
}

static int copy_file(int www, const char *name, struct site *site, struct err *err)
{
    char path[sizeof(site->www) + sizeof(site->files[0].name)];
    struct site_file *file = &site->files[site->file_count];
    file->content = BUF(FILE_MAX);
    site->file_count++;
    (void)snprintf(file->name, sizeof(file->name), "%s", name);
    (void)snprintf(path, sizeof(path), "%s/%s", site->www, name);
    cleanup_fd int fd = openat(www, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return err_errno(err, errno, "cannot open %s of a container", name);
    return read_whole(fd, name, &file->content, err) < 0 ? -1 : write_whole(path, 0644, &file->content, err);
}

static int copy_files(pid_t pid, struct site *site, struct err *err)
{
    char path[64];
    (void)snprintf(path, sizeof(path), "/proc/%d/root/www", pid);
    cleanup_dir DIR *folder = opendir(path);
    if (!folder)
        return err_errno(err, errno, "cannot open what a container serves (%s)", path);
    const struct dirent *entry;
    struct stat st;
    while ((entry = readdir(folder)) && site->file_count < SITE_FILES_MAX) /* NOLINT(concurrency-mt-unsafe) */
        if (fstatat(dirfd(folder), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
            copy_file(dirfd(folder), entry->d_name, site, err) < 0)
            return -1;
    return site->file_count ? 0 : err_set(err, ERR_NOT_FOUND, "a container of the image serves no file of /www");
}

int site_copy(pid_t pid, struct site *ret, struct err *err)
{
    const char *parent = getenv("TMPDIR");
    parent = str_empty(parent) ? "/tmp" : parent;
    *ret = (struct site){0};
    int size = snprintf(ret->folder, sizeof(ret->folder), "%s/shoal-bench-XXXXXX", parent);
    if (size >= (int)sizeof(ret->folder) || !mkdtemp(ret->folder)) {
        ret->folder[0] = '\0';
        return err_errno(err, errno, "cannot make a folder in %s", parent);
    }
    (void)snprintf(ret->program, sizeof(ret->program), "%s/nano-httpd", ret->folder);
    (void)snprintf(ret->www, sizeof(ret->www), "%s/www", ret->folder);
    if (mkdir(ret->www, 0755) < 0)
        return err_errno(err, errno, "cannot make %s", ret->www);
    return copy_program(pid, ret, err) < 0 || copy_files(pid, ret, err) < 0 ? -1 : 0;
}

void site_done(struct site *site)
{
    char path[sizeof(site->www) + sizeof(site->files[0].name)];
    for (size_t i = 0; i < site->file_count; i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", site->www, site->files[i].name);
        (void)unlink(path);
        buf_done(&site->files[i].content);
    }
    if (!*site->folder)
        return;
    (void)unlink(site->program);
    (void)rmdir(site->www);
    (void)rmdir(site->folder);
    site->folder[0] = '\0';
}
