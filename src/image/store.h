#pragma once
/*
 * The images of a node: what there is, under which names, made of which layers. One thread, no waiting: rows in the
 * node's database, mirrored in memory; the bytes on disk are put there by workers before a row names them.
 *
 *     DATA/images/blobs/sha256/HEX    configurations and manifests, by digest
 *     DATA/images/tar/NAME.zst        what a layer's tar had besides its files' contents: `save` makes the same tar
 * again DATA/layers/NAME/               an unpacked layer: a lower folder of overlay, with overlay's whiteouts
 *     DATA/layers/tmp-…/              the staging folder of a running job; removed when the job is over, or at the next
 * start
 *
 * NAME is random and short, because overlay's options are. A layer's identity is its chain ID. The compressed blobs are
 * not kept: they would cost another 40 % of the disk, and the tar can be made again to the byte without them.
 *
 * What the file system holds and no row names is removed at the next open (image_store_open() gives the list).
 */
#include "base/arena.h"
#include "base/err.h"
#include "base/id.h"
#include "base/list.h"
#include "base/map.h"
#include "codec/digest.h"
#include "codec/platform.h"
#include "codec/reference.h"
#include "db/db.h"
#include "image/config.h"

#include <stdbool.h>
#include <stdint.h>

struct image_store;

/* An image, owned by the store; valid until it is removed, so not beyond a return to the loop. */
struct image {
    char id[DIGEST_SHA256_SIZE]; /* the digest of its configuration */
    struct platform platform;
    int64_t created_ns;  /* from its configuration; 0 where that does not say */
    int64_t added_ns;    /* when it came here */
    int64_t size;        /* bytes of its layers' files, shared ones too */
    struct strings tags; /* "docker.io/library/nginx:latest", sorted; owned */
    struct strings
        digests;    /* "docker.io/library/nginx@sha256:…" of the manifest, or of the list it was chosen from; owned */
    char *manifest; /* digest of the manifest it was pulled by, NULL where it was loaded or imported; owned */
    struct list link; /* in image_store_list(), the newest first */

    /* Private. */
    char top[DIGEST_SIZE]; /* the chain ID of its uppermost layer, "" without layers */
    struct arena arena;
    struct image_config *config; /* NULL until asked for */
};

/* Opens (creates the folders where absent) and reads everything. Both must outlive it. */
struct image_store *image_store_open(struct db *db, const char *data_dir, struct err *err);
void image_store_free(struct image_store *store);
DEFINE_CLEANUP(struct image_store *, image_store_free);

/* All images: list_foreach (image, image_store_list(store), link). */
struct list *image_store_list(struct image_store *store);

/*
 * By reference (name, name:tag, name@digest; the tag latest where there is none), by ID, with sha256: or without, or by
 * a prefix of one that fits one image alone. ERR_NOT_FOUND in Docker's words: "No such image: nginx:latest".
 */
struct image *image_store_find(struct image_store *store, const char *text, struct err *err);
/* By full ID; NULL where there is none. */
struct image *image_store_get(struct image_store *store, const char *id);

/* Its configuration, checked against its digest when first read; lives as long as the image. */
const struct image_config *image_store_config(struct image_store *store, struct image *image, struct err *err);

/*
 * The folders of its layers, the uppermost first, as overlay's lowerdir has them. Absolute paths in arena. They stay as
 * long as the image does: whoever mounts them keeps the image by the usage callback below.
 */
int image_store_layers(struct image_store *store, const struct image *image, struct arena *arena, struct strings *ret,
                       struct err *err);

/* A layer as workers need it: {name, chain ID, diff ID}; in order from the lowest. */
struct image_layer {
    char name[16];
    char chain_id[DIGEST_SIZE], diff_id[DIGEST_SIZE], parent[DIGEST_SIZE];
    int64_t size;     /* bytes of its files */
    int64_t tar_size; /* bytes of its tar */
};

/* The layers of an image, the lowest first. At most IMAGE_LAYERS_MAX. Returns their number. */
size_t image_store_layer_list(struct image_store *store, const struct image *image,
                              const struct image_layer *ret[IMAGE_LAYERS_MAX]);
/* Every layer: map_next() over chain ID → struct image_layer *. */
const struct map *image_store_all_layers(struct image_store *store);

/* --- Names -------------------------------------------------------------------------------------------------------- */

/* Gives it another name; the tag is latest where the reference has none. A name that another image had moves. */
int image_store_tag(struct image_store *store, struct image *image, const char *reference, struct err *err);

/* --- Adding: what a worker has put on the disk -------------------------------------------------------------------- */

struct image_addition {
    const char *id;                   /* of its configuration, which is a blob already */
    const struct image_layer *layers; /* the lowest first; those that exist already are recognised by chain ID */
    size_t layer_count;
    const char *const *names; /* full references, with tag or digest (both where both are); may be none */
    size_t name_count;
    const char *manifest; /* digest, may be NULL */
};

/*
 * Enters it in the database. *ret_existed tells whether the image was here before (names may have been added all the
 * same). A layer folder that turns out to be a second copy is doomed.
 */
struct image *image_store_add(struct image_store *store, const struct image_addition *addition, bool *ret_existed,
                              struct err *err);

/* --- Removing ----------------------------------------------------------------------------------------------------- */

/*
 * Who uses an image: fills user with a container's ID or name and returns how it is used. Called with a full ID.
 */
enum image_use { IMAGE_UNUSED, IMAGE_STOPPED, IMAGE_RUNNING };
struct image_usage {
    enum image_use (*f)(void *data, const char *id, char user[ID_SIZE]);
    void *data;
};

/* One line of Docker's answer: either of the two is set. */
struct image_removed {
    char *untagged; /* familiar reference: "nginx:latest", "nginx@sha256:…" */
    char *deleted;  /* "sha256:…" of an image or of a layer (its chain ID) */
};

struct image_removal {
    struct arena *arena; /* of what follows */
    VEC(struct image_removed) list;
    int64_t space; /* bytes of the layers deleted */
};

/*
 * As `docker rmi` does. By reference: takes the name away; with the last name (names by digest do not count) the image
 * goes too. By ID: the image with its one name; with several names ERR_CONFLICT, unless force. An image that a stopped
 * container uses goes with force alone; one that a running container uses keeps its rows until nobody does, and
 * ERR_CONFLICT says so.
 */
int image_store_remove(struct image_store *store, const char *text, bool force, const struct image_usage *usage,
                       struct image_removal *ret, struct err *err);

/*
 * Removes the images that no container uses: those without a tag, or with all those with tags too. older_than_ns: only
 * those added before that time; 0: any. label filters are the caller's, through keep (may be NULL): true keeps the
 * image.
 */
struct image_prune_options {
    bool all;
    int64_t older_than_ns;
    bool (*keep)(void *data, const struct image *image);
    void *keep_data;
};
int image_store_prune(struct image_store *store, const struct image_prune_options *options,
                      const struct image_usage *usage, struct image_removal *ret, struct err *err);

/*
 * Paths beneath DATA that no row names any more: the caller removes them (by a worker) when the transaction that doomed
 * them is committed, and not while a pull runs that may count on a layer. Takes the list: strings to be freed by the
 * caller.
 */
struct strings image_store_take_doomed(struct image_store *store);
bool image_store_has_doomed(const struct image_store *store);
