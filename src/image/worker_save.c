/*
 * The job "save": an archive as `docker save` of Docker 25 and later writes it: an OCI layout (image-layout.md) with
 * Docker's manifest.json beside it. Request: data_dir, images: [{id, names, layers: [{name, diff_id, tar_size}]}], path
 * or descriptor 3. Layers are made again from their folders and skeletons, and their digests are checked while they are
 * written.
 */
#include "base/map.h"
#include "base/str.h"
#include "codec/reference.h"
#include "image/blob.h"
#include "image/config.h"
#include "image/confine.h"
#include "image/skeleton.h"
#include "image/work.h"
#include "sys/capabilities.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#define DOCUMENT_MAX  ((size_t)4 << 20)
#define TYPE_MANIFEST "application/vnd.oci.image.manifest.v1+json"
#define TYPE_CONFIG   "application/vnd.oci.image.config.v1+json"
#define TYPE_LAYER    "application/vnd.oci.image.layer.v1.tar"

struct saving {
    struct work *work;
    struct archive *archive;
    const char *data_dir;
    struct map written;       /* paths in the archive: shared layers go in once */
    struct buf index, docker; /* index.json and manifest.json in the making */
    struct json_out index_out, docker_out;
    struct hasher hasher; /* of the layer that is being written */
};

/* --- The archive ---------------------------------------------------------------------------------------------------
 */

static int archive_failed(struct saving *s, struct err *err)
{
    int errnum = archive_errno(s->archive);
    return err_errno(err, errnum > 0 ? errnum : EIO, "cannot write the archive");
}

static int begin_file(struct saving *s, const char *path, int64_t size, struct err *err)
{
    struct archive_entry *entry = archive_entry_new();
    archive_entry_set_pathname(entry, path);
    archive_entry_set_size(entry, size);
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_perm(entry, 0644);
    archive_entry_set_mtime(entry, 0, 0);
    int r = archive_write_header(s->archive, entry);
    archive_entry_free(entry);
    return r < ARCHIVE_WARN ? archive_failed(s, err) : 0;
}

static int add_data(struct saving *s, const void *data, size_t size, struct err *err)
{
    la_ssize_t n = archive_write_data(s->archive, data, size);
    if (n == (la_ssize_t)size)
        return 0;
    return n < 0 ? archive_failed(s, err) : err_set(err, ERR_INVALID, "a layer's tar is longer than it was");
}

static int add_file(struct saving *s, const char *path, const void *data, size_t size, struct err *err)
{
    if (map_put(&s->written, path, s))
        return 0;
    return begin_file(s, path, (int64_t)size, err) < 0 ? -1 : add_data(s, data, size, err);
}

static const char *blob_name(struct saving *s, const char *digest)
{
    const char *algorithm = digest_algorithm(digest) == DIGEST_SHA512 ? "sha512" : "sha256";
    return arena_printf(&s->work->arena, "blobs/%s/%s", algorithm, digest_hex(digest));
}

/* --- Layers --------------------------------------------------------------------------------------------------------
 */

static int on_tar(void *data, const void *bytes, size_t size, struct err *err)
{
    struct saving *s = data;
    hasher_add(&s->hasher, bytes, size);
    return add_data(s, bytes, size, err);
}

static int play_layer(struct saving *s, const char *name, const char *diff_id, struct err *err)
{
    struct arena *arena = &s->work->arena;
    char digest[DIGEST_SIZE];
    const char *folder = arena_printf(arena, "%s/layers/%s", s->data_dir, name);
    const char *skeleton = arena_printf(arena, "%s/images/tar/%s.zst", s->data_dir, name);
    cleanup_fd int root = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cleanup_fd int records = open(skeleton, O_RDONLY | O_CLOEXEC);
    if (root < 0 || records < 0)
        return err_errno(err, errno, "cannot open %s", root < 0 ? folder : skeleton);
    hasher_init(&s->hasher, digest_algorithm(diff_id));
    if (skeleton_play(records, root, on_tar, s, err) < 0)
        return err_wrap(err, "the layer %s", name);
    hasher_finish(&s->hasher, digest);
    if (!str_eq(digest, diff_id))
        return err_set(err, ERR_INVALID, "the layer %s was changed: its digest is %s and should be %s", folder, digest,
                       diff_id);
    return 0;
}

