/* The store out of its rows, and what lies on the disk that no row names. */
#include "base/cleanup.h"
#include "base/mem.h"
#include "base/str.h"
#include "image/store_private.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

static const char *const schema[] = {
    "CREATE TABLE image_layers (chain_id TEXT PRIMARY KEY, diff_id TEXT NOT NULL, parent TEXT NOT NULL,"
    " name TEXT NOT NULL UNIQUE, size INTEGER NOT NULL, tar_size INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE image_images (id TEXT PRIMARY KEY, top TEXT NOT NULL, os TEXT NOT NULL, architecture TEXT NOT NULL,"
    " variant TEXT NOT NULL, created_ns INTEGER NOT NULL, added_ns INTEGER NOT NULL, manifest TEXT) WITHOUT ROWID;"
    "CREATE TABLE image_names (name TEXT PRIMARY KEY,"
    " image TEXT NOT NULL REFERENCES image_images (id) ON DELETE CASCADE) WITHOUT ROWID;"
    "CREATE INDEX image_names_by_image ON image_names (image);",
};

/* --- Rows ----------------------------------------------------------------------------------------------------------
 */

static void copy_text(char *to, size_t size, const char *from)
{
    (void)snprintf(to, size, "%s", from ? from : "");
}

static int load_layers(struct image_store *store, struct err *err)
{
    struct map_entry *entry;
    struct db_statement *s =
        db_query(store->db, "SELECT chain_id, diff_id, parent, name, size, tar_size FROM image_layers", "");
    while (db_row(s)) {
        struct stored_layer *stored = NEW(struct stored_layer);
        struct image_layer *layer = &stored->layer;
        copy_text(layer->chain_id, sizeof(layer->chain_id), db_text(s, 0));
        copy_text(layer->diff_id, sizeof(layer->diff_id), db_text(s, 1));
        copy_text(layer->parent, sizeof(layer->parent), db_text(s, 2));
        copy_text(layer->name, sizeof(layer->name), db_text(s, 3));
        layer->size = db_int(s, 4);
        layer->tar_size = db_int(s, 5);
        map_put(&store->layers, layer->chain_id, stored);
    }
    for (size_t i = 0; (entry = map_next(&store->layers, &i));) {
        const struct stored_layer *stored = entry->value;
        struct stored_layer *parent = map_get(&store->layers, stored->layer.parent);
        if (parent)
            parent->users++;
    }
    return db_end(s, err);
}

static int load_images(struct image_store *store, struct err *err)
{
    struct db_statement *s = db_query(
        store->db, "SELECT id, top, os, architecture, variant, created_ns, added_ns, manifest FROM image_images", "");
    while (db_row(s)) {
        struct image *image = store_new_image(store, db_text(s, 0));
        copy_text(image->top, sizeof(image->top), db_text(s, 1));
        platform_set(&image->platform, db_text(s, 2), db_text(s, 3), db_text(s, 4));
        image->created_ns = db_int(s, 5);
        image->added_ns = db_int(s, 6);
        image->manifest = db_text(s, 7) ? mem_strdup(db_text(s, 7)) : NULL;
        store_enter(store, image);
    }
    return db_end(s, err);
}

static int load_names(struct image_store *store, struct err *err)
{
    struct db_statement *s = db_query(store->db, "SELECT name, image FROM image_names", "");
    while (db_row(s)) {
        struct image *image = image_store_get(store, db_text(s, 1));
        if (image)
            store_name(store, image, db_text(s, 0));
    }
    return db_end(s, err);
}

int store_load(struct image_store *store, struct err *err)
{
    if (db_migrate(store->db, "images", schema, ARRAY_SIZE(schema), err) < 0)
        return -1;
    return load_layers(store, err) < 0 || load_images(store, err) < 0 ? -1 : load_names(store, err);
}

/* --- Strays --------------------------------------------------------------------------------------------------------
 */

/* Names of files (without suffix) and digests that rows know: a set. */
static void collect_known(struct image_store *store, struct map *known)
{
    struct map_entry *entry;
    struct image *image;
    for (size_t i = 0; (entry = map_next(&store->layers, &i));)
        map_put(known, ((struct stored_layer *)entry->value)->layer.name, store);
    list_foreach (image, &store->images, link) {
        map_put(known, digest_hex(image->id), store);
        if (image->manifest)
            map_put(known, digest_hex(image->manifest), store);
        vec_foreach (name, &image->digests)
            map_put(known, digest_hex(strchr(*name, '@')), store);
    }
}

/* A file is known by its name up to the first dot. */
static int doom_unknown(struct image_store *store, const char *folder, const struct map *known, struct err *err)
{
    char *path cleanup(freep) = mem_printf("%s/%s", store->data_dir, folder);
    cleanup_dir DIR *dir = opendir(path);
    struct dirent *entry;
    if (!dir)
        return errno == ENOENT ? 0 : err_errno(err, errno, "cannot read %s", path);
    while ((entry = readdir(dir))) {
        char name[256];
        if (str_eq(entry->d_name, ".") || str_eq(entry->d_name, ".."))
            continue;
        (void)snprintf(name, sizeof(name), "%.*s", (int)strcspn(entry->d_name, "."), entry->d_name);
        bool whole = !strchr(entry->d_name, '.') || str_ends(entry->d_name, ".zst");
        if (!whole || !map_get(known, name))
            store_doom(store, "%s/%s", folder, entry->d_name);
    }
    return 0;
}

int store_find_strays(struct image_store *store, struct err *err)
{
    static const char *const folders[] = {"layers", "images/tar", "images/blobs/sha256", "images/blobs/sha512"};
    struct map known cleanup(map_done) = {0};
    collect_known(store, &known);
    for (size_t i = 0; i < ARRAY_SIZE(folders); i++)
        if (doom_unknown(store, folders[i], &known, err) < 0)
            return -1;
    return 0;
}
