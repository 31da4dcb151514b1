/*
 * The job "load": images out of an archive of `docker save`, an OCI archive, or an OCI layout in a folder (OCI
 * image-spec, image-layout.md). Request: data_dir, staging, layers, reserve_bytes (all jobs that make images), path or
 * descriptor 3, platform. Result: images.
 */
#include "base/str.h"
#include "codec/reference.h"
#include "image/assembly.h"
#include "image/blob.h"
#include "image/bundle.h"
#include "image/manifest.h"

#include <stdio.h>

#define IMAGES_MAX 1000

struct loading {
    struct work *work;
    struct pool pool;
    struct bundle bundle;
    struct platform platform;
};

static int report(struct loading *l, struct assembly *a, const struct strings *names, const char *manifest,
                  struct err *err)
{
    if (assembly_commit(a, &l->pool, err) < 0)
        return -1;
    assembly_report(a, work_result(l->work), names, manifest);
    return 0;
}

static int unpack(struct loading *l, struct pool_layer *layer, const char *name, struct err *err)
{
    struct byte_source source;
    if (layer->state != LAYER_WANTED)
        return 0;
    if (bundle_find(&l->bundle, name, &source, err) < 0)
        return -1;
    int r = pool_unpack(&l->pool, layer, &source, source.left, digest_hex(layer->diff_id), err);
    bundle_release(&l->bundle, &source);
    return r;
}

static int add_name(struct loading *l, struct strings *names, const char *text, struct err *err)
{
    struct reference reference;
    char full[REFERENCE_MAX];
    if (reference_parse(text, &reference, err) < 0)
        return err_wrap(err, "a name of the archive");
    reference_default_tag(&reference);
    reference_format(&reference, full);
    vec_push_in(&l->work->arena, names, arena_strdup(&l->work->arena, full));
    return 0;
}

/* --- docker save: manifest.json ------------------------------------------------------------------------------------
 */

static int load_docker_image(struct loading *l, const json_value *item, struct err *err)
{
    struct arena *arena = &l->work->arena;
    struct assembly a;
    struct strings names = {0};
    size_t size;
    const char *config_name = json_get_text(item, "Config");
    const json_value *layers = json_get(item, "Layers"), *tags = json_get(item, "RepoTags");
    if (!config_name)
        return err_set(err, ERR_INVALID, "manifest.json: an image without \"Config\"");
    const char *config = bundle_read(&l->bundle, config_name, IMAGE_CONFIG_MAX, arena, &size, err);
    if (!config || assembly_open(&a, &l->pool, config, size, err) < 0)
        return -1;
    if (json_count(layers) != a.count)
        return err_set(err, ERR_INVALID, "manifest.json names %zu layers, the image's configuration %zu",
                       json_count(layers), a.count);
    for (size_t i = 0; i < json_count(tags); i++)
        if (json_as_text(json_at(tags, i)) && add_name(l, &names, json_as_text(json_at(tags, i)), err) < 0)
            return -1;
    for (size_t i = 0; i < a.count; i++) {
        const char *name = json_as_text(json_at(layers, i));
        if (unpack(l, a.layers[i], name ? name : "", err) < 0)
            return -1;
    }
    return report(l, &a, &names, NULL, err);
}

static int load_docker(struct loading *l, struct err *err)
{
    size_t size;
    const char *text = bundle_read(&l->bundle, "manifest.json", MANIFEST_MAX, &l->work->arena, &size, err);
    json_value *list cleanup(json_freep) = text ? json_parse(text, size, "manifest.json", err) : NULL;
    if (!list)
        return -1;
    if (json_type_of(list) != JSON_TYPE_ARRAY || json_count(list) == 0 || json_count(list) > IMAGES_MAX)
        return err_set(err, ERR_INVALID, "manifest.json: expected a list of 1 to %d images", IMAGES_MAX);
    for (size_t i = 0; i < json_count(list); i++)
        if (load_docker_image(l, json_at(list, i), err) < 0)
            return -1;
    return 0;
}

/* --- OCI: index.json -----------------------------------------------------------------------------------------------
 */

static const char *blob_name(struct loading *l, const char *digest)
{
    const char *algorithm = digest_algorithm(digest) == DIGEST_SHA512 ? "sha512" : "sha256";
    return arena_printf(&l->work->arena, "blobs/%s/%s", algorithm, digest_hex(digest));
}

/* A small blob, checked against its digest. */
static const char *read_blob(struct loading *l, const char *digest, size_t max, size_t *ret_size, struct err *err)
{
    const char *text = bundle_read(&l->bundle, blob_name(l, digest), max, &l->work->arena, ret_size, err);
    if (text && !digest_matches(digest, text, *ret_size)) {
        err_set(err, ERR_INVALID, "the blob %s has another digest", digest);
        return NULL;
    }
    return text;
}

/*
 * The name in an index: containerd's annotation has the whole of it, the specification's own often just the tag, which
 * names nothing.
 */
