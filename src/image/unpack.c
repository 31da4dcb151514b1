#include "image/unpack.h"

#include "image/unpack_entry.h"

#include <errno.h>
#include <stdio.h>
#include <sys/statvfs.h>

#define BLOCK_SIZE    ((size_t)128 * 1024)
#define MAX_BYTES     ((int64_t)256 << 30)
#define MAX_ENTRIES   ((int64_t)4000000)
#define CHECK_EVERY   ((int64_t)8 << 20)
#define ENTRY_CHARGE  4096 /* what an entry costs the disk besides its contents, roughly */
#define INODE_RESERVE 2000
/* From this size on, more than so many bytes out of one are no layer but an attack. */
#define RATIO_FROM ((int64_t)1 << 30)
#define RATIO_MAX  2000

void unpack_warn(struct unpack *u, const char *format, ...)
{
    struct unpack_result *result = u->result;
    if (result->warnings.count >= UNPACK_WARNINGS_MAX)
        return;
    va_list args;
    va_start(args, format);
    char *text = arena_vprintf(result->arena, format, args);
    va_end(args);
    if (result->warnings.count == UNPACK_WARNINGS_MAX - 1)
        text = arena_strdup(result->arena, "… and more of the kind");
    vec_push_in(result->arena, &result->warnings, text);
}

/* --- Budgets ------------------------------------------------------------------------------------------------------ */

static int check_space(struct unpack *u, struct err *err)
{
    struct statvfs fs;
    u->unchecked = 0;
    if (fstatvfs(u->options->root, &fs) < 0)
        return err_errno(err, errno, "cannot ask for the free space");
    int64_t available = (int64_t)fs.f_bavail * (int64_t)fs.f_frsize;
    if (available < u->options->reserve_bytes)
        return err_set(err, ERR_NO_SPACE, "the disk is full: %lld MiB are left, and %lld MiB are kept free",
                       (long long)(available >> 20), (long long)(u->options->reserve_bytes >> 20));
    if (u->options->reserve_bytes > 0 && fs.f_files > 0 && fs.f_favail < INODE_RESERVE)
        return err_set(err, ERR_NO_SPACE, "the disk has hardly a free inode left: %llu",
                       (unsigned long long)fs.f_favail);
    return 0;
}

int unpack_charge(struct unpack *u, int64_t size, struct err *err)
{
    const struct unpack_options *o = u->options;
    struct unpack_result *result = u->result;
    int64_t max_bytes = o->max_bytes ? o->max_bytes : MAX_BYTES;
    int64_t max_entries = o->max_entries ? o->max_entries : MAX_ENTRIES;
    if (size > 0)
        result->size += size;
    else
        result->entries++;
    if (result->size > max_bytes)
        return err_set(err, ERR_LIMIT, "the layer has more than %lld bytes in its files", (long long)max_bytes);
    if (result->entries > max_entries)
        return err_set(err, ERR_LIMIT, "the layer has more than %lld entries", (long long)max_entries);
    u->unchecked += size > 0 ? size : ENTRY_CHARGE;
    return u->unchecked >= CHECK_EVERY ? check_space(u, err) : 0;
}

/* --- Reading the tar ---------------------------------------------------------------------------------------------- */

/* The next bytes of the tar, hashed and shown to the skeleton. 0 at the end. */
static ssize_t next_block(struct unpack *u, struct err *err)
{
    const struct unpack_options *o = u->options;
    ssize_t n = inflate_read(u->inflate, u->block, BLOCK_SIZE, err);
    if (n <= 0)
        return n;
    hasher_add(&u->hasher, u->block, (size_t)n);
    int64_t total = u->result->tar_size += n;
    if (o->progress)
        *o->progress = inflate_consumed(u->inflate);
    if (total > (o->max_bytes ? o->max_bytes : MAX_BYTES))
        return err_set(err, ERR_LIMIT, "the layer's tar has more than %lld bytes",
                       (long long)(o->max_bytes ? o->max_bytes : MAX_BYTES));
    if (o->compressed_size > 0 && total > RATIO_FROM && total / RATIO_MAX > o->compressed_size)
        return err_set(err, ERR_LIMIT, "%lld compressed bytes become more than %lld: that is no layer",
                       (long long)o->compressed_size, (long long)total);
    if (u->skeleton && skeleton_add(u->skeleton, u->block, (size_t)n, err) < 0)
        return -1;
    return n;
}