static int add_layer(struct saving *s, const json_value *layer, struct err *err)
{
    const char *name = json_get_text(layer, "name"), *diff_id = json_get_text(layer, "diff_id");
    int64_t size = json_as_int(json_get(layer, "tar_size"), -1);
    if (str_empty(name) || strchr(name, '/') || !digest_is_valid(diff_id) || size < 0)
        return err_set(err, ERR_INVALID, "a layer of the request lacks name, diff_id or tar_size");
    const char *path = blob_name(s, diff_id);
    if (map_put(&s->written, path, s))
        return 0;
    return begin_file(s, path, size, err) < 0 ? -1 : play_layer(s, name, diff_id, err);
}

/* --- Documents -----------------------------------------------------------------------------------------------------
 */

static void put_descriptor(struct json_out *out, const char *type, const char *digest, int64_t size)
{
    json_put_object(out);
    json_key_string(out, "mediaType", type);
    json_key_string(out, "digest", digest);
    json_key_int(out, "size", size);
}

static int add_manifest(struct saving *s, const json_value *layers, const char *id, size_t config_size,
                        char digest[DIGEST_SHA256_SIZE], size_t *ret_size, struct err *err)
{
    struct buf text cleanup(buf_done) = BUF(DOCUMENT_MAX);
    struct json_out out = {.buf = &text};
    json_put_object(&out);
    json_key_int(&out, "schemaVersion", 2);
    json_key_string(&out, "mediaType", TYPE_MANIFEST);
    json_key(&out, "config");
    put_descriptor(&out, TYPE_CONFIG, id, (int64_t)config_size);
    json_put_object_end(&out);
    json_key(&out, "layers");
    json_put_array(&out);
    for (size_t i = 0; i < json_count(layers); i++) {
        const json_value *layer = json_at(layers, i);
        put_descriptor(&out, TYPE_LAYER, json_get_text(layer, "diff_id"), json_as_int(json_get(layer, "tar_size"), 0));
        json_put_object_end(&out);
    }
    json_put_array_end(&out);
    json_put_object_end(&out);
    digest_of(buf_str(&text), text.size, digest);
    *ret_size = text.size;
    return add_file(s, blob_name(s, digest), buf_str(&text), text.size, err);
}

/* An image's lines in index.json: one for each name, one without where it has none. */
static int index_image(struct saving *s, const json_value *names, const char *digest, size_t size, struct err *err)
{
    struct json_out *out = &s->index_out;
    size_t count = json_count(names);
    for (size_t i = 0; i < (count ? count : 1); i++) {
        struct reference reference;
        put_descriptor(out, TYPE_MANIFEST, digest, (int64_t)size);
        if (count > 0) {
            if (reference_parse(json_as_text(json_at(names, i)), &reference, err) < 0)
                return -1;
            json_key(out, "annotations");
            json_put_object(out);
            json_key_string(out, "io.containerd.image.name", json_as_text(json_at(names, i)));
            json_key_string(out, "org.opencontainers.image.ref.name", reference.tag);
            json_put_object_end(out);
        }
        json_put_object_end(out);
    }
    return 0;
}

static int list_image(struct saving *s, const json_value *names, const json_value *layers, const char *id,
                      struct err *err)
{
    struct json_out *out = &s->docker_out;
    json_put_object(out);
    json_key_string(out, "Config", blob_name(s, id));
    json_key(out, "RepoTags");
    json_put_array(out);
    for (size_t i = 0; i < json_count(names); i++) {
        struct reference reference;
        char familiar[REFERENCE_MAX];
        if (reference_parse(json_as_text(json_at(names, i)), &reference, err) < 0)
            return -1;
        reference_familiar(&reference, familiar);
        json_put_string(out, familiar);
    }
    json_put_array_end(out);
    json_key(out, "Layers");
    json_put_array(out);
    for (size_t i = 0; i < json_count(layers); i++)
        json_put_string(out, blob_name(s, json_get_text(json_at(layers, i), "diff_id")));
    json_put_array_end(out);
    json_put_object_end(out);
    return 0;
}

