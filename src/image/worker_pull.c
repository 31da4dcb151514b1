/*
 * The job "pull": an image from a registry. Request: as for load, with reference, platform, auth (an AuthConfig of
 * Docker's API) or docker_config (a path; the caller's own where absent), insecure, certificate_folders, parallel.
 * Progress: in the words of Docker's pull. Result: images, and digest.
 */
#include "base/clock.h"
#include "base/str.h"
#include "image/assembly.h"
#include "image/blob.h"
#include "image/downloads.h"
#include "image/manifest.h"
#include "image/registry.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define PARALLEL  3 /* as Docker */
#define TICK_MS   100
#define TELL_STEP ((int64_t)512 * 1024)

struct pulling {
    struct work *work;
    struct pool pool;
    struct reference reference;
    struct platform platform;
    bool platform_asked;
    struct credentials credentials;
    struct registry registry;
    struct manifest manifest;
    struct assembly assembly;
    /* Documents to keep: the list (where there is one) and the manifest; text NULL where absent. */
    struct document {
        char digest[DIGEST_SIZE];
        const char *text;
        size_t size;
    } list, image;
};

/* A layer's blob on its way. */
struct transfer {
    struct download download;
    char label[16];
    int64_t told;
    bool told_end;
};

/* --- What is asked for ---------------------------------------------------------------------------------------------
 */

static int read_credentials(struct pulling *p, struct err *err)
{
    struct arena *arena = &p->work->arena;
    const json_value *auth = json_get(p->work->request, "auth");
    const char *path = work_text(p->work, "docker_config");
    if (auth)
        return credentials_from_auth(auth, arena, &p->credentials, err);
    if (!path)
        path = credentials_default_path(arena);
    return path ? credentials_find(path, p->reference.domain, arena, &p->credentials, err) : 0;
}

static int read_request(struct pulling *p, struct err *err)
{
    const char *text, *platform = work_text(p->work, "platform");
    if (work_need_text(p->work, "reference", &text, err) < 0 || reference_parse(text, &p->reference, err) < 0)
        return -1;
    reference_default_tag(&p->reference);
    p->platform_asked = platform != NULL;
    platform_host(&p->platform);
    return platform ? platform_parse(platform, &p->platform, err) : 0;
}

/* Everything that needs rights to files, before they are given up. */
static int prepare(struct pulling *p, struct err *err)
{
    static const char *const default_folders[] = {"/etc/docker/certs.d", "/etc/shoal/certs.d"};
    const json_value *list = json_get(p->work->request, "certificate_folders");
    const char *folders[17] = {default_folders[0], default_folders[1]};
    for (size_t i = 0; list && i < ARRAY_SIZE(folders); i++)
        folders[i] = i + 1 < ARRAY_SIZE(folders) ? json_as_text(json_at(list, i)) : NULL;
    struct registry_options options = {.reference = &p->reference,
                                       .credentials = &p->credentials,
                                       .certificate_folders = folders,
                                       .insecure = json_as_bool(json_get(p->work->request, "insecure"), false)};
    if (read_request(p, err) < 0 || read_credentials(p, err) < 0 || registry_open(&p->registry, &options, err) < 0)
        return -1;
    srandom((unsigned)clock_monotonic_ms());
    return 0;
}

/* --- Manifests -----------------------------------------------------------------------------------------------------
 */

static int fetch_document(struct pulling *p, const char *tag_or_digest, struct document *ret, struct manifest *manifest,
                          struct err *err)
{
    struct registry_reply reply cleanup(registry_reply_done) = {0};
    if (registry_get_manifest(&p->registry, tag_or_digest, &reply, ret->digest, err) < 0)
        return -1;
    ret->size = reply.body.size;
    ret->text = arena_strndup(&p->work->arena, buf_str(&reply.body), ret->size);
    const char *type = *reply.content_type ? reply.content_type : NULL;
    return manifest_read(ret->text, ret->size, type, &p->work->arena, manifest, tag_or_digest, err);
}

