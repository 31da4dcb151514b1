#include "image/store.h"

#include "base/clock.h"
#include "base/id.h"
#include "base/mem.h"
#include "base/str.h"
#include "image/blob.h"
#include "image/store_private.h"

#include <stdarg.h>
#include <stdio.h>

/* --- Images in memory ----------------------------------------------------------------------------------------------
 */

struct image *store_new_image(struct image_store *store, const char *id)
{
    struct image *image = NEW(struct image);
    (void)snprintf(image->id, sizeof(image->id), "%s", id);
    return image;
}

void store_free_image(struct image *image)
{
    vec_foreach (name, &image->tags)
        free(*name);
    vec_foreach (name, &image->digests)
        free(*name);
    vec_done(&image->tags);
    vec_done(&image->digests);
    free(image->manifest);
    arena_done(&image->arena);
    free(image);
}

/* The newest first; of one time, by ID. */
static bool comes_before(const struct image *a, const struct image *b)
{
    return a->created_ns != b->created_ns ? a->created_ns > b->created_ns : strcmp(a->id, b->id) < 0;
}

void store_enter(struct image_store *store, struct image *image)
{
    struct image *next;
    list_foreach (next, &store->images, link)
        if (comes_before(image, next))
            break;
    list_push(&next->link, &image->link); /* before next, or at the end */
    map_put(&store->by_id, image->id, image);
    struct stored_layer *top = map_get(&store->layers, image->top);
    if (top)
        top->users++;
    for (struct stored_layer *l = top; l; l = map_get(&store->layers, l->layer.parent))
        image->size += l->layer.size;
}

static struct strings *names_of(struct image *image, const char *name)
{
    return strchr(name, '@') ? &image->digests : &image->tags;
}

void store_unname(struct image_store *store, const char *name)
{
    struct image *image = map_remove(&store->by_name, name);
    struct strings *names = image ? names_of(image, name) : NULL;
    for (size_t i = 0; names && i < names->count; i++)
        if (str_eq(names->items[i], name)) {
            free(names->items[i]);
            vec_remove(names, i);
            return;
        }
}

void store_name(struct image_store *store, struct image *image, const char *name)
{
    struct strings *names = names_of(image, name);
    store_unname(store, name);
    map_put(&store->by_name, name, image);
    vec_push(names, mem_strdup(name));
    for (size_t i = names->count - 1; i > 0 && strcmp(names->items[i - 1], names->items[i]) > 0; i--) {
        char *other = names->items[i - 1];
        names->items[i - 1] = names->items[i];
        names->items[i] = other;
    }
}

void store_doom(struct image_store *store, const char *format, ...)
{
    struct arena arena cleanup(arena_done) = {0};
    va_list args;
    va_start(args, format);
    char *path = arena_vprintf(&arena, format, args);
    va_end(args);
    vec_push(&store->doomed, mem_printf("%s/%s", store->data_dir, path));
}

void store_doom_layer(struct image_store *store, const char *name)
{
    store_doom(store, "layers/%s", name);
    store_doom(store, "images/tar/%s.zst", name);
}

/* --- Opening -------------------------------------------------------------------------------------------------------
 */

struct image_store *image_store_open(struct db *db, const char *data_dir, struct err *err)
{
    struct image_store *store cleanup(image_store_freep) = NEW(struct image_store);
    store->db = db;
    store->data_dir = mem_strdup(data_dir);
    list_init(&store->images);
    if (store_load(store, err) < 0 || store_find_strays(store, err) < 0)
        return NULL;
    return TAKE(store);
}

void image_store_free(struct image_store *store)
{
    struct image *image;
    struct map_entry *entry;
    if (!store)
        return;
    list_foreach (image, &store->images, link)
        store_free_image(image);
    for (size_t i = 0; (entry = map_next(&store->layers, &i));)
        free(entry->value);
    vec_foreach (path, &store->doomed)
        free(*path);
    vec_done(&store->doomed);
    map_done(&store->by_id);
    map_done(&store->by_name);
    map_done(&store->layers);
    free(store->data_dir);
    free(store);
}

/* --- Finding -------------------------------------------------------------------------------------------------------
 */

struct list *image_store_list(struct image_store *store)
{
    return &store->images;
}

struct image *image_store_get(struct image_store *store, const char *id)
{
    return map_get(&store->by_id, id);
}

static struct image *find_by_reference(struct image_store *store, const struct reference *reference)
{
    char name[REFERENCE_MAX], full[REFERENCE_MAX + DIGEST_SIZE];
    reference_name(reference, name);
    (void)snprintf(full, sizeof(full), "%s%s%s", name, *reference->digest ? "@" : ":",
                   *reference->digest ? reference->digest : reference->tag);
    return map_get(&store->by_name, full);
}