static int save_image(struct saving *s, const json_value *image, struct err *err)
{
    char digest[DIGEST_SHA256_SIZE];
    size_t config_size, manifest_size;
    const char *id = json_get_text(image, "id");
    const json_value *names = json_get(image, "names"), *layers = json_get(image, "layers");
    if (!digest_is_valid(id))
        return err_set(err, ERR_INVALID, "an image of the request lacks its id");
    for (size_t i = 0; i < json_count(names); i++)
        if (!json_as_text(json_at(names, i)))
            return err_set(err, ERR_INVALID, "a name of %s is no string", id);
    const char *config = blob_read(s->data_dir, id, IMAGE_CONFIG_MAX, &s->work->arena, &config_size, err);
    if (!config || add_file(s, blob_name(s, id), config, config_size, err) < 0)
        return -1;
    for (size_t i = 0; i < json_count(layers); i++)
        if (add_layer(s, json_at(layers, i), err) < 0)
            return -1;
    if (add_manifest(s, layers, id, config_size, digest, &manifest_size, err) < 0)
        return -1;
    return index_image(s, names, digest, manifest_size, err) < 0 ? -1 : list_image(s, names, layers, id, err);
}

static int save_all(struct saving *s, struct err *err)
{
    static const char layout[] = "{\"imageLayoutVersion\":\"1.0.0\"}";
    const json_value *images = json_get(s->work->request, "images");
    json_put_object(&s->index_out);
    json_key_int(&s->index_out, "schemaVersion", 2);
    json_key_string(&s->index_out, "mediaType", "application/vnd.oci.image.index.v1+json");
    json_key(&s->index_out, "manifests");
    json_put_array(&s->index_out);
    json_put_array(&s->docker_out);
    for (size_t i = 0; i < json_count(images); i++)
        if (save_image(s, json_at(images, i), err) < 0)
            return -1;
    json_put_array_end(&s->index_out);
    json_put_object_end(&s->index_out);
    json_put_array_end(&s->docker_out);
    if (buf_failed(&s->index) || buf_failed(&s->docker))
        return err_set(err, ERR_LIMIT, "too many images for one archive");
    if (add_file(s, "index.json", buf_str(&s->index), s->index.size, err) < 0 ||
        add_file(s, "manifest.json", buf_str(&s->docker), s->docker.size, err) < 0 ||
        add_file(s, "oci-layout", layout, sizeof(layout) - 1, err) < 0)
        return -1;
    return archive_write_close(s->archive) < ARCHIVE_WARN ? archive_failed(s, err) : 0;
}

/* --- The job -------------------------------------------------------------------------------------------------------
 */

static int confine(const struct saving *s, struct err *err)
{
    const char *readable[] = {arena_printf(&s->work->arena, "%s/layers", s->data_dir),
                              arena_printf(&s->work->arena, "%s/images", s->data_dir), NULL};
    if (confine_capabilities(CAPABILITY(CAP_DAC_READ_SEARCH), err) < 0 || confine_files(readable, NULL, err) < 0)
        return -1;
    return confine_calls(true, err);
}

int work_save(struct work *work, struct err *err)
{
    struct saving s = {.work = work, .index = BUF(DOCUMENT_MAX), .docker = BUF(DOCUMENT_MAX)};
    const char *path = work_text(work, "path");
    if (work_need_text(work, "data_dir", &s.data_dir, err) < 0)
        return -1;
    cleanup_fd int to = path ? open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600) : work->data_fd;
    if (to < 0)
        return path ? err_errno(err, errno, "cannot make %s", path)
                    : err_set(err, ERR_INVALID, "the request has neither a path nor descriptor 3");
    if (confine(&s, err) < 0)
        return -1;
    s.index_out = (struct json_out){.buf = &s.index};
    s.docker_out = (struct json_out){.buf = &s.docker};
    s.archive = archive_write_new();
    (void)archive_write_set_format_pax_restricted(s.archive);
    (void)archive_write_set_bytes_in_last_block(s.archive, 1);
    int r = archive_write_open_fd(s.archive, to) == ARCHIVE_OK ? save_all(&s, err) : archive_failed(&s, err);
    (void)archive_write_free(s.archive);
    map_done(&s.written);
    hasher_done(&s.hasher);
    buf_done(&s.index);
    buf_done(&s.docker);
    return r;
}
