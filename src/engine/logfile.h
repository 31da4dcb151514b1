#pragma once
/*
 * Reading the logs of a container: json-file records (codec/jsonlog.h) out of DATA/containers/ID/ID-json.log and its
 * older files, oldest first, and then as they are written, across rotation.
 *
 * The reader never waits and never reads more than LOGFILE_STEP_BYTES in one call: the caller takes records until it is
 * told to come back, and decides when, which is how a client that reads slowly holds up nobody but itself.
 *
 *     struct logfile *f = logfile_open(folder, id, &query, watcher, &err);
 *     while ((r = logfile_next(f, &record, &err)) == LOGFILE_RECORD)
 *         …
 *
 * Lines that are no records (a torn one, another program's) are skipped.
 */
#include "base/err.h"
#include "codec/jsonlog.h"
#include "event/loop.h"

#include <stdbool.h>
#include <stdint.h>

#define LOGFILE_STEP_BYTES ((size_t)256 * 1024)
#define LOGFILE_TAIL_ALL   UINT64_MAX

struct logfile_query {
    uint64_t tail;    /* of the last so many records, those of the streams and times below; LOGFILE_TAIL_ALL: of all */
    int64_t since_ns; /* 0: from the start; inclusive */
    int64_t until_ns; /* 0: without end; inclusive */
    bool stdout_wanted;
    bool stderr_wanted;
    bool follow; /* goes on until logfile_finish(), or until a record later than until_ns */
};

/* One inotify(7) instance for all readers of a process that follow: users have few instances and many watches. */
struct logfile_watcher;
struct logfile_watcher *logfile_watcher_new(struct loop *loop, struct err *err);
/* After the last reader is closed. */
void logfile_watcher_free(struct logfile_watcher *watcher);
DEFINE_CLEANUP(struct logfile_watcher *, logfile_watcher_free);

struct logfile;

enum logfile_result {
    LOGFILE_RECORD, /* *ret is one; its text is valid until the next call */
    LOGFILE_AGAIN,  /* worked long enough: call again in another turn */
    LOGFILE_WAIT,   /* nothing now: changed() will be called when there may be */
    LOGFILE_END,    /* that was all */
};

/*
 * folder is the container's, DATA/containers/ID. watcher may be NULL where the query does not follow. A container that
 * has written nothing yet has no file, which is no error. Without follow it ends where the log ended when it was
 * opened. NULL on failure.
 */
struct logfile *logfile_open(const char *folder, const char *id, const struct logfile_query *query,
                             struct logfile_watcher *watcher, struct err *err);
void logfile_close(struct logfile *f);
DEFINE_CLEANUP(struct logfile *, logfile_close);

/* One of enum logfile_result, or negative where a file cannot be read. */
int logfile_next(struct logfile *f, struct jsonlog_record *ret, struct err *err);

/* Is called once, from the loop, when something changed after LOGFILE_WAIT; f may be closed in it. */
void logfile_on_change(struct logfile *f, void (*changed)(struct logfile *f, void *data), void *data);

/* Nothing will be written any more (the logger said DRAINED): a follower ends where the files end. Calls changed()
 * where it waits. */
void logfile_finish(struct logfile *f);