static la_ssize_t on_read(struct archive *archive, void *data, const void **ret_block)
{
    struct unpack *u = data;
    ssize_t n = next_block(u, &u->read_err);
    *ret_block = u->block;
    if (n >= 0)
        return n;
    u->read_failed = true;
    archive_set_error(archive, EIO, "%s", u->read_err.message);
    return ARCHIVE_FATAL;
}

/* The error that libarchive ran into, or that our own callback gave it. */
static int archive_failed(const struct unpack *u, struct err *err)
{
    if (u->read_failed) {
        *err = u->read_err;
        return -1;
    }
    const char *why = archive_error_string(u->archive);
    return err_set(err, ERR_INVALID, "broken tar: %s", why ? why : "unknown error");
}

static int unpack_entries(struct unpack *u, struct err *err)
{
    for (;;) {
        struct archive_entry *entry;
        int r = archive_read_next_header(u->archive, &entry);
        if (r == ARCHIVE_EOF)
            return u->read_failed ? archive_failed(u, err) : 0;
        /* ARCHIVE_WARN: in the C locale, names in UTF-8 that it could not convert, and therefore left as they are. */
        if (r != ARCHIVE_OK && r != ARCHIVE_WARN)
            return archive_failed(u, err);
        if (unpack_charge(u, 0, err) < 0)
            return -1;
        if (unpack_entry(u, entry, err) < 0) {
            /* What the archive did not give is the cause of what could not be made. */
            return u->read_failed ? archive_failed(u, err) : -1;
        }
    }
}

/* What follows the tar's end counts for the digest. */
static int read_rest(struct unpack *u, struct err *err)
{
    ssize_t n;
    while ((n = next_block(u, err)) > 0)
        ;
    return (int)n;
}

static void list_set(struct arena *arena, const struct map *set, struct strings *ret)
{
    struct map_entry *item;
    for (size_t i = 0; (item = map_next(set, &i));)
        vec_push_in(arena, ret, arena_strdup(arena, item->key));
}

static int run(struct unpack *u, struct err *err)
{
    static char root_is_implied;
    map_put(&u->implied, "", &root_is_implied);
    if (check_space(u, err) < 0)
        return -1;
    if (archive_read_open(u->archive, u, NULL, on_read, NULL) != ARCHIVE_OK)
        return archive_failed(u, err);
    if (unpack_entries(u, err) < 0 || read_rest(u, err) < 0 || unpack_folder_times(u, err) < 0)
        return -1;
    if (u->skeleton && skeleton_finish(u->skeleton, err) < 0)
        return -1;
    if (check_space(u, err) < 0)
        return -1;
    hasher_finish(&u->hasher, u->result->diff_id);
    list_set(u->result->arena, &u->implied, &u->result->implied);
    list_set(u->result->arena, &u->opaque, &u->result->opaque);
    return 0;
}

static void on_made(void *data, const char *path, bool replaced)
{
    struct unpack *u = data;
    map_put(&u->implied, path, u);
    if (replaced)
        map_put(&u->opaque, path, u);
    u->path_bytes += strlen(path) * 2;
}

int unpack_layer(const struct unpack_options *options, struct unpack_result *result, struct err *err)
{
    struct unpack u = {.options = options,
                       .result = result,
                       .beneath = {.root = options->root, .parent = -1, .made = on_made},
                       .archive = archive_read_new(),
                       .block = mem_alloc(BLOCK_SIZE)};
    u.beneath.data = &u;
    u.inflate = inflate_open(&options->source, err);
    if (options->skeleton >= 0)
        u.skeleton = skeleton_writer_new(options->skeleton);
    hasher_init(&u.hasher, DIGEST_SHA256);
    (void)archive_read_support_format_tar(u.archive);
    (void)archive_read_support_format_empty(u.archive);
    int r = u.inflate ? run(&u, err) : -1;
    (void)archive_read_free(u.archive);
    if (u.inflate)
        inflate_free(u.inflate);
    if (u.skeleton)
        skeleton_writer_free(u.skeleton);
    beneath_forget(&u.beneath);
    hasher_done(&u.hasher);
    map_done(&u.implied);
    map_done(&u.opaque);
    free(u.block);
    return r;
}
