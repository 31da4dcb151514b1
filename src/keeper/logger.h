#pragma once
/*
 * The logger: reads what containers write and puts it into their log files and to whoever is attached. One thread, and
 * one turn is: wait for events, then give each stream that has data one window of it (LOGGER_WINDOW), in the order in
 * which they became ready. So a container that floods its pipe delays another by a window at most.
 *
 * Data stays in the FIFO until it is logged (logger_journal.h): an unfinished line costs no memory here, and FIFOs are
 * watched edge-triggered so that it costs no wake-ups. Where the FIFO is full and holds no whole line, it is cut into a
 * piece. Of one thing no poll(2) tells: a write(2) that finds bytes in the pipe, fills it and waits for room. SIGIO
 * tells of it, so a stream that is left with an unfinished line asks for that signal (stream_leave()).
 *
 *     logger.c          containers: opened, run, drained         logger_server.c    requests and events
 *     logger_stream.c   looking into FIFOs and ttys              logger_attach.c    copies for those attached
 *     logger_lines.c    from a window to records of a file       logger_file.c      files and their rotation
 *                                                                logger_journal.c   what is under way, for the next one
 *
 * A container's memory here is a few hundred bytes and no buffer; buffers are shared (struct logger), but for what a
 * terminal or a slow attachment has not got rid of.
 */
#include "base/err.h"
#include "base/id.h"
#include "base/list.h"
#include "base/map.h"
#include "codec/jsonlog.h"
#include "event/loop.h"
#include "ipc/logger_protocol.h"
#include "keeper/logger_file.h"
#include "keeper/logger_journal.h"

#define LOGGER_WINDOW ((size_t)64 * 1024)
#define LOGGER_OUT    (JSONLOG_RECORD_MAX + (size_t)24 * 1024)
/* What the logger needs beside streams: files, connections, attachments. */
#define LOGGER_SPARE_FDS 512

struct container;
struct connection;

/* stdout or stderr of a container: a FIFO, or the master of its terminal. */
struct stream {
    struct io io;           /* its descriptor is owned; -1 while closed */
    struct list ready;      /* in logger.ready while there may be something to do */
    struct list unfinished; /* in logger.unfinished while it is left with the beginning of a line */
    struct logger *logger;
    uint32_t left;  /* the bytes of that beginning */
    bool signals;   /* raises SIGIO when it is written to */
    uint8_t number; /* enum jsonlog_stream */
    bool terminal;
    bool small;    /* its pipe has not been given its size: nothing was written yet */
    bool hung_up;  /* the last writer is gone */
    bool midline;  /* the last piece logged had no end of line */
    bool skipping; /* the last piece dropped had none: what follows up to it is dropped too */
    bool behind;   /* non-blocking, and the pipe is nearly full: lines are dropped until it is half empty */
    char *held;    /* terminal: read and not yet consumed; owned, NULL where nothing is */
    size_t held_size;
};

struct container {
    char id[ID_SIZE];
    uint8_t streams; /* enum logger_streams that were opened */
    uint8_t driver;  /* enum logger_driver */
    uint8_t flags;   /* enum logger_flags */
    uint32_t pipe_size;
    bool closing; /* the payload is known to be gone */
    struct stream stream[2];
    struct list attachments; /* struct attachment, owned */
    struct log_file file;
    char *attrs; /* owned; NULL where there are none */
    uint32_t attrs_size;
    uint64_t bytes, lines, dropped;
    uint64_t unmarked; /* dropped lines that the log does not mention yet */
    int drop_reason;   /* an errno, or EAGAIN where the log was too slow */
    uint8_t cut;       /* streams whose last line was dropped in its middle */
};

struct logger {
    struct loop *loop;
    int containers_fd;           /* RUN/containers, where the FIFOs are; owned */
    struct map containers;       /* id → struct container, owned */
    struct list ready;           /* struct stream */
    struct list unfinished;      /* struct stream */
    struct signal_watch written; /* SIGIO */
    struct list leaving;         /* attachments whose container is gone and that have not got everything; owned */
    struct list connections;
    struct io listener;
    struct log_files files;
    struct journal journal;
    struct jsonlog_clock clock;
    unsigned stream_count, stream_max;
    int peek[2]; /* the pipe into which tee(2) copies; owned */
    bool ending; /* ends when no container is open */
    bool ended;
    char window[LOGGER_WINDOW];
    char out[LOGGER_OUT];
};

/* --- logger.c ----------------------------------------------------------------------------------------------------- */

