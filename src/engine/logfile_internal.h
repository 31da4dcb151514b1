#pragma once
/* What the files of the log reader share: logfile.c (records), logfile_files.c (which file comes next),
 * logfile_watch.c. */
#include "engine/logfile.h"

#include "base/list.h"

/* Room for the longest record there is and a good read more. */
#define LOGFILE_BUFFER ((size_t)256 * 1024)

enum logfile_state { LOGFILE_TAILING, LOGFILE_READING, LOGFILE_ENDED };

struct logfile {
    char id[ID_SIZE];
    struct logfile_query query;
    enum logfile_state state;
    bool finished;
    bool waiting;
    bool renamed; /* the open file is not the current one any more */

    int folder_fd; /* owned */
    int fd;        /* the file that is read; owned; -1 before the first is there */
    uint64_t inode;
    uint64_t offset;    /* where the next read(2) begins; while tailing: where the last block began */
    uint64_t end_inode; /* without follow: the file and the place where to end; 0 where there was no file */
    uint64_t end_offset;
    uint64_t newlines; /* while tailing: seen so far, from the end */

    char *buffer; /* owned; NULL while waiting, so that who follows a silent log needs no memory */
    size_t start, size;
    bool skipping; /* a line too long to be a record, until its end */

    struct logfile_watcher *watcher;
    struct list watched; /* in the watcher */
    int watch;           /* inotify's number of the folder; -1 where there is none */
    void (*changed)(struct logfile *f, void *data);
    void *changed_data;
};

/* --- logfile_files.c: 1 where there is such a file and it is open now, 0 where there is none, negative on failure - */

int logfile_open_current(struct logfile *f, struct err *err);
int logfile_open_oldest(struct logfile *f, struct err *err);
/* The one that follows (is followed by) the open one, whatever they are called by now. */
int logfile_open_newer(struct logfile *f, struct err *err);
int logfile_open_older(struct logfile *f, struct err *err);

/* Has the writer begun a newer one, or is about to? */
bool logfile_is_renamed(const struct logfile *f);

/* --- logfile_watch.c ---------------------------------------------------------------------------------------------- */

int logfile_watch(struct logfile *f, struct logfile_watcher *watcher, const char *folder, struct err *err);
void logfile_unwatch(struct logfile *f);
/* Calls changed() if f waits. f may be gone afterwards. */
void logfile_notify(struct logfile *f);
