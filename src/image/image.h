#pragma once
/*
 * Images over time: pulls, loads, imports and saves as jobs of workers, around the store that knows what is there
 * (image/store.h). The engine and the API speak to this.
 *
 * A job's callbacks come from the loop, never from within the call that started it. Pulls of the same reference and
 * platform with the same credentials share one worker: each caller has a job of its own, and the worker is killed when
 * the last of them is cancelled.
 */
#include "event/loop.h"
#include "image/store.h"

struct images;
struct image_job;

struct images_options {
    const char *data_dir;                   /* absolute */
    const char *worker_program;             /* NULL: shoal-worker beside this program */
    const char *const *insecure_registries; /* "host:port", NULL-terminated; may be NULL. Loopback always is */
    const char *const *certificate_folders; /* NULL: /etc/docker/certs.d and /etc/shoal/certs.d */
    unsigned max_jobs;                      /* workers at once; 0: 3 */
    int64_t reserve_bytes;                  /* free space that no job goes below; 0: 256 MiB or 2 % of the disk */
};

/* The database and the loop must outlive it. Sweeps away what earlier jobs left half-made. */
struct images *images_open(struct loop *loop, struct db *db, const struct images_options *options, struct err *err);
/* Kills running jobs without calling back. */
void images_free(struct images *images);
DEFINE_CLEANUP(struct images *, images_free);

struct image_store *images_store(struct images *images);

/* A line of Docker's progress stream (POST /images/create). Text dies with the call. */
struct image_progress {
    const char *id;         /* a layer's short ID, a tag, or NULL */
    const char *status;     /* "Downloading", "Pull complete", "Status: Downloaded newer image for nginx:latest" */
    int64_t current, total; /* bytes; total 0 where unknown; both 0: no bar */
    bool warning;           /* for people, not of Docker's stream: what an image asked for and did not get */
};

struct image_job_ops {
    void (*progress)(void *data, const struct image_progress *progress); /* may be NULL */
    /*
     * The end: image is what was pulled, imported, or loaded last (NULL for save), or err says why not. names are the
     * familiar references loaded. The job is gone afterwards.
     */
    void (*done)(void *data, struct image *image, const struct strings *names, const struct err *err);
};

struct image_pull {
    const char *reference; /* the tag is latest where it has none */
    const char *platform;  /* "linux/arm64"; NULL: this machine's */
    const char *auth;      /* JSON of X-Registry-Auth, decoded; NULL: the daemon's own ~/.docker/config.json */
};

struct image_job *images_pull(struct images *images, const struct image_pull *pull, const struct image_job_ops *ops,
                              void *data, struct err *err);

/* An archive of `docker save`, an OCI archive or, by path, an OCI layout; compressed or not. fd is read to its end. */
struct image_load {
    int fd;           /* the caller keeps it; negative: by path */
    const char *path; /* absolute; NULL: by fd */
};
struct image_job *images_load(struct images *images, const struct image_load *load, const struct image_job_ops *ops,
                              void *data, struct err *err);

/* A tar of a root file system becomes an image of one layer. */
struct image_import {
    int fd;
    const char *path;
    const char *reference;      /* may be NULL */
    const char *message;        /* may be NULL */
    const char *platform;       /* NULL: this machine's */
    const char *const *changes; /* Dockerfile instructions, NULL-terminated; may be NULL */
};
struct image_job *images_import(struct images *images, const struct image_import *import,
                                const struct image_job_ops *ops, void *data, struct err *err);

/* Writes the images (references or IDs, NULL-terminated) to fd as `docker save` does, with an OCI layout beside. */
struct image_job *images_save(struct images *images, const char *const *names, int fd, const struct image_job_ops *ops,
                              void *data, struct err *err);

/* No further callback of this job. Its worker is killed where nobody else waits for it. */
void image_job_cancel(struct image_job *job);

/*
 * Call after image_store_remove() or image_store_prune() (and nothing else need be called): removes the doomed folders
 * once the turn is committed and no job counts on them.
 */
void images_sweep(struct images *images);

/* --- Trees: folders that hold containers' or volumes' files, handled by a worker ---------------------------------- */

struct tree_job_ops {
    void (*done)(void *data, const struct err *err); /* err NULL: done */
};

/*
 * Throws away a folder (an absolute path) with all in it, however deep: it is out of the way at once, renamed into
 * DATA/trash, and a worker removes it after that, or after the next start. A path that does not exist is no error. What
 * cannot be removed later, such as a mount inside, is logged and stays in the trash.
 */
int images_discard(struct images *images, const char *path, struct err *err);

/*
 * Copies what is at path inside the layers (the uppermost first, as image_store_layers() gives them) into the empty
 * folder to, with owners, modes, times, xattrs, hard links and holes: a volume's first content. A path that the image
 * does not have copies nothing. What an earlier copy was cut short in is removed first, by a crash at any instant;
 * with path NULL, that is all that is done. Copies into the same folder wait for each other.
 */
void images_copy_up(struct images *images, const struct strings *layers, const char *path, const char *to,
                    const struct tree_job_ops *ops, void *data);
/* Is a copy into this folder under way, or was it cut short? */
bool images_copy_is_unfinished(const char *to);