/* prefix: hex digits. *ret NULL where none fits. */
static int find_by_prefix(struct image_store *store, const char *prefix, struct image **ret, struct err *err)
{
    struct image *image;
    *ret = NULL;
    list_foreach (image, &store->images, link) {
        if (!str_starts(digest_hex(image->id), prefix))
            continue;
        if (*ret)
            return err_set(err, ERR_INVALID, "several images have IDs that begin with %s: give more of it", prefix);
        *ret = image;
    }
    return 0;
}

struct image *image_store_find(struct image_store *store, const char *text, struct err *err)
{
    struct reference reference;
    char shown[REFERENCE_MAX];
    struct image *image = NULL;
    const char *hex = str_after(text, "sha256:");
    bool prefix = id_is_prefix(hex ? hex : text);
    (void)snprintf(shown, sizeof(shown), "%s", text);
    if (!hex && reference_parse(text, &reference, err) == 0) {
        reference_default_tag(&reference);
        reference_familiar(&reference, shown);
        image = find_by_reference(store, &reference);
    } else if (!hex && !prefix) {
        return NULL; /* err says why it is no reference */
    }
    if (!image && prefix && find_by_prefix(store, hex ? hex : text, &image, err) < 0)
        return NULL;
    if (!image)
        err_set(err, ERR_NOT_FOUND, "No such image: %s", shown);
    return image;
}

/* --- What an image is ----------------------------------------------------------------------------------------------
 */

static const char *image_store_config_text(struct image_store *store, const struct image *image, struct arena *arena,
                                           struct err *err)
{
    size_t size;
    return blob_read(store->data_dir, image->id, IMAGE_CONFIG_MAX, arena, &size, err);
}

const struct image_config *image_store_config(struct image_store *store, struct image *image, struct err *err)
{
    struct arena arena cleanup(arena_done) = {0};
    if (image->config)
        return image->config;
    const char *text = image_store_config_text(store, image, &arena, err);
    struct image_config *config = ARENA_NEW(&image->arena, struct image_config);
    if (!text || image_config_read(text, strlen(text), &image->arena, config, image->id, err) < 0)
        return NULL;
    return image->config = config;
}

static const struct image_layer *image_store_layer(struct image_store *store, const char *chain_id)
{
    return map_get(&store->layers, chain_id);
}

const struct map *image_store_all_layers(struct image_store *store)
{
    return &store->layers;
}

size_t image_store_layer_list(struct image_store *store, const struct image *image,
                              const struct image_layer *ret[IMAGE_LAYERS_MAX])
{
    size_t count = 0;
    const struct image_layer *layer;
    for (const char *chain = image->top; (layer = image_store_layer(store, chain)); chain = layer->parent)
        if (count < IMAGE_LAYERS_MAX)
            ret[count++] = layer;
    for (size_t i = 0; i < count / 2; i++) {
        layer = ret[i];
        ret[i] = ret[count - 1 - i];
        ret[count - 1 - i] = layer;
    }
    return count;
}

int image_store_layers(struct image_store *store, const struct image *image, struct arena *arena, struct strings *ret,
                       struct err *err)
{
    const struct image_layer *layers[IMAGE_LAYERS_MAX] = {0};
    *ret = (struct strings){0};
    for (size_t i = image_store_layer_list(store, image, layers); i > 0; i--)
        vec_push_in(arena, ret, arena_printf(arena, "%s/layers/%s", store->data_dir, layers[i - 1]->name));
    return 0;
}

/* --- Names ---------------------------------------------------------------------------------------------------------
 */

static int add_name(struct image_store *store, struct image *image, const char *name, struct err *err)
{
    if (map_get(&store->by_name, name) == image)
        return 0;
    if (db_run(store->db, err, "INSERT OR REPLACE INTO image_names (name, image) VALUES (?, ?)", "ss", name,
               image->id) < 0)
        return -1;
    store_name(store, image, name);
    return 0;
}

int image_store_tag(struct image_store *store, struct image *image, const char *reference, struct err *err)
{
    struct reference parsed;
    char full[REFERENCE_MAX];
    if (reference_parse(reference, &parsed, err) < 0)
        return -1;
    if (parsed.digest[0])
        return err_set(err, ERR_INVALID, "refusing to create a tag with a digest reference");
    reference_default_tag(&parsed);
    reference_format(&parsed, full);
    return add_name(store, image, full, err);
}

/* --- Adding --------------------------------------------------------------------------------------------------------
 */

