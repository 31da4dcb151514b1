#pragma once
/* Between store.c (what there is), store_load.c (from the database), and store_remove.c (what goes). */
#include "base/map.h"
#include "image/store.h"

/* A layer and who counts on it. */
struct stored_layer {
    struct image_layer layer; /* first: the map of layers shows these */
    unsigned users;           /* layers right above it, and images whose uppermost it is */
};

struct image_store {
    struct db *db;
    char *data_dir;
    struct list images;    /* the newest first */
    struct map by_id;      /* full ID → struct image * */
    struct map by_name;    /* full reference → struct image * */
    struct map layers;     /* chain ID → struct stored_layer * */
    struct strings doomed; /* owned paths */
};

int store_load(struct image_store *store, struct err *err);
/* Dooms what is on the disk and in no row. */
int store_find_strays(struct image_store *store, struct err *err);

struct image *store_new_image(struct image_store *store, const char *id);
/* Enters it in the list and by ID, once created_ns and top are set; counts its layers' bytes and its uppermost layer's
 * user. */
void store_enter(struct image_store *store, struct image *image);
void store_free_image(struct image *image);

/* In memory alone. name is a full reference. */
void store_name(struct image_store *store, struct image *image, const char *name);
void store_unname(struct image_store *store, const char *name);

void store_doom(struct image_store *store, const char *format, ...) __attribute__((format(printf, 2, 3)));
void store_doom_layer(struct image_store *store, const char *name);
