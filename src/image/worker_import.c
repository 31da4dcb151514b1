/*
 * The job "import": a tar of a root file system becomes an image of one layer. Request: as for load, with reference,
 * message, platform, changes. Result: images.
 */
#include "base/clock.h"
#include "base/str.h"
#include "codec/reference.h"
#include "image/assembly.h"
#include "image/changes.h"
#include "image/spool.h"

#include <errno.h>
#include <fcntl.h>

struct importing {
    struct work *work;
    struct pool pool;
    struct image_config config;
    struct strings names;
};

static char *now_text(struct arena *arena)
{
    char text[CLOCK_TEXT_MAX];
    clock_format(clock_realtime_ns(), text);
    return arena_strdup(arena, text);
}

/* All of the configuration but for the layer. */
static int prepare_config(struct importing *i, struct err *err)
{
    struct arena *arena = &i->work->arena;
    struct platform platform;
    const char *wanted = work_text(i->work, "platform"), *message = work_text(i->work, "message");
    const json_value *changes = json_get(i->work->request, "changes");
    platform_host(&platform);
    if (wanted && platform_parse(wanted, &platform, err) < 0)
        return -1;
    i->config.architecture = arena_strdup(arena, platform.architecture);
    i->config.os = arena_strdup(arena, platform.os);
    i->config.variant = *platform.variant ? arena_strdup(arena, platform.variant) : NULL;
    i->config.created = now_text(arena);
    i->config.comment = message ? arena_strdup(arena, message) : NULL;
    struct image_history history = {.created = i->config.created,
                                    .comment = arena_strdup(arena, message ? message : "imported")};
    vec_push_in(arena, &i->config.history, history);
    for (size_t n = 0; n < json_count(changes); n++) {
        const char *text = json_as_text(json_at(changes, n));
        if (!text)
            return err_set(err, ERR_INVALID, "changes[%zu]: expected a string", n);
        if (image_change(&i->config.run, text, arena, err) < 0)
            return -1;
    }
    return 0;
}

static int prepare_name(struct importing *i, struct err *err)
{
    struct reference reference;
    char full[REFERENCE_MAX];
    const char *text = work_text(i->work, "reference");
    if (!text)
        return 0;
    if (reference_parse(text, &reference, err) < 0)
        return -1;
    if (reference.digest[0])
        return err_set(err, ERR_INVALID, "an import cannot be named by digest: %s", text);
    reference_default_tag(&reference);
    reference_format(&reference, full);
    vec_push_in(&i->work->arena, &i->names, arena_strdup(&i->work->arena, full));
    return 0;
}

static int unpack(struct importing *i, int file, struct pool_layer *layer, struct err *err)
{
    cleanup_fd int spooled =
        spool_file(file, false, stage_folder(i->pool.stage), work_int(i->work, "reserve_bytes", 0), err);
    if (spooled < 0)
        return -1;
    struct byte_source source = byte_source_of(spooled);
    off_t size = lseek(spooled, 0, SEEK_END);
    if (pool_unpack(&i->pool, layer, &source, size, "import", err) < 0)
        return -1;
    while (layer->state != LAYER_DONE)
        if (pool_collect(&i->pool, true, err) < 0)
            return -1;
    return 0;
}

static int import(struct importing *i, int file, struct err *err)
{
    struct arena *arena = &i->work->arena;
    struct pool_layer *layer = ARENA_NEW(arena, struct pool_layer);
    struct assembly a;
    if (unpack(i, file, layer, err) < 0)
        return -1;
    i->config.rootfs.type = arena_strdup(arena, "layers");
    vec_push_in(arena, &i->config.rootfs.diff_ids, layer->diff_id);
    pool_adopt(&i->pool, layer);
    const char *text = fields_to_text(&image_config_table, &i->config, arena);
    if (assembly_open(&a, &i->pool, text, strlen(text), err) < 0 || assembly_commit(&a, &i->pool, err) < 0)
        return -1;
    assembly_report(&a, work_result(i->work), &i->names, NULL);
    return 0;
}

int work_import(struct work *work, struct err *err)
{
    struct importing i = {.work = work};
    const char *path = work_text(work, "path");
    struct json_out *out = work_result(work);
    cleanup_fd int file = path ? open(path, O_RDONLY | O_CLOEXEC) : work->data_fd;
    if (file < 0)
        return path ? err_errno(err, errno, "cannot open %s", path)
                    : err_set(err, ERR_INVALID, "the request has neither a path nor descriptor 3");
    if (prepare_config(&i, err) < 0 || prepare_name(&i, err) < 0)
        return -1;
    json_key(out, "images");
    json_put_array(out);
    int r = pool_open(&i.pool, work, NULL, err) < 0 ? -1 : import(&i, file, err);
    json_put_array_end(out);
    pool_close(&i.pool);
    return r;
}
