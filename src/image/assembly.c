#include "image/assembly.h"

#include "base/str.h"
#include "image/blob.h"
#include "image/confine.h"
#include "sys/capabilities.h"

#include <stdio.h>

#define IN_FLIGHT_MAX   8 /* what the socket to the helper takes without waiting */
#define DEFAULT_RESERVE ((int64_t)256 << 20)
#define TELL_STEP       ((int64_t)512 * 1024)

/* What TLS, name resolution and libraries read. */
static const char *const system_folders[] = {"/etc", "/usr", "/lib", "/lib32", "/lib64", "/run", "/dev", "/nix/store"};

/* --- The pool ------------------------------------------------------------------------------------------------------
 */

/* The layers that the store has: [{"chain_id", "name", "size", "tar_size"}]. */
static int take_known_layers(struct pool *pool, struct err *err)
{
    const json_value *known = json_get(pool->work->request, "layers");
    for (size_t i = 0; i < json_count(known); i++) {
        const char *chain_id = json_get_text(json_at(known, i), "chain_id");
        const char *name = json_get_text(json_at(known, i), "name");
        if (!digest_is_valid(chain_id) || str_empty(name) || strlen(name) >= LAYER_NAME_SIZE)
            return err_set(err, ERR_INVALID, "layers[%zu]: expected chain_id and name", i);
        struct pool_layer *layer = ARENA_NEW(&pool->work->arena, struct pool_layer);
        layer->state = LAYER_DONE;
        layer->size = json_as_int(json_get(json_at(known, i), "size"), 0);
        layer->tar_size = json_as_int(json_get(json_at(known, i), "tar_size"), 0);
        (void)snprintf(layer->chain_id, sizeof(layer->chain_id), "%s", chain_id);
        (void)snprintf(layer->place.name, sizeof(layer->place.name), "%s", name);
        map_put(&pool->layers, chain_id, layer);
    }
    return 0;
}

static int confine(const struct pool *pool, const char *const *readable, struct err *err)
{
    struct arena *arena = &pool->work->arena;
    const char *can_read[ARRAY_SIZE(system_folders) + 8] = {0};
    const char *can_write[] = {stage_path(pool->stage), arena_printf(arena, "%s/images/blobs", pool->data_dir), NULL};
    size_t n = 0;
    for (; n < ARRAY_SIZE(system_folders); n++)
        can_read[n] = system_folders[n];
    for (; readable && *readable && n + 1 < ARRAY_SIZE(can_read); readable++)
        can_read[n++] = *readable;
    /* What somebody else owns, and this job is told to read, it may read. */
    uint64_t keep = readable ? CAPABILITY(CAP_DAC_READ_SEARCH) : 0;
    if (confine_capabilities(keep, err) < 0 || confine_files(can_read, can_write, err) < 0)
        return -1;
    return confine_calls(false, err);
}

int pool_open(struct pool *pool, struct work *work, const char *const *readable, struct err *err)
{
    *pool = (struct pool){.work = work, .busy = "Loading layer", .done = "Loaded layer"};
    struct stage_options options = {.name = work_text(work, "staging"),
                                    .reserve_bytes = work_int(work, "reserve_bytes", DEFAULT_RESERVE)};
    if (work_need_text(work, "data_dir", &options.data_dir, err) < 0 || take_known_layers(pool, err) < 0)
        return -1;
    pool->data_dir = options.data_dir;
    pool->stage = stage_open(&options, err);
    return pool->stage ? confine(pool, readable, err) : -1;
}

void pool_close(struct pool *pool)
{
    map_done(&pool->layers);
    if (pool->stage)
        stage_free(pool->stage);
    pool->stage = NULL;
}

static struct pool_layer *find_or_add(struct pool *pool, const char *parent, const char *diff_id)
{
    char chain_id[DIGEST_SIZE];
    image_chain_id(parent, diff_id, chain_id);
    struct pool_layer *layer = map_get(&pool->layers, chain_id);
    if (!layer) {
        layer = ARENA_NEW(&pool->work->arena, struct pool_layer);
        (void)snprintf(layer->chain_id, sizeof(layer->chain_id), "%s", chain_id);
        map_put(&pool->layers, chain_id, layer);
    }
    (void)snprintf(layer->diff_id, sizeof(layer->diff_id), "%s", diff_id);
    (void)snprintf(layer->parent, sizeof(layer->parent), "%s", parent);
    return layer;
}

void pool_adopt(struct pool *pool, struct pool_layer *layer)
{
    image_chain_id("", layer->diff_id, layer->chain_id);
    if (!map_get(&pool->layers, layer->chain_id))
        map_put(&pool->layers, layer->chain_id, layer);
}

