#include "image/unpack_entry.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "sys/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#define WHITEOUT_PREFIX  ".wh."
#define WHITEOUT_META    ".wh..wh."
#define WHITEOUT_OPAQUE  ".wh..wh..opq"
#define PATH_BYTES_MAX   ((size_t)512 << 20)
#define HOLE_BLOCK       ((size_t)4096)
#define XATTR_VALUE_MAX  ((size_t)64 * 1024)
#define XATTR_CAPABILITY "security.capability"

/* The nodes that Docker lets every container have; any other in an image is left out. */
static const struct {
    unsigned major, minor;
} harmless_devices[] = {{1, 3}, {1, 5}, {1, 7}, {1, 8}, {1, 9}, {5, 0}, {5, 1}, {5, 2}};

/* --- Sets of paths ------------------------------------------------------------------------------------------------ */

static void remember(struct unpack *u, const char *path)
{
    u->path_bytes += strlen(path) + 64;
}

static void mark_opaque(struct unpack *u, const char *path)
{
    map_put(&u->opaque, path, u);
    remember(u, path);
}

/* --- What stands in the way --------------------------------------------------------------------------------------- */

/*
 * Makes room for a new entry; *ret_whiteout: the name was whited out before, which the new entry must go on doing.
 * keep_folder: a folder may stay, and then 1 is returned.
 */