/* run_dir must exist. ERR_CONFLICT where another logger runs in it. */
int logger_init(struct logger *l, struct loop *loop, const char *run_dir, struct err *err);
void logger_fini(struct logger *l);
/* One turn, waiting timeout_ms at most (-1: until something happens). */
int logger_turn(struct logger *l, int timeout_ms, struct err *err);
/* Runs until it was told to end. */
int logger_run(struct logger *l, struct err *err);

/* terminal_fd is taken over where it is used; -1 where there is none. */
int logger_open_container(struct logger *l, const struct logger_request *r, const char *attrs, int *terminal_fd,
                          struct err *err);
struct container *logger_find(struct logger *l, const char *id, struct err *err);
/* Reads what is left and ends it. */
void container_close(struct logger *l, struct container *c);
/* What DRAINED says, to one connection or to all. */
void tell_drained(struct logger *l, struct connection *to, const char *id);
/* Gives all its streams a turn. */
void container_wake(struct logger *l, struct container *c);
void stream_wake(struct logger *l, struct stream *s);

static inline struct container *stream_container(struct stream *s)
{
    return container_of(s - (s->number - 1), struct container, stream[0]);
}

/* --- logger_stream.c ---------------------------------------------------------------------------------------------- */

/* What stands at the head of a stream; data is valid until the next look. */
struct window {
    const char *data;
    size_t size;
    bool more; /* there is more than the window shows */
};

/* The pipe into which FIFOs are copied to look at them. */
int stream_open_peek(struct logger *l, struct err *err);
/* A silent FIFO has a pipe of four pages, which costs the kernel a kilobyte less; it grows with the first byte. */
int stream_open_fifo(struct logger *l, struct stream *s, const char *id, struct err *err);
void stream_close(struct logger *l, struct stream *s);
/* Looks without taking. False where the stream has come to its end. */
bool stream_look(struct logger *l, struct stream *s, struct window *ret);
/* Takes the first size bytes of the window out, which is void then; proof, where not NULL, gets the first of them. */
void stream_consume(struct logger *l, struct stream *s, size_t size, char *proof);
/* Can the payload write nothing more until something is consumed? more: the window did not show all. */
bool stream_is_full(struct logger *l, struct stream *s, bool more);
/* It is left with this many bytes, none or the beginning of a line, and is to be looked at when there are more. */
void stream_leave(struct logger *l, struct stream *s, size_t left);
/* After SIGIO, which does not say of whom it tells. */
void logger_look_at_unfinished(struct logger *l);
/* How many bytes are in the pipe, of how many? */
void stream_fill(const struct stream *s, size_t *ret_used, size_t *ret_capacity);

/* --- logger_lines.c ----------------------------------------------------------------------------------------------- */

/*
 * Logs the whole lines of the window, or drops them where it must; consumes what it dealt with and returns how much.
 * last: nothing follows the window. *ret_stopped: there are lines left for the next turn.
 */
size_t container_log(struct logger *l, struct container *c, struct stream *s, const struct window *w, bool last,
                     bool *ret_stopped);
/* The last words of a log: lines dropped that were not marked yet. */
void container_log_end(struct logger *l, struct container *c);
/* Ends what the last logger was killed in. */
void stream_recover(struct logger *l, struct stream *s);

/* --- logger_attach.c ---------------------------------------------------------------------------------------------- */

/* Makes output_fd (taken over on success) an attachment of c. */
int attachment_new(struct logger *l, struct container *c, struct connection *owner, const struct logger_request *r,
                   int *output_fd, struct err *err);
/* Copies to all attachments of c what they have not got of this window. */
void container_copy(struct logger *l, struct container *c, struct stream *s, const struct window *w);
/* size bytes of the stream are consumed. */
void container_copied(struct container *c, const struct stream *s, size_t size);
/* Has an attachment more than it takes? Then the container's streams are left alone. */
bool container_is_held_up(const struct container *c);
/* The container is gone: its attachments end when they got everything. */
void container_detach_all(struct logger *l, struct container *c);
int attachment_detach(struct logger *l, const struct connection *owner, uint32_t number, struct err *err);
/* Nobody is told of its attachments any more. */
void attachments_disown(struct logger *l, const struct connection *owner);
void attachments_free(struct list *attachments);

/* --- logger_server.c ---------------------------------------------------------------------------------------------- */

int logger_listen(struct logger *l, const char *run_dir, struct err *err);
void logger_hang_up(struct logger *l);
/* Tells one connection, or all that said hello where it is NULL. */
void logger_tell(struct logger *l, struct connection *to, const struct logger_event *event, const char *text);