int pool_unpack(struct pool *pool, struct pool_layer *layer, const struct byte_source *source, int64_t blob_size,
                const char *label, struct err *err)
{
    while (pool->running >= IN_FLIGHT_MAX)
        if (pool_collect(pool, true, err) < 0)
            return -1;
    if (pool->slots >= STAGE_SLOTS_MAX)
        return err_set(err, ERR_LIMIT, "more than %d layers in one job", STAGE_SLOTS_MAX);
    unsigned slot = pool->slots++;
    layer->state = LAYER_UNPACKING;
    layer->place.slot = slot;
    layer->blob_size = blob_size;
    (void)snprintf(layer->label, sizeof(layer->label), "%.12s", label);
    pool->unpacking[slot] = layer;
    pool->running++;
    return stage_unpack(pool->stage, slot, source, blob_size, layer->diff_id, err);
}

static void pool_tell_progress(struct pool *pool)
{
    for (unsigned i = 0; i < pool->slots; i++) {
        struct pool_layer *layer = pool->unpacking[i];
        int64_t now = layer->state == LAYER_UNPACKING ? stage_progress(pool->stage, i) : 0;
        if (now < layer->told + TELL_STEP)
            continue;
        layer->told = now;
        work_progress(layer->label, pool->busy, now, layer->blob_size);
    }
}

int pool_collect(struct pool *pool, bool wait, struct err *err)
{
    struct stage_layer done;
    pool_tell_progress(pool);
    for (bool first = true; pool->running > 0; first = false) {
        int r = stage_next(pool->stage, wait && first, &done, err);
        if (r <= 0)
            return r;
        struct pool_layer *layer = done.slot < pool->slots ? pool->unpacking[done.slot] : NULL;
        if (!layer || layer->state != LAYER_UNPACKING)
            return err_set(err, ERR_INTERNAL, "the unpacking helper speaks of a layer that was not asked for");
        layer->state = LAYER_DONE;
        (void)snprintf(layer->diff_id, sizeof(layer->diff_id), "%s", done.diff_id);
        layer->size = done.size;
        layer->tar_size = done.tar_size;
        pool->running--;
        work_progress(layer->label, pool->busy, layer->blob_size, layer->blob_size);
        work_progress(layer->label, pool->done, 0, 0);
    }
    return 0;
}

/* --- An image ------------------------------------------------------------------------------------------------------
 */

int assembly_open(struct assembly *a, struct pool *pool, const char *text, size_t size, struct err *err)
{
    *a = (struct assembly){.text = text, .size = size};
    digest_of(text, size, a->id);
    if (image_config_read(text, size, &pool->work->arena, &a->config, "the image's configuration", err) < 0)
        return -1;
    const char *parent = "";
    for (size_t i = 0; i < a->config.rootfs.diff_ids.count; i++) {
        struct pool_layer *layer = find_or_add(pool, parent, a->config.rootfs.diff_ids.items[i]);
        a->layers[a->count++] = layer;
        parent = layer->chain_id;
    }
    return 0;
}

static bool is_done(const struct assembly *a)
{
    for (size_t i = 0; i < a->count; i++)
        if (a->layers[i]->state != LAYER_DONE)
            return false;
    return true;
}

int assembly_commit(struct assembly *a, struct pool *pool, struct err *err)
{
    struct stage_place places[IMAGE_LAYERS_MAX];
    while (!is_done(a)) {
        if (pool->running == 0)
            return err_set(err, ERR_INVALID, "the image lacks a layer");
        if (pool_collect(pool, true, err) < 0)
            return -1;
    }
    for (size_t i = 0; i < a->count; i++)
        places[i] = a->layers[i]->place;
    if (stage_commit(pool->stage, places, a->count, err) < 0)
        return -1;
    for (size_t i = 0; i < a->count; i++)
        a->layers[i]->place = places[i];
    return blob_write(pool->data_dir, a->id, a->text, a->size, err);
}

static void report_layer(const struct pool_layer *layer, struct json_out *out)
{
    json_put_object(out);
    json_key_string(out, "name", layer->place.name);
    json_key_string(out, "chain_id", layer->chain_id);
    json_key_string(out, "diff_id", layer->diff_id);
    json_key_string(out, "parent", layer->parent);
    json_key_int(out, "size", layer->size);
    json_key_int(out, "tar_size", layer->tar_size);
    json_put_object_end(out);
}

void assembly_report(const struct assembly *a, struct json_out *out, const struct strings *names, const char *manifest)
{
    json_put_object(out);
    json_key_string(out, "id", a->id);
    if (manifest)
        json_key_string(out, "manifest", manifest);
    json_key(out, "names");
    json_put_array(out);
    for (size_t i = 0; names && i < names->count; i++)
        json_put_string(out, names->items[i]);
    json_put_array_end(out);
    json_key(out, "layers");
    json_put_array(out);
    for (size_t i = 0; i < a->count; i++)
        report_layer(a->layers[i], out);
    json_put_array_end(out);
    json_put_object_end(out);
}
