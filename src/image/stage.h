#pragma once
/*
 * The staging folder DATA/layers/tmp-… of a job, and the process that unpacks layers in it.
 *
 * A job that pulls or loads parses what comes from outside and speaks to the network: it gives its privileges up. What
 * needs them (owners, device nodes, overlay's attributes, renaming finished layers into place) is done by a helper
 * process, forked before that, which parses nothing; each layer is unpacked by a child of the helper, without network,
 * in a root of its own.
 *
 *     job ──(messages, blob descriptors)──► helper ──fork──► unpacks layer N in chroot tmp-…/N
 *
 * All end with the job: a killed job leaves the staging folder, and nothing else.
 */
#include "base/cleanup.h"
#include "base/err.h"
#include "codec/digest.h"
#include "image/config.h"
#include "image/inflate.h"

#include <stdbool.h>
#include <stdint.h>

#define LAYER_NAME_SIZE 16
#define STAGE_SLOTS_MAX 2048 /* layers of one job */

struct stage_options {
    const char *data_dir;
    const char *name;      /* "tmp-…" beneath DATA/layers; NULL: a random one */
    int64_t reserve_bytes; /* free space to leave */
};

struct stage;

/* Makes the folder (DATA and what it needs too) and starts the helper. */
struct stage *stage_open(const struct stage_options *options, struct err *err);
/* Ends the helper, which removes the folder with all that was not committed. Waits for it. */
void stage_free(struct stage *stage);
DEFINE_CLEANUP(struct stage *, stage_free);

/* The folder, for downloads and the like; names that begin with a digit are the helper's. */
int stage_folder(const struct stage *stage);
const char *stage_path(const struct stage *stage);

/*
 * Starts to unpack a blob as layer number slot (below STAGE_SLOTS_MAX, each once). diff_id is what its tar must be;
 * NULL: not known yet. A few run at once, the others wait. The source must be a file.
 */
int stage_unpack(struct stage *stage, unsigned slot, const struct byte_source *source, int64_t compressed_size,
                 const char *diff_id, struct err *err);

/* What became of a layer. */
struct stage_layer {
    unsigned slot;
    char diff_id[DIGEST_SIZE];
    int64_t size, tar_size;
};

/*
 * The next layer that is done: 1 and *ret; 0 where wait is false and none is; negative where one failed. Warnings are
 * passed on meanwhile.
 */
int stage_next(struct stage *stage, bool wait, struct stage_layer *ret, struct err *err);
/* Readable when stage_next() has something. */
int stage_fd(const struct stage *stage);
/* Bytes of the blob that were unpacked so far. */
int64_t stage_progress(const struct stage *stage, unsigned slot);

/* A layer of an image in the making, the lowest first: one that was here before, by name, or one of the stage's. */
struct stage_place {
    char name[LAYER_NAME_SIZE]; /* "" and filled by stage_commit() where it is new */
    unsigned slot;
};

/*
 * Moves the new layers to their places, as one image's: folders that a layer does not name itself get their attributes
 * from those beneath. All are on the disk when it returns.
 */
int stage_commit(struct stage *stage, struct stage_place *places, size_t count, struct err *err);
