#pragma once
/* What a job and its helper say to each other: structs as they are, for both are one program. */
#include "image/stage.h"

enum stage_request_type { STAGE_UNPACK = 1, STAGE_COMMIT };

struct stage_request {
    enum stage_request_type type;
    unsigned slot;
    int64_t offset, left, compressed_size; /* of the blob, whose descriptor comes along */
    char diff_id[DIGEST_SIZE];
    unsigned count;
    struct stage_place places[IMAGE_LAYERS_MAX];
};

enum stage_reply_type { STAGE_DONE = 1, STAGE_COMMITTED, STAGE_WARNING };

struct stage_reply {
    enum stage_reply_type type;
    bool failed;
    struct err err; /* where failed; a warning's text otherwise */
    struct stage_layer layer;
    struct stage_place places[IMAGE_LAYERS_MAX];
};

struct stage_helper_options {
    int socket, data, folder; /* data: DATA; folder: the staging folder. Borrowed */
    const char *name;         /* of the staging folder */
    int64_t reserve_bytes;
    volatile int64_t *progress; /* STAGE_SLOTS_MAX, shared with the job */
};

/* The helper process: serves until the job is gone. */
void stage_helper_run(const struct stage_helper_options *options);

/*
 * Gives the folders that no entry of a layer named the attributes they have in the layers beneath: lower[0] is the
 * nearest. Descriptors of folders.
 */
int stage_settle(int layer, const struct strings *implied, const int *lower, size_t count, struct err *err);
