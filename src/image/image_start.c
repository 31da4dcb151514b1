/* What is asked of a worker: the requests of pull, load, import and save. */
#include "base/id.h"
#include "base/mem.h"
#include "base/str.h"
#include "image/image_private.h"

#include <stdio.h>

#define REQUEST_MAX ((size_t)32 << 20)
#define STAGING_MAX 20

static void put_layers(struct images *images, struct json_out *out)
{
    const struct map *layers = image_store_all_layers(images->store);
    struct map_entry *entry;
    json_key(out, "layers");
    json_put_array(out);
    for (size_t i = 0; (entry = map_next(layers, &i));) {
        const struct image_layer *layer = entry->value;
        json_put_object(out);
        json_key_string(out, "chain_id", layer->chain_id);
        json_key_string(out, "name", layer->name);
        json_key_int(out, "size", layer->size);
        json_key_int(out, "tar_size", layer->tar_size);
        json_put_object_end(out);
    }
    json_put_array_end(out);
}

static void put_optional(struct json_out *out, const char *key, const char *text)
{
    if (text)
        json_key_string(out, key, text);
}

static void put_list(struct json_out *out, const char *key, const char *const *list, size_t count)
{
    json_key(out, key);
    json_put_array(out);
    for (size_t i = 0; i < count; i++)
        json_put_string(out, list[i]);
    json_put_array_end(out);
}

/* What all jobs that make images are told. */
static void begin(struct images *images, struct json_out *out, char staging[STAGING_MAX])
{
    char id[ID_SIZE];
    id_new(id);
    (void)snprintf(staging, STAGING_MAX, "tmp-%.12s", id);
    json_put_object(out);
    json_key_string(out, "data_dir", images->data_dir);
    json_key_string(out, "staging", staging);
    json_key_int(out, "reserve_bytes", images->reserve_bytes);
    put_layers(images, out);
}

/* --- Pull ----------------------------------------------------------------------------------------------------------
 */

static bool is_insecure(const struct images *images, const char *domain)
{
    vec_foreach (registry, &images->insecure)
        if (str_eq(*registry, domain))
            return true;
    return false;
}

static int put_auth(struct json_out *out, const char *auth, struct err *err)
{
    json_value *value cleanup(json_freep) = json_parse(auth, strlen(auth), "X-Registry-Auth", err);
    if (!value)
        return -1;
    json_key(out, "auth");
    json_value_write(value, out);
    return 0;
}

struct image_job *images_pull(struct images *images, const struct image_pull *pull, const struct image_job_ops *ops,
                              void *data, struct err *err)
{
    struct reference reference;
    char full[REFERENCE_MAX], familiar[REFERENCE_MAX], staging[STAGING_MAX];
    if (reference_parse(pull->reference, &reference, err) < 0)
        return NULL;
    reference_default_tag(&reference);
    reference_format(&reference, full);
    reference_familiar(&reference, familiar);
    char *key cleanup(freep) =
        mem_printf("%s\n%s\n%s", full, pull->platform ? pull->platform : "", pull->auth ? pull->auth : "");
    struct image_job *joined = task_join(images, key, ops, data);
    if (joined)
        return joined;
    struct buf request cleanup(buf_done) = BUF(REQUEST_MAX);
    struct json_out out = {.buf = &request};
    begin(images, &out, staging);
    json_key_string(&out, "reference", full);
    put_optional(&out, "platform", pull->platform);
    if (is_insecure(images, reference.domain))
        json_key_bool(&out, "insecure", true);
    if (images->certificate_folders.items)
        put_list(&out, "certificate_folders", (const char *const *)images->certificate_folders.items,
                 images->certificate_folders.count);
    if (pull->auth && put_auth(&out, pull->auth, err) < 0)
        return NULL;
    json_put_object_end(&out);
    return task_start(images, TASK_PULL, key, familiar, staging, &request, -1, ops, data, err);
}

/* --- Load and import -----------------------------------------------------------------------------------------------
 */