static int make_room(struct unpack *u, int *parent, const char *name, const char *path, bool keep_folder,
                     bool *ret_whiteout, struct err *err)
{
    struct stat st;
    *ret_whiteout = false;
    if (fstatat(*parent, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? 0 : err_errno(err, errno, "cannot look at \"%s\"", path);
    if (keep_folder && S_ISDIR(st.st_mode))
        return 1;
    if (beneath_is_whiteout(*parent, name)) {
        *ret_whiteout = true;
        return unlinkat(*parent, name, 0) < 0 ? err_errno(err, errno, "cannot replace \"%s\"", path) : 0;
    }
    u->result->replaced = true;
    if (tree_remove(*parent, name, err) < 0)
        return -1;
    beneath_forget(&u->beneath);
    *parent = beneath_parent(&u->beneath, path, &name, err);
    return *parent < 0 ? -1 : 0;
}

/* --- Attributes --------------------------------------------------------------------------------------------------- */

static bool xattr_is_kept(const struct unpack *u, const char *name)
{
    if (str_eq(name, XATTR_CAPABILITY))
        return u->options->owners;
    return str_starts(name, "user.") && !str_starts(name, "user.overlay.");
}

static int set_xattrs(struct unpack *u, int fd, struct archive_entry *entry, const char *path, struct err *err)
{
    const char *name;
    const void *value;
    size_t size;
    (void)archive_entry_xattr_reset(entry);
    while (archive_entry_xattr_next(entry, &name, &value, &size) == ARCHIVE_OK) {
        if (!xattr_is_kept(u, name) || size > XATTR_VALUE_MAX) {
            unpack_warn(u, "%s: the attribute %s was left out", path, name);
        } else if (fsetxattr(fd, name, value, size, 0) < 0) {
            if (errno != ENOTSUP && errno != EPERM)
                return err_errno(err, errno, "cannot set %s of \"%s\"", name, path);
            unpack_warn(u, "%s: the attribute %s was left out: the file system does not take it", path, name);
        }
    }
    return 0;
}

static struct timespec mtime_of(struct archive_entry *entry)
{
    if (!archive_entry_mtime_is_set(entry))
        return (struct timespec){0};
    return (struct timespec){archive_entry_mtime(entry), archive_entry_mtime_nsec(entry)};
}

static int attributes_failed(const char *path, struct err *err)
{
    return err_errno(err, errno, "cannot set owner, mode or time of \"%s\"", path);
}

/* Owner, mode, attributes, time, in this order: chown clears set-uid bits and capabilities. */
static int set_open_attributes(struct unpack *u, int fd, struct archive_entry *entry, const char *path, bool folder,
                               struct err *err)
{
    struct timespec times[2] = {mtime_of(entry), mtime_of(entry)};
    if (u->options->owners && fchown(fd, (uid_t)archive_entry_uid(entry), (gid_t)archive_entry_gid(entry)) < 0)
        return attributes_failed(path, err);
    if (fchmod(fd, archive_entry_perm(entry) & 07777) < 0)
        return attributes_failed(path, err);
    if (set_xattrs(u, fd, entry, path, err) < 0)
        return -1;
    return !folder && futimens(fd, times) < 0 ? attributes_failed(path, err) : 0;
}

/* The same for what is not opened: links and special files, whose mode mknod has set. */
static int set_named_attributes(struct unpack *u, int parent, const char *name, struct archive_entry *entry,
                                const char *path, struct err *err)
{
    struct timespec times[2] = {mtime_of(entry), mtime_of(entry)};
    if (archive_entry_xattr_count(entry) > 0)
        unpack_warn(u, "%s: its attributes were left out: it is no file and no folder", path);
    if (u->options->owners && fchownat(parent, name, (uid_t)archive_entry_uid(entry), (gid_t)archive_entry_gid(entry),
                                       AT_SYMLINK_NOFOLLOW) < 0)
        return attributes_failed(path, err);
    if (utimensat(parent, name, times, AT_SYMLINK_NOFOLLOW) < 0)
        return attributes_failed(path, err);
    return 0;
}

/* --- Folders ------------------------------------------------------------------------------------------------------ */

static void remember_time(struct unpack *u, const char *path, struct archive_entry *entry)
{
    struct arena *arena = u->result->arena;
    vec_push_in(arena, &u->times, (struct folder_time){arena_strdup(arena, path), mtime_of(entry)});
    remember(u, path);
}

static int make_folder(struct unpack *u, int parent, const char *name, struct archive_entry *entry, const char *path,
                       struct err *err)
{
    bool whiteout = false;
    int there = *path ? make_room(u, &parent, name, path, true, &whiteout, err) : 1;
    if (there < 0)
        return -1;
    if (there == 0 && mkdirat(parent, name, 0700) < 0)
        return err_errno(err, errno, "cannot make the folder \"%s\"", path);
    if (whiteout)
        mark_opaque(u, path);
    cleanup_fd int fd = openat(parent, *path ? name : ".", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return err_errno(err, errno, "cannot open the folder \"%s\"", path);
    (void)map_remove(&u->implied, path);
    remember_time(u, path, entry);
    return set_open_attributes(u, fd, entry, path, true, err);
}

int unpack_folder_times(struct unpack *u, struct err *err)
{
    vec_foreach (folder, &u->times) {
        struct timespec times[2] = {folder->mtime, folder->mtime};
        const char *path = *folder->path ? folder->path : ".";
        cleanup_fd int fd = file_open_in_root(u->options->root, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
        if (fd == -ENOENT || fd == -ENOTDIR || fd == -ELOOP)
            continue; /* replaced since */
        if (fd < 0 || futimens(fd, times) < 0)
            return err_errno(err, fd < 0 ? fd : errno, "cannot set the time of \"%s\"", path);
    }
    return 0;
}

/* --- Files -------------------------------------------------------------------------------------------------------- */

static bool is_zero(const char *data, size_t size)
{
    return size > 0 && data[0] == 0 && memcmp(data, data + 1, size - 1) == 0;
}

/* Writes a piece of a new file; blocks of zeroes, and what of them lies in this piece, become holes. */
static int write_piece(int fd, const char *data, size_t size, int64_t offset, const char *path, struct err *err)
{
    while (size > 0) {
        size_t n = HOLE_BLOCK - (size_t)(offset % (int64_t)HOLE_BLOCK);
        if (n > size)
            n = size;
        if (!is_zero(data, n)) {
            while (n < size && !(size - n >= HOLE_BLOCK && is_zero(data + n, HOLE_BLOCK)))
                n += size - n < HOLE_BLOCK ? size - n : HOLE_BLOCK;
            ssize_t written = pwrite(fd, data, n, (off_t)offset);
            if (written <= 0)
                return err_errno(err, written < 0 ? errno : ENOSPC, "cannot write \"%s\"", path);
            n = (size_t)written;
        }
        data += n;
        size -= n;
        offset += (int64_t)n;
    }
    return 0;
}

static int write_contents(struct unpack *u, int fd, int64_t size, const char *path, struct err *err)
{
    const void *data;
    size_t n;
    la_int64_t offset;
    int r;
    while ((r = archive_read_data_block(u->archive, &data, &n, &offset)) == ARCHIVE_OK) {
        if (offset < 0 || offset > size || (int64_t)n > size - offset)
            return err_set(err, ERR_INVALID, "\"%s\" has contents beyond its size", path);
        if (n > 0 && unpack_charge(u, (int64_t)n, err) < 0)
            return -1;
        if (write_piece(fd, data, n, offset, path, err) < 0)
            return -1;
    }
    if (r != ARCHIVE_EOF)
        return err_set(err, ERR_INVALID, "the contents of \"%s\" are cut off", path);
    return ftruncate(fd, (off_t)size) < 0 ? err_errno(err, errno, "cannot write \"%s\"", path) : 0;
}

/* Contents that lie in the tar in one piece are left out of the skeleton. */
static int note_contents(struct unpack *u, struct archive_entry *entry, int64_t size, const char *path, struct err *err)
{
    bool sparse = archive_entry_sparse_count(entry) > 0;
    if (!u->skeleton || u->options->whole_skeleton || sparse || size <= 0)
        return 0;
    int64_t position = archive_filter_bytes(u->archive, 0);
    return skeleton_content(u->skeleton, (uint64_t)position, (uint64_t)size, path, err);
}

static int make_file(struct unpack *u, int parent, const char *name, struct archive_entry *entry, const char *path,
                     struct err *err)
{
    bool whiteout;
    int64_t size = archive_entry_size_is_set(entry) ? archive_entry_size(entry) : 0;
    if (size < 0)
        return err_set(err, ERR_INVALID, "\"%s\" has a negative size", path);
    if (make_room(u, &parent, name, path, false, &whiteout, err) < 0)
        return -1;
    cleanup_fd int fd = openat(parent, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_errno(err, errno, "cannot make the file \"%s\"", path);
    if (note_contents(u, entry, size, path, err) < 0 || write_contents(u, fd, size, path, err) < 0)
        return -1;
    return set_open_attributes(u, fd, entry, path, false, err);
}

/* --- Links and special files -------------------------------------------------------------------------------------- */

static int make_symlink(struct unpack *u, int parent, const char *name, struct archive_entry *entry, const char *path,
                        struct err *err)
{
    bool whiteout;
    const char *target = archive_entry_symlink(entry);
    if (str_empty(target) || strlen(target) >= PATH_MAX)
        return err_set(err, ERR_INVALID, "the symbolic link \"%s\" has no target, or too long a one", path);
    if (make_room(u, &parent, name, path, false, &whiteout, err) < 0)
        return -1;
    if (symlinkat(target, parent, name) < 0)
        return err_errno(err, errno, "cannot make the symbolic link \"%s\"", path);
    return set_named_attributes(u, parent, name, entry, path, err);
}

static int make_hard_link(struct unpack *u, int parent, const char *name, struct archive_entry *entry, const char *path,
                          struct err *err)
{
    char target[PATH_MAX];
    bool whiteout;
    if (path_clean(archive_entry_hardlink(entry), target, err) < 0)
        return err_wrap(err, "the hard link \"%s\"", path);
    if (str_eq(target, path))
        return 0;
    if (make_room(u, &parent, name, path, false, &whiteout, err) < 0)
        return -1;
    char above[PATH_MAX];
    char *slash = strrchr(target, '/');
    const char *target_name = slash ? slash + 1 : target;
    (void)snprintf(above, sizeof(above), "%.*s", slash ? (int)(slash - target) : 1, slash ? target : ".");
    cleanup_fd int there = file_open_in_root(u->options->root, above, O_PATH | O_DIRECTORY, 0);
    int r = there;
    if (r >= 0 && beneath_is_whiteout(there, target_name))
        r = -ENOENT;
    if (r >= 0 && linkat(there, target_name, parent, name, 0) < 0)
        r = -errno;
    return r < 0 ? err_errno(err, r, "cannot make the hard link \"%s\" to \"%s\" of the same layer", path, target) : 0;
}

static bool device_is_harmless(mode_t type, dev_t device)
{
    if (type != S_IFCHR)
        return false;
    for (size_t i = 0; i < ARRAY_SIZE(harmless_devices); i++)
        if (major(device) == harmless_devices[i].major && minor(device) == harmless_devices[i].minor)
            return true;
    return false;
}

static int make_special(struct unpack *u, int parent, const char *name, struct archive_entry *entry, const char *path,
                        struct err *err)
{
    bool whiteout;
    mode_t type = archive_entry_filetype(entry);
    dev_t device = type == S_IFIFO ? 0 : archive_entry_rdev(entry);
    if (type != S_IFIFO && !(u->options->owners && device_is_harmless(type, device))) {
        unpack_warn(u, "%s: the device node %c %u:%u was left out", path, type == S_IFCHR ? 'c' : 'b', major(device),
                    minor(device));
        return 0;
    }
    if (make_room(u, &parent, name, path, false, &whiteout, err) < 0)
        return -1;
    if (mknodat(parent, name, type | (archive_entry_perm(entry) & 0777), device) < 0)
        return err_errno(err, errno, "cannot make the special file \"%s\"", path);
    return set_named_attributes(u, parent, name, entry, path, err);
}

/* --- Whiteouts (layer.md, "Whiteouts") ---------------------------------------------------------------------------- */

/* ".wh.NAME" hides NAME of the layers beneath, never what this layer itself brings. */
static int make_whiteout(struct unpack *u, int parent, const char *name, const char *path, struct err *err)
{
    struct stat st;
    const char *hidden = name + strlen(WHITEOUT_PREFIX);
    if (str_empty(hidden) || str_eq(hidden, ".") || str_eq(hidden, ".."))
        return err_set(err, ERR_INVALID, "the whiteout \"%s\" names nothing", path);
    if (fstatat(parent, hidden, &st, AT_SYMLINK_NOFOLLOW) == 0) {
        char folder[PATH_MAX];
        (void)snprintf(folder, sizeof(folder), "%.*s%s", (int)(name - path), path, hidden);
        if (S_ISDIR(st.st_mode))
            mark_opaque(u, folder);
        return 0;
    }
    if (mknodat(parent, hidden, S_IFCHR, makedev(0, 0)) < 0)
        return err_errno(err, errno, "cannot make the whiteout \"%s\"", path);
    return 0;
}

/* 1: name is a whiteout and has been dealt with. */
static int take_whiteout(struct unpack *u, int parent, const char *name, const char *path, struct err *err)
{
    if (!str_starts(name, WHITEOUT_PREFIX))
        return 0;
    if (str_eq(name, WHITEOUT_OPAQUE)) {
        char folder[PATH_MAX];
        size_t n = (size_t)(name - path);
        (void)snprintf(folder, sizeof(folder), "%.*s", (int)(n ? n - 1 : 0), path);
        mark_opaque(u, folder);
        return 1;
    }
    if (str_starts(name, WHITEOUT_META))
        return 1; /* aufs's own notes */
    return make_whiteout(u, parent, name, path, err) < 0 ? -1 : 1;
}

/* --- One entry ---------------------------------------------------------------------------------------------------- */

static int make_entry(struct unpack *u, int parent, const char *name, struct archive_entry *entry, const char *path,
                      struct err *err)
{
    if (archive_entry_hardlink(entry))
        return make_hard_link(u, parent, name, entry, path, err);
    switch (archive_entry_filetype(entry)) {
    case S_IFREG:
        return make_file(u, parent, name, entry, path, err);
    case S_IFDIR:
        return make_folder(u, parent, name, entry, path, err);
    case S_IFLNK:
        return make_symlink(u, parent, name, entry, path, err);
    case S_IFCHR:
    case S_IFBLK:
    case S_IFIFO:
        return make_special(u, parent, name, entry, path, err);
    default:
        unpack_warn(u, "%s: an entry of unknown type was left out", path);
        return 0;
    }
}

static int check_owner(struct archive_entry *entry, const char *path, struct err *err)
{
    int64_t uid = archive_entry_uid(entry), gid = archive_entry_gid(entry);
    if (uid < 0 || uid >= UINT32_MAX || gid < 0 || gid >= UINT32_MAX)
        return err_set(err, ERR_INVALID, "\"%s\" has no possible owner: %lld:%lld", path, (long long)uid,
                       (long long)gid);
    return 0;
}

int unpack_entry(struct unpack *u, struct archive_entry *entry, struct err *err)
{
    char path[PATH_MAX];
    const char *name;
    const char *raw = archive_entry_pathname(entry);
    if (!raw)
        return err_set(err, ERR_INVALID, "broken tar: an entry without a name");
    if (path_clean(raw, path, err) < 0 || check_owner(entry, path, err) < 0)
        return -1;
    if (u->path_bytes > PATH_BYTES_MAX)
        return err_set(err, ERR_LIMIT, "the layer has too many folders to remember");
    if (!*path) {
        if (archive_entry_filetype(entry) != S_IFDIR)
            return err_set(err, ERR_INVALID, "the tar's root is no folder");
        return make_folder(u, u->options->root, "", entry, path, err);
    }
    int parent = beneath_parent(&u->beneath, path, &name, err);
    if (parent < 0)
        return -1;
    int r = take_whiteout(u, parent, name, path, err);
    return r != 0 ? r : make_entry(u, parent, name, entry, path, err);
}
