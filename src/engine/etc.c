#include "engine/etc.h"

#include "engine/endpoints.h"
#include "engine/private.h"

#include "base/log.h"
#include "base/str.h"
#include "codec/digest.h"
#include "sys/files.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#define LAYERS   "etc" /* DATA/etc/DIGEST */
#define ETC_MODE 0755

void etc_files(struct container *c, const struct container_spec *spec, struct arena *arena,
               struct etc_file ret[ETC_FILES])
{
    ret[0] = (struct etc_file){"/etc/hosts", endpoints_hosts_file(c, spec, arena)};
    ret[1] = (struct etc_file){"/etc/resolv.conf", endpoints_resolv_file(c, spec, arena)};
    ret[2] = (struct etc_file){"/etc/hostname", NULL};
    if (!str_empty(spec->hostname))
        ret[2].text = arena_printf(arena, "%s\n", spec->hostname);
}

/* --- Into a root */

static int make_parents(int root, const char *path, struct err *err)
{
    char *copy cleanup(freep) = mem_strdup(path);
    for (char *slash = strchr(copy + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        cleanup_fd int have = file_open_in_root(root, copy, O_PATH | O_DIRECTORY, 0);
        char *last = strrchr(copy, '/');
        if (have < 0) {
            char *parent_path cleanup(freep) =
                last == copy ? mem_strdup("/") : mem_strndup(copy, (size_t)(last - copy));
            cleanup_fd int parent = file_open_in_root(root, parent_path, O_PATH | O_DIRECTORY, 0);
            if (parent < 0 || mkdirat(parent, last + 1, ETC_MODE) < 0)
                return err_errno(err, parent < 0 ? -parent : errno, "cannot make %s in the container's root", copy);
        }
        *slash = '/';
    }
    return 0;
}

static int write_one(int root, const struct etc_file *file, struct err *err)
{
    if (make_parents(root, file->path, err) < 0)
        return -1;
    cleanup_fd int fd = file_open_in_root(root, file->path, O_WRONLY | O_CREAT | O_TRUNC | O_NOCTTY | O_NONBLOCK, 0644);
    if (fd < 0)
        return err_errno(err, fd, "cannot write %s in the container's root", file->path);
    struct stat st;
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
        return err_set(err, ERR_INVALID, "%s in the image is no regular file", file->path);
    int r = file_write_all(fd, file->text, strlen(file->text));
    return r < 0 ? err_errno(err, r, "cannot write %s in the container's root", file->path) : 0;
}

int etc_write(int root, const struct etc_file files[ETC_FILES], struct err *err)
{
    for (size_t i = 0; i < ETC_FILES; i++)
        if (files[i].text && write_one(root, &files[i], err) < 0)
            return -1;
    return 0;
}

/* --- Into a layer */

/* Laid on the image's /etc, that of our layer says what the folder is: the image's must be the same, or missing. */
static bool is_plain(const struct strings *image_layers, struct arena *arena)
{
    bool found = false;
    struct stat st;
    vec_foreach (layer, image_layers) {
        if (lstat(arena_printf(arena, "%s/etc", *layer), &st) < 0)
            continue;
        if (!S_ISDIR(st.st_mode))
            return false;
        if (!found && (st.st_uid || st.st_gid || (st.st_mode & 07777) != ETC_MODE))
            return false;
        found = true;
    }
    return true;
}

static void digest_of_files(const struct etc_file files[ETC_FILES], char digest[DIGEST_SIZE])
{
    struct hasher hasher cleanup(hasher_done) = {0};
    hasher_init(&hasher, DIGEST_SHA256);
    for (size_t i = 0; i < ETC_FILES; i++) {
        const char *text = files[i].text ? files[i].text : "";
        hasher_add(&hasher, text, strlen(text) + 1);
    }
    hasher_finish(&hasher, digest);
}

/* Made beside its place and renamed: what has the name is whole. */
static int make_layer(const char *path, const struct etc_file files[ETC_FILES], struct arena *arena, struct err *err)
{
    const char *partial = arena_printf(arena, "%s.partial", path);
    if (mkdir(partial, ETC_MODE) < 0 && errno != EEXIST)
        return err_errno(err, errno, "cannot make the folder %s", partial);
    cleanup_fd int fd = open(partial, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return err_errno(err, errno, "cannot open the folder %s", partial);
    if (etc_write(fd, files, err) < 0)
        return -1;
    return rename(partial, path) < 0 ? err_errno(err, errno, "cannot make the folder %s", path) : 0;
}

int etc_layer(struct container *c, const struct container_spec *spec, const struct strings *image_layers,
              struct arena *arena, const char **ret, struct err *err)
{
    struct etc_file files[ETC_FILES];
    char digest[DIGEST_SIZE];
    *ret = NULL;
    if (!str_eq(c->outline.network_mode, "host") || !is_plain(image_layers, arena))
        return 0;
    etc_files(c, spec, arena, files);
    digest_of_files(files, digest);
    const char *folder = arena_printf(arena, "%s/" LAYERS, c->engine->data_dir);
    const char *path = arena_printf(arena, "%s/%.32s", folder, digest_hex(digest));
    if (mkdir(folder, ETC_MODE) < 0 && errno != EEXIST)
        return err_errno(err, errno, "cannot make the folder %s", folder);
    if (access(path, F_OK) < 0 && make_layer(path, files, arena, err) < 0)
        return -1;
    *ret = path;
    return 0;
}

void etc_clean(struct engine *engine)
{
    struct err err;
    char *path cleanup(freep) = mem_printf("%s/" LAYERS, engine->data_dir);
    if (list_empty(&engine->containers) && images_discard(engine->images, path, &err) < 0)
        log_warning("%s", err.message);
}