struct image_job *images_load(struct images *images, const struct image_load *load, const struct image_job_ops *ops,
                              void *data, struct err *err)
{
    char staging[STAGING_MAX];
    struct buf request cleanup(buf_done) = BUF(REQUEST_MAX);
    struct json_out out = {.buf = &request};
    begin(images, &out, staging);
    put_optional(&out, "path", load->path);
    json_put_object_end(&out);
    return task_start(images, TASK_LOAD, NULL, NULL, staging, &request, load->path ? -1 : load->fd, ops, data, err);
}

struct image_job *images_import(struct images *images, const struct image_import *import,
                                const struct image_job_ops *ops, void *data, struct err *err)
{
    char staging[STAGING_MAX];
    struct buf request cleanup(buf_done) = BUF(REQUEST_MAX);
    struct json_out out = {.buf = &request};
    size_t changes = 0;
    while (import->changes && import->changes[changes])
        changes++;
    begin(images, &out, staging);
    put_optional(&out, "path", import->path);
    put_optional(&out, "reference", import->reference);
    put_optional(&out, "message", import->message);
    put_optional(&out, "platform", import->platform);
    put_list(&out, "changes", import->changes, changes);
    json_put_object_end(&out);
    return task_start(images, TASK_IMPORT, NULL, NULL, staging, &request, import->path ? -1 : import->fd, ops, data,
                      err);
}

/* --- Save ----------------------------------------------------------------------------------------------------------
 */

/* An image to be saved, with the names that it was asked for by. */
struct saved {
    struct image *image;
    struct strings names;
};

struct saved_list {
    VEC(struct saved) list;
};

static struct saved *find_saved(struct saved_list *all, struct image *image, struct arena *arena)
{
    vec_foreach (saved, &all->list)
        if (saved->image == image)
            return saved;
    vec_push_in(arena, &all->list, (struct saved){.image = image});
    return &all->list.items[all->list.count - 1];
}

/* By name, that name goes in; by ID, none does. */
static int add_saved(struct images *images, const char *text, struct saved_list *all, struct arena *arena,
                     struct err *err)
{
    struct reference reference;
    struct err ignored;
    char full[REFERENCE_MAX];
    struct image *image = image_store_find(images->store, text, err);
    if (!image)
        return -1;
    struct saved *saved = find_saved(all, image, arena);
    if (reference_parse(text, &reference, &ignored) < 0)
        return 0;
    reference_default_tag(&reference);
    reference_format(&reference, full);
    vec_foreach (tag, &image->tags)
        if (str_eq(*tag, full))
            vec_push_in(arena, &saved->names, arena_strdup(arena, full));
    return 0;
}

static void put_saved(struct images *images, const struct saved *saved, struct json_out *out)
{
    const struct image_layer *layers[IMAGE_LAYERS_MAX];
    size_t count = image_store_layer_list(images->store, saved->image, layers);
    json_put_object(out);
    json_key_string(out, "id", saved->image->id);
    put_list(out, "names", (const char *const *)saved->names.items, saved->names.count);
    json_key(out, "layers");
    json_put_array(out);
    for (size_t i = 0; i < count; i++) {
        json_put_object(out);
        json_key_string(out, "name", layers[i]->name);
        json_key_string(out, "diff_id", layers[i]->diff_id);
        json_key_int(out, "tar_size", layers[i]->tar_size);
        json_put_object_end(out);
    }
    json_put_array_end(out);
    json_put_object_end(out);
}

struct image_job *images_save(struct images *images, const char *const *names, int fd, const struct image_job_ops *ops,
                              void *data, struct err *err)
{
    struct arena arena cleanup(arena_done) = {0};
    struct saved_list all = {0};
    for (; *names; names++)
        if (add_saved(images, *names, &all, &arena, err) < 0)
            return NULL;
    struct buf request cleanup(buf_done) = BUF(REQUEST_MAX);
    struct json_out out = {.buf = &request};
    json_put_object(&out);
    json_key_string(&out, "data_dir", images->data_dir);
    json_key(&out, "images");
    json_put_array(&out);
    vec_foreach (saved, &all.list)
        put_saved(images, saved, &out);
    json_put_array_end(&out);
    json_put_object_end(&out);
    return task_start(images, TASK_SAVE, NULL, NULL, NULL, &request, fd, ops, data, err);
}