static int take_name(struct loading *l, const struct descriptor *d, struct strings *names, struct err *err)
{
    const char *name = pairs_get(&d->annotations, "io.containerd.image.name");
    if (!name)
        name = pairs_get(&d->annotations, "org.opencontainers.image.ref.name");
    if (!name)
        return 0;
    if (!strpbrk(name, ":/")) {
        work_warning("the archive calls an image \"%s\", which is no full name: it gets none", name);
        return 0;
    }
    return add_name(l, names, name, err);
}

static int load_oci_image(struct loading *l, const struct descriptor *d, struct err *err)
{
    struct manifest manifest;
    struct assembly a;
    struct strings names = {0};
    size_t size, config_size;
    const char *digest = d->digest;
    const char *text = read_blob(l, digest, MANIFEST_MAX, &size, err);
    if (!text || manifest_read(text, size, d->media_type, &l->work->arena, &manifest, digest, err) < 0)
        return -1;
    if (manifest.is_list) {
        const struct descriptor *chosen = manifest_choose(&manifest, &l->platform, err);
        if (!chosen)
            return -1;
        digest = chosen->digest;
        text = read_blob(l, digest, MANIFEST_MAX, &size, err);
        if (!text || manifest_read(text, size, chosen->media_type, &l->work->arena, &manifest, digest, err) < 0)
            return -1;
        if (manifest.is_list)
            return err_set(err, ERR_UNSUPPORTED, "%s: a list of lists", digest);
    }
    const char *config = read_blob(l, manifest.config.digest, IMAGE_CONFIG_MAX, &config_size, err);
    if (!config || assembly_open(&a, &l->pool, config, config_size, err) < 0)
        return -1;
    if (manifest.layers.count != a.count)
        return err_set(err, ERR_INVALID, "%s names %zu layers, its configuration %zu", digest, manifest.layers.count,
                       a.count);
    for (size_t i = 0; i < a.count; i++)
        if (unpack(l, a.layers[i], blob_name(l, manifest.layers.items[i].digest), err) < 0)
            return -1;
    if (take_name(l, d, &names, err) < 0 || report(l, &a, &names, digest, err) < 0)
        return -1;
    return blob_write(l->pool.data_dir, digest, text, size, err);
}

static int load_oci(struct loading *l, struct err *err)
{
    struct manifest index;
    size_t size;
    const char *text = bundle_read(&l->bundle, "index.json", MANIFEST_MAX, &l->work->arena, &size, err);
    if (!text || manifest_read(text, size, NULL, &l->work->arena, &index, "index.json", err) < 0)
        return -1;
    if (!index.is_list || index.manifests.count == 0 || index.manifests.count > IMAGES_MAX)
        return err_set(err, ERR_INVALID, "index.json: expected a list of 1 to %d images", IMAGES_MAX);
    /* Members without a name that say their platform are one image for several machines; the others are images of their
     * own. */
    bool chosen = false;
    vec_foreach (member, &index.manifests) {
        bool alternative = member->platform.architecture && member->annotations.count == 0 && index.manifests.count > 1;
        const struct descriptor *d = alternative ? manifest_choose(&index, &l->platform, err) : member;
        if (!d)
            return -1;
        if ((!alternative || !chosen) && load_oci_image(l, d, err) < 0)
            return -1;
        chosen |= alternative;
    }
    return 0;
}

/* --- The job -------------------------------------------------------------------------------------------------------
 */

static int load(struct loading *l, struct err *err)
{
    const char *path = work_text(l->work, "path"), *platform = work_text(l->work, "platform");
    int64_t reserve = work_int(l->work, "reserve_bytes", 0);
    platform_host(&l->platform);
    if (platform && platform_parse(platform, &l->platform, err) < 0)
        return -1;
    if (!path && l->work->data_fd < 0)
        return err_set(err, ERR_INVALID, "the request has neither a path nor descriptor 3");
    if (bundle_open(&l->bundle, path, l->work->data_fd, stage_folder(l->pool.stage), reserve, err) < 0)
        return -1;
    if (bundle_has(&l->bundle, "manifest.json"))
        return load_docker(l, err);
    if (bundle_has(&l->bundle, "index.json"))
        return load_oci(l, err);
    return err_set(err, ERR_INVALID,
                   "this is no image archive: it has neither manifest.json nor index.json (a tar of "
                   "a root file system is imported, not loaded)");
}

int work_load(struct work *work, struct err *err)
{
    struct loading l = {.work = work, .bundle = {.folder = -1, .archive = -1}};
    const char *readable[] = {work_text(work, "path"), NULL};
    struct json_out *out = work_result(work);
    json_key(out, "images");
    json_put_array(out);
    int r = pool_open(&l.pool, work, readable[0] ? readable : NULL, err) < 0 ? -1 : load(&l, err);
    json_put_array_end(out);
    bundle_close(&l.bundle);
    pool_close(&l.pool);
    return r;
}
