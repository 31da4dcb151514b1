#pragma once
/*
 * Worker processes: a job that blocks, done by a short-lived `shoal-worker JOB`. The request is one JSON document on
 * its standard input (a sealed memfd, so writing never waits); it answers with JSON lines on its standard output, each
 * an object with one key:
 *
 *     {"progress": {…}}                          any number, in the job's own words
 *     {"warning": "…"}                           any number, for people
 *     {"result": {…}}                            once, last: it succeeded
 *     {"error": {"kind": "not found", "message": "…"}}   once, last: it failed
 *
 * A worker dies with the process that started it (PR_SET_PDEATHSIG), and is cancelled by SIGKILL: what it leaves
 * half-made is named by its request (a staging folder) and is the caller's to remove.
 *
 *     worker->line = on_line, worker->ended = on_end;
 *     worker_start(worker, loop, &(struct worker_request){.job = "pull", .request = text});
 */
#include "base/buf.h"
#include "base/err.h"
#include "base/list.h"
#include "codec/json.h"
#include "event/loop.h"

#include <stdbool.h>

/* Lines longer than this end the job with ERR_LIMIT. */
#define WORKER_LINE_MAX ((size_t)4 << 20)

/* How many workers may run at once; the others wait in line. Owned by whoever starts jobs of one kind. */
struct worker_queue {
    unsigned max;
    unsigned running;
    struct list waiting; /* initialise with worker_queue_init() */
};

void worker_queue_init(struct worker_queue *queue, unsigned max);

/* Everything is copied by worker_start(). */
struct worker_request {
    const char *job;            /* "pull" … */
    const char *request;        /* JSON */
    int data_fd;                /* becomes descriptor 3 of the worker; 0 or negative: none. The caller keeps its own */
    struct worker_queue *queue; /* NULL: starts at once */
    const char *program;        /* NULL: shoal-worker beside this program */
};

enum worker_state { WORKER_IDLE, WORKER_WAITING, WORKER_RUNNING };

/* Embedded in its owner, zeroed before the first use; must not be freed until ended was called. */
struct worker {
    /* A line of progress or a warning (may be NULL); value is the line's value and dies with the call. */
    void (*line)(struct worker *worker, const char *key, const json_value *value);
    /*
     * The process is gone. Success: result is the result's value (dies with the call), err is NULL. Failure: result is
     * NULL and err says why (ERR_CANCELLED after worker_cancel()). Never called from within worker_start() or
     * worker_cancel(). The worker may be started again or freed from here.
     */
    void (*ended)(struct worker *worker, const json_value *result, const struct err *err);

    /* The rest is private. */
    enum worker_state state;
    struct loop *loop;
    struct worker_queue *queue;
    struct list link; /* in queue->waiting */
    char *job, *program;
    int request_fd, data_fd;
    struct io output;
    struct child child;
    struct deferred deferred; /* tells of an end that came without a process */
    struct buf lines;
    json_value *result; /* the whole line */
    struct err failure;
    bool failed, cancelled;
};

/* Starts it, or puts it in line. What goes wrong, goes wrong later, in ended(). */
void worker_start(struct worker *worker, struct loop *loop, const struct worker_request *request);
/* Kills it; ended() follows. Harmless when it is idle. */
void worker_cancel(struct worker *worker);
/* Kills and reaps it at once, without a callback: for the end of the daemon. Waits for a process that was killed. */
void worker_done(struct worker *worker);
