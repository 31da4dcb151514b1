#pragma once
/*
 * Putting images together in a worker: which layers are here already, which must be unpacked, and the commit. A job has
 * one pool of layers, and an assembly for each image (an archive may hold several that share layers).
 */
#include "base/map.h"
#include "image/config.h"
#include "image/stage.h"
#include "image/work.h"

enum layer_state {
    LAYER_WANTED, /* its blob is still to come */
    LAYER_UNPACKING,
    LAYER_DONE, /* in the stage, or in the store since before */
};

struct pool_layer {
    enum layer_state state;
    char chain_id[DIGEST_SIZE], diff_id[DIGEST_SIZE], parent[DIGEST_SIZE];
    struct stage_place place;
    char label[16]; /* its name in lines of progress */
    int64_t blob_size, size, tar_size;
    int64_t told; /* of its progress */
};

struct pool {
    struct work *work;
    struct stage *stage;
    const char *data_dir;
    const char *busy, *done; /* Docker's words: "Extracting" and "Pull complete", "Loading layer" … */
    struct map layers;       /* chain ID → struct pool_layer *, in the work's arena */
    struct pool_layer *unpacking[STAGE_SLOTS_MAX]; /* by slot */
    unsigned slots, running;
};

/*
 * Opens the staging folder and the helper, then gives up what the job itself does not need. network: the job goes on to
 * speak to registries; readable: a folder or file beside the system's own that it must read (NULL: none).
 */
int pool_open(struct pool *pool, struct work *work, const char *const *readable, struct err *err);
void pool_close(struct pool *pool);

/* Starts to unpack a wanted layer; label is copied. Waits where too many are under way. */
int pool_unpack(struct pool *pool, struct pool_layer *layer, const struct byte_source *source, int64_t blob_size,
                const char *label, struct err *err);
/* Enters a lowest layer whose diff ID is known only now that it is unpacked (it was ""). */
void pool_adopt(struct pool *pool, struct pool_layer *layer);
/* Takes what is done; wait: until something is. Tells of progress. */
int pool_collect(struct pool *pool, bool wait, struct err *err);

struct assembly {
    char id[DIGEST_SHA256_SIZE];
    const char *text; /* of the configuration; the caller's */
    size_t size;
    struct image_config config;
    struct pool_layer *layers[IMAGE_LAYERS_MAX]; /* the lowest first */
    size_t count;
};

/* Reads the configuration and finds its layers in the pool, which may all be LAYER_DONE already. */
int assembly_open(struct assembly *a, struct pool *pool, const char *text, size_t size, struct err *err);
/* Waits for its layers, which must all be under way, and moves all to their places. */
int assembly_commit(struct assembly *a, struct pool *pool, struct err *err);
/* One element of the result's "images". names and manifest may be NULL. */
void assembly_report(const struct assembly *a, struct json_out *out, const struct strings *names, const char *manifest);
