/*
 * The job "copy-up": the first content of a volume. Request: layers (absolute paths, the uppermost first), path (in the
 * image), to (a folder). What the image does not have, and a volume that is not empty, are no errors: nothing is
 * copied. What an earlier job was cut short in (image/filling.h) is removed first, and without a path that is all.
 */
#include "base/str.h"
#include "base/vec.h"
#include "image/beneath.h"
#include "image/config.h"
#include "image/confine.h"
#include "image/filling.h"
#include "image/tree_copy.h"
#include "image/work.h"
#include "sys/capabilities.h"
#include "sys/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

#define COPY_CAPABILITIES                                                                                              \
    (CAPABILITY(CAP_CHOWN) | CAPABILITY(CAP_DAC_OVERRIDE) | CAPABILITY(CAP_DAC_READ_SEARCH) | CAPABILITY(CAP_FOWNER) | \
     CAPABILITY(CAP_FSETID) | CAPABILITY(CAP_MKNOD) | CAPABILITY(CAP_SETFCAP))

/* overlay takes its options in one page: names relative to the folder that all layers are in. */
#define OPTIONS_MAX 4000

/* A name beneath folder (its length), or NULL. */
static const char *layer_name(const char *path, size_t folder)
{
    return path && strlen(path) > folder + 1 && path[folder] == '/' && !strchr(path + folder + 1, '/')
               ? path + folder + 1
               : NULL;
}

/* Mounts the layers over each other on folder, in a mount namespace that ends with this process. */
static int mount_layers(const json_value *layers, const char *folder, struct err *err)
{
    struct buf options cleanup(buf_done) = BUF(OPTIONS_MAX);
    buf_adds(&options, "lowerdir=");
    for (size_t i = 0; i < json_count(layers); i++) {
        const char *path = json_as_text(json_at(layers, i)), *name = layer_name(path, strlen(folder));
        if (!name || strncmp(path, folder, strlen(folder)) != 0 || strpbrk(name, ",:\\"))
            return err_set(err, ERR_INVALID, "layers[%zu]: expected a folder in %s", i, folder);
        buf_printf(&options, "%s%s", i ? ":" : "", name);
    }
    if (buf_failed(&options))
        return err_set(err, ERR_LIMIT, "too many layers: %zu", json_count(layers));
    if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        return err_errno(err, errno, "cannot make a mount namespace");
    if (chdir(folder) < 0 ||
        mount("overlay", "/proc", "overlay", MS_RDONLY | MS_NODEV | MS_NOSUID, buf_str(&options)) < 0)
        return err_errno(err, errno, "cannot mount the image's layers");
    int fd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? err_errno(err, errno, "cannot open the image's root") : fd;
}

/* The image's root as a descriptor. One layer needs no mount, and overlay takes no single one. */
static int open_root(const json_value *layers, struct err *err)
{
    char folder[PATH_MAX];
    const char *first = json_as_text(json_at(layers, 0));
    const char *slash = first && first[0] == '/' ? strrchr(first, '/') : NULL;
    if (!slash || slash == first || (size_t)(slash - first) >= sizeof(folder) || json_count(layers) > IMAGE_LAYERS_MAX)
        return err_set(err, ERR_INVALID, "layers: expected absolute paths of folders");
    memcpy(folder, first, (size_t)(slash - first));
    folder[slash - first] = '\0';
    if (json_count(layers) > 1)
        return mount_layers(layers, folder, err);
    int fd = open(first, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? err_errno(err, errno, "cannot open %s", first) : fd;
}

static bool is_empty(int folder)
{
    cleanup_fd int again = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cleanup_dir DIR *dir = again < 0 ? NULL : fdopendir(again);
    if (!dir)
        return false;
    (void)take_fd(&again);
    struct dirent *entry;
    while ((entry = readdir(dir)))
        if (!str_eq(entry->d_name, ".") && !str_eq(entry->d_name, ".."))
            return false;
    return true;
}

/* Leaves the volume as empty as it was, so that the next start tries again. */
static int undo(int to, struct err *err)
{
    cleanup_fd int again = openat(to, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cleanup_dir DIR *dir = again < 0 ? NULL : fdopendir(again);
    if (!dir)
        return err_errno(err, errno, "cannot read the volume");
    (void)take_fd(&again);
    struct dirent *entry;
    while ((entry = readdir(dir)))
        if (!str_eq(entry->d_name, ".") && !str_eq(entry->d_name, "..") && tree_remove(to, entry->d_name, err) < 0)
            return -1;
    return 0;
}

static int copy(int root, const char *path, struct filling *filling, struct err *err)
{
    struct err ignored;
    cleanup_fd int from = file_open_in_root(root, path, O_RDONLY | O_DIRECTORY, 0);
    if (from == -ENOENT || from == -ENOTDIR)
        return 0;
    if (from < 0)
        return err_errno(err, from, "cannot open \"%s\" of the image", path);
    if (is_empty(from))
        return tree_copy(from, filling->folder, err); /* owner, mode and times */
    if (filling_begin(filling, err) < 0)
        return -1;
    if (tree_copy(from, filling->folder, err) < 0) {
        (void)(undo(filling->folder, &ignored) < 0 || filling_end(filling, &ignored) < 0);
        return -1;
    }
    return filling_end(filling, err);
}

static int fill(struct work *work, struct filling *filling, struct err *err)
{
    const json_value *layers = json_get(work->request, "layers");
    const char *path = work_text(work, "path");
    if (filling_was_cut(filling) && (undo(filling->folder, err) < 0 || filling_end(filling, err) < 0))
        return -1;
    if (!path || json_count(layers) == 0 || !is_empty(filling->folder))
        return 0;
    cleanup_fd int root = open_root(layers, err);
    if (root < 0 || confine_capabilities(COPY_CAPABILITIES, err) < 0 || confine_calls(true, err) < 0)
        return -1;
    return copy(root, path, filling, err);
}

int work_copy_up(struct work *work, struct err *err)
{
    struct filling filling cleanup(filling_done) = FILLING;
    const char *to;
    if (work_need_text(work, "to", &to, err) < 0 || filling_open(&filling, to, err) < 0)
        return -1;
    return fill(work, &filling, err);
}
