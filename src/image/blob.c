#include "image/blob.h"

#include "base/cleanup.h"
#include "base/id.h"
#include "base/str.h"
#include "codec/digest.h"
#include "sys/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

static const char *blob_path(const char *data_dir, const char *digest, struct arena *arena)
{
    const char *algorithm = digest_algorithm(digest) == DIGEST_SHA512 ? "sha512" : "sha256";
    return arena_printf(arena, "%s/images/blobs/%s/%s", data_dir, algorithm, digest_hex(digest));
}

static int write_file(const char *path, const void *data, size_t size, struct err *err)
{
    cleanup_fd int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_errno(err, errno, "cannot make %s", path);
    int r = file_write_all(fd, data, size);
    if (r == 0 && fsync(fd) < 0)
        r = -errno;
    return r < 0 ? err_errno(err, r, "cannot write %s", path) : 0;
}

static int sync_folder_of(const char *path, struct err *err)
{
    char folder[4096];
    (void)snprintf(folder, sizeof(folder), "%.*s", (int)(strrchr(path, '/') - path), path);
    cleanup_fd int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 || fsync(fd) < 0 ? err_errno(err, errno, "cannot write %s to the disk", folder) : 0;
}

int blob_write(const char *data_dir, const char *digest, const void *data, size_t size, struct err *err)
{
    struct arena arena cleanup(arena_done) = {0};
    struct stat st;
    char random[ID_SIZE];
    const char *path = blob_path(data_dir, digest, &arena);
    if (stat(path, &st) == 0 && st.st_size == (off_t)size)
        return 0;
    id_new(random);
    const char *temporary = arena_printf(&arena, "%s.tmp-%.12s", path, random);
    if (write_file(temporary, data, size, err) < 0) {
        (void)unlink(temporary);
        return -1;
    }
    if (rename(temporary, path) < 0)
        return err_errno(err, errno, "cannot make %s", path);
    return sync_folder_of(path, err);
}

const char *blob_read(const char *data_dir, const char *digest, size_t max, struct arena *arena, size_t *ret_size,
                      struct err *err)
{
    struct stat st;
    const char *path = blob_path(data_dir, digest, arena);
    cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) < 0) {
        err_errno(err, errno, "cannot read %s", path);
        return NULL;
    }
    if (st.st_size > (off_t)max) {
        err_set(err, ERR_LIMIT, "%s is larger than %zu bytes", path, max);
        return NULL;
    }
    char *text = arena_alloc(arena, (size_t)st.st_size + 1);
    ssize_t n = file_read_fd(fd, text, (size_t)st.st_size + 1);
    if (n < 0) {
        err_errno(err, (int)n, "cannot read %s", path);
        return NULL;
    }
    if (!digest_matches(digest, text, (size_t)n)) {
        err_set(err, ERR_INTERNAL, "%s is damaged: its digest is another than its name", path);
        return NULL;
    }
    *ret_size = (size_t)n;
    return text;
}