static int fetch_manifest(struct pulling *p, struct err *err)
{
    const char *wanted = *p->reference.digest ? p->reference.digest : p->reference.tag;
    if (fetch_document(p, wanted, &p->image, &p->manifest, err) < 0)
        return -1;
    if (!p->manifest.is_list)
        return 0;
    const struct descriptor *chosen = manifest_choose(&p->manifest, &p->platform, err);
    p->list = p->image;
    if (!chosen || fetch_document(p, chosen->digest, &p->image, &p->manifest, err) < 0)
        return -1;
    if (p->manifest.is_list)
        return err_set(err, ERR_UNSUPPORTED, "%s: a list of lists", chosen->digest);
    return 0;
}

/* --- The configuration ---------------------------------------------------------------------------------------------
 */

static int read_file(struct pulling *p, struct download *d, const char **ret, struct err *err)
{
    size_t size = (size_t)d->blob->size;
    char *text = arena_alloc(&p->work->arena, size + 1);
    struct byte_source source = byte_source_of(d->file);
    *ret = text;
    return byte_source_read(&source, text, size, err) < 0 ? -1 : 0;
}

static int fetch_config(struct pulling *p, const char **ret, struct err *err)
{
    struct download config = {.blob = &p->manifest.config}, *items[] = {&config}, *done;
    struct downloads downloads;
    int r;
    downloads_open(&downloads, &p->registry, stage_folder(p->pool.stage), 0, 1, items, 1);
    while ((r = downloads_next(&downloads, 1000, -1, &done, err)) == 0)
        ;
    if (r > 0)
        r = read_file(p, &config, ret, err);
    downloads_close(&downloads);
    return r;
}

static int check_image(struct pulling *p, struct err *err)
{
    char text[PLATFORM_MAX];
    struct platform platform;
    if (p->assembly.count != p->manifest.layers.count)
        return err_set(err, ERR_INVALID, "the manifest names %zu layers, the image's configuration %zu",
                       p->manifest.layers.count, p->assembly.count);
    image_config_platform(&p->assembly.config, &platform);
    platform_format(&platform, text);
    if (p->platform_asked && p->assembly.config.architecture && platform_rank(&p->platform, &platform) < 0)
        return err_set(err, ERR_NOT_FOUND, "the image was found, but is for %s", text);
    return 0;
}

/* --- Layers --------------------------------------------------------------------------------------------------------
 */

static const char *short_digest(struct pulling *p, const char *digest)
{
    return arena_printf(&p->work->arena, "%.12s", digest_hex(digest));
}

/* A transfer for each blob that is needed, in items; several layers may be of one blob. */
static size_t plan(struct pulling *p, struct transfer *transfers, struct download **items)
{
    size_t n = 0;
    for (size_t i = 0; i < p->assembly.count; i++) {
        const struct descriptor *blob = &p->manifest.layers.items[i];
        const char *label = short_digest(p, blob->digest);
        bool again = false;
        if (p->assembly.layers[i]->state == LAYER_DONE) {
            work_progress(label, "Already exists", 0, 0);
            continue;
        }
        for (size_t k = 0; k < n; k++)
            again |= str_eq(transfers[k].download.blob->digest, blob->digest);
        if (again)
            continue;
        work_progress(label, "Pulling fs layer", 0, 0);
        transfers[n].download.blob = blob;
        transfers[n].download.owner = &transfers[n];
        (void)snprintf(transfers[n].label, sizeof(transfers[n].label), "%s", label);
        items[n] = &transfers[n].download;
        n++;
    }
    for (size_t k = PARALLEL; k < n; k++)
        work_progress(transfers[k].label, "Waiting", 0, 0);
    return n;
}

static void tell_progress(struct transfer *transfers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct transfer *t = &transfers[i];
        if (t->download.state != DOWNLOAD_RUNNING ||
            (t->download.have < t->told + TELL_STEP && t->download.have >= t->told))
            continue;
        t->told = t->download.have;
        work_progress(t->label, "Downloading", t->told, t->download.blob->size);
    }
}

static int unpack_blob(struct pulling *p, struct download *d, struct err *err)
{
    const struct transfer *t = d->owner;
    work_progress(t->label, "Verifying Checksum", 0, 0);
    work_progress(t->label, "Download complete", 0, 0);
    struct byte_source source = byte_source_of(d->file);
    for (size_t i = 0; i < p->assembly.count; i++) {
        struct pool_layer *layer = p->assembly.layers[i];
        if (layer->state != LAYER_WANTED || !str_eq(p->manifest.layers.items[i].digest, d->blob->digest))
            continue;
        if (pool_unpack(&p->pool, layer, &source, d->blob->size, t->label, err) < 0)
            return -1;
    }
    close_fd(&d->file);
    return 0;
}