static int add_layer(struct image_store *store, const struct image_layer *layer, struct err *err)
{
    const struct image_layer *old = image_store_layer(store, layer->chain_id);
    if (old) {
        if (!str_eq(old->name, layer->name))
            store_doom_layer(store, layer->name); /* two jobs unpacked the same */
        return 0;
    }
    if (db_run(store->db, err,
               "INSERT INTO image_layers (chain_id, diff_id, parent, name, size, tar_size) VALUES (?, ?, ?, ?, ?, ?)",
               "ssssii", layer->chain_id, layer->diff_id, layer->parent, layer->name, layer->size, layer->tar_size) < 0)
        return -1;
    struct stored_layer *stored = NEW(struct stored_layer);
    stored->layer = *layer;
    map_put(&store->layers, layer->chain_id, stored);
    struct stored_layer *parent = map_get(&store->layers, layer->parent);
    if (parent)
        parent->users++;
    return 0;
}

/* An image that went comes back before the sweep: what it needs stays. */
static void reprieve(struct image_store *store, const char *path)
{
    size_t root = strlen(store->data_dir) + 1;
    for (size_t i = 0; i < store->doomed.count;) {
        if (str_eq(store->doomed.items[i] + root, path)) {
            free(store->doomed.items[i]);
            vec_remove(&store->doomed, i);
        } else {
            i++;
        }
    }
}

static void reprieve_blob(struct image_store *store, const char *digest)
{
    char path[DIGEST_SIZE + 32];
    (void)snprintf(path, sizeof(path), "images/blobs/%s/%s",
                   digest_algorithm(digest) == DIGEST_SHA512 ? "sha512" : "sha256", digest_hex(digest));
    reprieve(store, path);
}

static void reprieve_all(struct image_store *store, const struct image_addition *addition)
{
    reprieve_blob(store, addition->id);
    if (addition->manifest)
        reprieve_blob(store, addition->manifest);
    for (size_t i = 0; i < addition->name_count; i++)
        if (strchr(addition->names[i], '@'))
            reprieve_blob(store, strchr(addition->names[i], '@') + 1);
    for (size_t i = 0; i < addition->layer_count; i++) {
        char path[64];
        (void)snprintf(path, sizeof(path), "layers/%s", addition->layers[i].name);
        reprieve(store, path);
        (void)snprintf(path, sizeof(path), "images/tar/%s.zst", addition->layers[i].name);
        reprieve(store, path);
    }
}

static struct image *add_image(struct image_store *store, const struct image_addition *addition, struct err *err)
{
    struct image *image = store_new_image(store, addition->id);
    const struct image_config *config = image_store_config(store, image, err);
    if (!config) {
        store_free_image(image);
        return NULL;
    }
    if (addition->layer_count > 0)
        (void)snprintf(image->top, sizeof(image->top), "%s", addition->layers[addition->layer_count - 1].chain_id);
    image_config_platform(config, &image->platform);
    image->created_ns = image_config_created_ns(config);
    image->added_ns = clock_realtime_ns();
    image->manifest = addition->manifest ? mem_strdup(addition->manifest) : NULL;
    if (db_run(store->db, err,
               "INSERT INTO image_images (id, top, os, architecture, variant, created_ns, added_ns, manifest) "
               "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
               "sssssiis", image->id, image->top, image->platform.os, image->platform.architecture,
               image->platform.variant, image->created_ns, image->added_ns, image->manifest) < 0) {
        store_free_image(image);
        return NULL;
    }
    store_enter(store, image);
    return image;
}

/* Are the layers a chain, and those that are not new here still? */
static int check_addition(struct image_store *store, const struct image_addition *addition, struct err *err)
{
    const char *parent = "";
    if (addition->layer_count > IMAGE_LAYERS_MAX)
        return err_set(err, ERR_LIMIT, "an image of %zu layers", addition->layer_count);
    for (size_t i = 0; i < addition->layer_count; i++) {
        const struct image_layer *layer = &addition->layers[i];
        if (!digest_is_valid(layer->chain_id) || !str_eq(layer->parent, parent) || !*layer->name)
            return err_set(err, ERR_INTERNAL, "the worker's layers are no chain");
        parent = layer->chain_id;
    }
    return 0;
}

struct image *image_store_add(struct image_store *store, const struct image_addition *addition, bool *ret_existed,
                              struct err *err)
{
    struct image *image = image_store_get(store, addition->id);
    *ret_existed = image != NULL;
    if (check_addition(store, addition, err) < 0)
        return NULL;
    reprieve_all(store, addition);
    for (size_t i = 0; i < addition->layer_count; i++)
        if (add_layer(store, &addition->layers[i], err) < 0)
            return NULL;
    if (!image && !(image = add_image(store, addition, err)))
        return NULL;
    for (size_t i = 0; i < addition->name_count; i++)
        if (add_name(store, image, addition->names[i], err) < 0)
            return NULL;
    return image;
}
