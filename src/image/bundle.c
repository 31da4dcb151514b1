#include "image/bundle.h"

#include "base/mem.h"
#include "base/str.h"
#include "image/beneath.h"
#include "image/spool.h"
#include "sys/files.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/stat.h>

#define FILES_MAX  100000
#define BLOCK_SIZE ((size_t)256 * 1024)
#define LINKS_MAX  4

struct bundle_file {
    int64_t offset, size;
    const char *link; /* the clean path that it stands for, NULL where it is a file itself */
};

/* --- An archive, plain and in a file -------------------------------------------------------------------------------
 */

struct reader {
    int fd;
    char *block;
};

static la_ssize_t on_read(struct archive *archive, void *data, const void **ret_block)
{
    struct reader *r = data;
    ssize_t n = read(r->fd, r->block, BLOCK_SIZE);
    *ret_block = r->block;
    if (n < 0)
        archive_set_error(archive, errno, "%s", strerror(errno));
    return n;
}

/* Only what lies between the contents is read. */
static la_int64_t on_skip(struct archive *archive, void *data, la_int64_t size)
{
    const struct reader *r = data;
    return lseek(r->fd, (off_t)size, SEEK_CUR) < 0 ? 0 : size;
}

/* The path that a link leads to: relative to the link's folder (symbolic) or to the top (hard). */
static const char *link_target(struct bundle *b, const char *path, struct archive_entry *entry)
{
    char joined[2 * PATH_MAX], clean[PATH_MAX];
    struct err err;
    const char *target = archive_entry_hardlink(entry), *slash = strrchr(path, '/');
    if (!target) {
        (void)snprintf(joined, sizeof(joined), "%.*s/%s", slash ? (int)(slash - path) : 0, path,
                       archive_entry_symlink(entry) ? archive_entry_symlink(entry) : "");
        target = joined;
    }
    return path_clean(target, clean, &err) < 0 ? NULL : arena_strdup(&b->arena, clean);
}

static int add_entry(struct bundle *b, struct archive *archive, struct archive_entry *entry, struct err *err)
{
    char path[PATH_MAX];
    const char *raw = archive_entry_pathname(entry);
    if (!raw || path_clean(raw, path, err) < 0)
        return raw ? -1 : err_set(err, ERR_INVALID, "broken archive: an entry without a name");
    bool is_link = archive_entry_hardlink(entry) || archive_entry_filetype(entry) == AE_IFLNK;
    if (!is_link && archive_entry_filetype(entry) != AE_IFREG)
        return 0;
    if (b->files.count >= FILES_MAX)
        return err_set(err, ERR_LIMIT, "the archive has more than %d files", FILES_MAX);
    if (archive_entry_sparse_count(entry) > 0)
        return err_set(err, ERR_UNSUPPORTED, "the archive's file \"%s\" is sparse", path);
    struct bundle_file *file = ARENA_NEW(&b->arena, struct bundle_file);
    file->offset = archive_filter_bytes(archive, 0);
    file->size = archive_entry_size(entry);
    file->link = is_link ? link_target(b, path, entry) : NULL;
    map_put(&b->files, path, file);
    return 0;
}

static int index_archive(struct bundle *b, struct err *err)
{
    cleanup_free char *block = mem_alloc(BLOCK_SIZE);
    struct reader reader = {b->archive, block};
    struct archive *archive = archive_read_new();
    struct archive_entry *entry;
    int r, failed = 0;
    (void)archive_read_support_format_tar(archive);
    r = archive_read_open2(archive, &reader, NULL, on_read, on_skip, NULL);
    while (r >= ARCHIVE_WARN && failed == 0 && (r = archive_read_next_header(archive, &entry)) >= ARCHIVE_WARN &&
           r != ARCHIVE_EOF)
        failed = add_entry(b, archive, entry, err);
    if (failed == 0 && r != ARCHIVE_EOF)
        failed = err_set(err, ERR_INVALID, "this is no image archive: %s", archive_error_string(archive));
    (void)archive_read_free(archive);
    return failed;
}

/* --- Both kinds ----------------------------------------------------------------------------------------------------
 */

int bundle_open(struct bundle *bundle, const char *path, int fd, int staging, int64_t reserve_bytes, struct err *err)
{
    struct stat st;
    *bundle = (struct bundle){.folder = -1, .archive = -1};
    cleanup_fd int own = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (path && (own < 0 || fstat(own, &st) < 0))
        return err_errno(err, errno, "cannot open %s", path);
    if (path && S_ISDIR(st.st_mode)) {
        bundle->folder = take_fd(&own);
        return 0;
    }
    bundle->archive = spool_file(path ? own : fd, true, staging, reserve_bytes, err);
    if (bundle->archive < 0)
        return -1;
    (void)lseek(bundle->archive, 0, SEEK_SET);
    return index_archive(bundle, err);
}

void bundle_close(struct bundle *bundle)
{
    close_fd(&bundle->folder);
    close_fd(&bundle->archive);
    map_done(&bundle->files);
    arena_done(&bundle->arena);
}

static const struct bundle_file *look_up(const struct bundle *b, const char *name)
{
    const struct bundle_file *file = map_get(&b->files, name);
    for (int i = 0; file && file->link && i < LINKS_MAX; i++)
        file = map_get(&b->files, file->link);
    return file && !file->link ? file : NULL;
}

static int open_in_folder(const struct bundle *b, const char *name)
{
    return file_openat2(b->folder, name, O_RDONLY | O_NONBLOCK, 0, RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS);
}

bool bundle_has(const struct bundle *bundle, const char *name)
{
    if (bundle->folder < 0)
        return look_up(bundle, name) != NULL;
    cleanup_fd int fd = open_in_folder(bundle, name);
    return fd >= 0;
}

int bundle_find(struct bundle *bundle, const char *name, struct byte_source *ret, struct err *err)
{
    char clean[PATH_MAX];
    if (path_clean(name, clean, err) < 0)
        return -1;
    if (bundle->folder >= 0) {
        struct stat st;
        cleanup_fd int fd = open_in_folder(bundle, clean);
        if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
            return err_set(err, ERR_INVALID, "the image layout lacks the file \"%s\"", clean);
        *ret = (struct byte_source){.fd = take_fd(&fd), .offset = 0, .left = st.st_size};
        return 0;
    }
    const struct bundle_file *file = look_up(bundle, clean);
    if (!file)
        return err_set(err, ERR_INVALID, "the archive lacks the file \"%s\"", clean);
    *ret = (struct byte_source){.fd = bundle->archive, .offset = file->offset, .left = file->size};
    return 0;
}

void bundle_release(struct bundle *bundle, struct byte_source *source)
{
    if (bundle->folder >= 0)
        close_fd(&source->fd);
}

const char *bundle_read(struct bundle *bundle, const char *name, size_t max, struct arena *arena, size_t *ret_size,
                        struct err *err)
{
    struct byte_source source;
    if (bundle_find(bundle, name, &source, err) < 0)
        return NULL;
    int64_t size = source.left;
    char *text = NULL;
    if (size > (int64_t)max) {
        err_set(err, ERR_LIMIT, "\"%s\" is larger than %zu bytes", name, max);
    } else {
        text = arena_alloc(arena, (size_t)size + 1);
        ssize_t n = byte_source_read(&source, text, (size_t)size, err);
        if (n >= 0 && n < size)
            n = err_set(err, ERR_INVALID, "the archive's file \"%s\" is cut off", name);
        *ret_size = (size_t)size;
        if (n < 0)
            text = NULL;
    }
    bundle_release(bundle, &source);
    return text;
}
