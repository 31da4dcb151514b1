#pragma once
/* Between image.c (jobs and their ends), image_start.c (requests), image_trees.c (folders that are filled) and
 * image_trash.c (those that go). */
#include "base/buf.h"
#include "image/image.h"
#include "ipc/worker.h"

/* Folders that were thrown away, and the worker that removes them. */
struct trash {
    struct worker worker;
    struct timer gather; /* armed: something waits for others to come */
    VEC(char *) paths;   /* still to be removed */
    uint64_t last;       /* a number for each, which is its name */
};

struct images {
    struct loop *loop;
    struct db *db;
    struct image_store *store;
    char *data_dir, *worker_program;
    struct strings insecure, certificate_folders; /* owned; items NULL: the default */
    int64_t reserve_bytes;
    struct worker_queue queue, copy_queue;
    struct list tasks;  /* struct task */
    struct list copies; /* struct copy_up */
    struct trash trash;
    struct timer sweep;
};

enum task_kind { TASK_PULL, TASK_LOAD, TASK_IMPORT, TASK_SAVE };

/* A worker on images, and everybody who waits for it. Gone when the worker has ended. */
struct task {
    enum task_kind kind;
    struct images *images;
    struct list link;
    struct worker worker;
    struct list jobs; /* struct image_job */
    char *key;        /* of a pull that others may join; NULL */
    char *reference;  /* familiar; of a pull */
    char *staging;    /* name of its folder in DATA/layers; NULL for save */
};

struct image_job {
    struct task *task;
    struct list link; /* in task->jobs */
    struct image_job_ops ops;
    void *data;
};

/* A task whose worker is started with request; its job. data_fd as in worker_request. */
struct image_job *task_start(struct images *images, enum task_kind kind, const char *key, const char *reference,
                             const char *staging, const struct buf *request, int data_fd,
                             const struct image_job_ops *ops, void *data, struct err *err);
/* The running pull with that key joins another caller; NULL where there is none. */
struct image_job *task_join(struct images *images, const char *key, const struct image_job_ops *ops, void *data);

void trees_open(struct images *images);
void trees_close(struct images *images);
int trash_open(struct images *images, struct err *err);
void trash_close(struct images *images);