static int run_transfers(struct pulling *p, struct downloads *downloads, struct transfer *transfers, size_t count,
                         struct err *err)
{
    for (size_t left = count; left > 0;) {
        struct download *done;
        int r = downloads_next(downloads, TICK_MS, stage_fd(p->pool.stage), &done, err);
        if (r < 0)
            return -1;
        if (r > 0) {
            left--;
            if (unpack_blob(p, done, err) < 0)
                return -1;
        }
        tell_progress(transfers, count);
        if (pool_collect(&p->pool, false, err) < 0)
            return -1;
    }
    return 0;
}

static int fetch_layers(struct pulling *p, struct err *err)
{
    struct arena *arena = &p->work->arena;
    struct downloads downloads;
    struct transfer *transfers = arena_alloc_array(arena, p->assembly.count + 1, sizeof(*transfers));
    struct download **items = arena_alloc_array(arena, p->assembly.count + 1, sizeof(*items));
    size_t count = plan(p, transfers, items);
    unsigned parallel = (unsigned)work_int(p->work, "parallel", PARALLEL);
    downloads_open(&downloads, &p->registry, stage_folder(p->pool.stage), work_int(p->work, "reserve_bytes", 0),
                   parallel, items, count);
    int r = run_transfers(p, &downloads, transfers, count, err);
    downloads_close(&downloads);
    return r;
}

/* --- The job -------------------------------------------------------------------------------------------------------
 */

/* "docker.io/library/nginx:latest", and "…@sha256:…" with the digest that the registry knows the reference by. */
static void add_names(struct pulling *p, struct strings *names)
{
    struct arena *arena = &p->work->arena;
    const char *digest = p->list.text ? p->list.digest : p->image.digest;
    char name[REFERENCE_MAX];
    reference_name(&p->reference, name);
    if (!*p->reference.digest)
        vec_push_in(arena, names, arena_printf(arena, "%s:%s", name, p->reference.tag));
    vec_push_in(arena, names, arena_printf(arena, "%s@%s", name, digest));
}

static int keep_documents(struct pulling *p, struct err *err)
{
    const struct document *documents[] = {&p->list, &p->image};
    for (size_t i = 0; i < ARRAY_SIZE(documents); i++)
        if (documents[i]->text &&
            blob_write(p->pool.data_dir, documents[i]->digest, documents[i]->text, documents[i]->size, err) < 0)
            return -1;
    return 0;
}

static int report(struct pulling *p, struct err *err)
{
    struct json_out *out = work_result(p->work);
    struct strings names = {0};
    if (assembly_commit(&p->assembly, &p->pool, err) < 0 || keep_documents(p, err) < 0)
        return -1;
    add_names(p, &names);
    json_key_string(out, "digest", p->list.text ? p->list.digest : p->image.digest);
    json_key(out, "images");
    json_put_array(out);
    assembly_report(&p->assembly, out, &names, p->image.digest);
    json_put_array_end(out);
    return 0;
}

static int pull(struct pulling *p, struct err *err)
{
    const char *config;
    char status[REFERENCE_MAX + 32];
    if (registry_connect(&p->registry, err) < 0 || fetch_manifest(p, err) < 0)
        return -1;
    (void)snprintf(status, sizeof(status), "Pulling from %s", p->reference.path);
    work_progress(*p->reference.digest ? p->reference.digest : p->reference.tag, status, 0, 0);
    if (fetch_config(p, &config, err) < 0 ||
        assembly_open(&p->assembly, &p->pool, config, (size_t)p->manifest.config.size, err) < 0)
        return -1;
    if (check_image(p, err) < 0 || fetch_layers(p, err) < 0)
        return -1;
    return report(p, err);
}

int work_pull(struct work *work, struct err *err)
{
    struct pulling p = {.work = work};
    if (prepare(&p, err) < 0)
        return -1;
    int r = pool_open(&p.pool, work, NULL, err);
    p.pool.busy = "Extracting";
    p.pool.done = "Pull complete";
    if (r == 0) {
        (void)curl_global_init(CURL_GLOBAL_DEFAULT);
        r = pull(&p, err);
        curl_global_cleanup();
    }
    pool_close(&p.pool);
    registry_close(&p.registry);
    return r;
}
