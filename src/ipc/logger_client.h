#pragma once
/*
 * The daemon's side of the logger: requests that are sent at once or wait in a bounded queue, and callbacks from the
 * event loop. Nothing here waits. When the connection ends, every request still open fails with ERR_UNAVAILABLE, lost()
 * is called last, and the owner frees the client, starts a logger where none runs, connects again and opens its
 * containers again.
 */
#include "event/loop.h"
#include "ipc/logger_protocol.h"

#include <stdint.h>

struct logger_client;

/* What comes unasked. The client may be freed in lost() alone. */
struct logger_client_ops {
    /* All output of id is in its file. */
    void (*drained)(void *data, const char *id);
    /* An attachment ended by itself: its reader went away, or everything was sent after the payload's end. */
    void (*attach_closed)(void *data, const char *id, uint32_t attachment);
    void (*lost)(void *data, const struct err *why);
};

/* error is NULL on success. */
typedef void logger_done(void *data, const struct err *error);

/*
 * Connects to socket_path and says HELLO with containers_fd, the folder DATA/containers (it stays the caller's).
 * ERR_UNAVAILABLE where nobody listens.
 */
struct logger_client *logger_client_new(struct loop *loop, const char *socket_path, int containers_fd,
                                        const struct logger_client_ops *ops, void *data, struct err *err);
/* Open requests are forgotten; their callbacks do not come. */
void logger_client_free(struct logger_client *client);
DEFINE_CLEANUP(struct logger_client *, logger_client_free);

struct logger_open {
    const char *id;
    uint32_t streams;    /* enum logger_streams; LOGGER_STDOUT with a terminal */
    uint32_t driver;     /* enum logger_driver */
    uint64_t max_size;   /* 0: 10 MiB */
    uint32_t max_files;  /* 0: 3 */
    uint32_t max_buffer; /* 0: 1 MiB; for non_blocking */
    const char *attrs;   /* a JSON object for each line, or NULL */
    int terminal_fd;     /* a pty master (the logger gets its own descriptor), or -1 */
    bool fresh;          /* the payload has not started yet */
    bool non_blocking;
};

/*
 * Each takes done() and its data; done may be NULL. They return the request's sequence number, or negative where it
 * cannot be sent (the queue is full: ERR_LIMIT; attrs too long: ERR_INVALID): then done() does not come.
 */
int64_t logger_client_open(struct logger_client *client, const struct logger_open *open, logger_done *done, void *data,
                           struct err *err);
int64_t logger_client_close(struct logger_client *client, const char *id, logger_done *done, void *data,
                            struct err *err);
/* output_fd stays the caller's; the number returned names the attachment. */
int64_t logger_client_attach(struct logger_client *client, const char *id, uint32_t streams, int output_fd,
                             logger_done *done, void *data, struct err *err);
int64_t logger_client_detach(struct logger_client *client, uint32_t attachment, struct err *err);
/* LOGGER_ROTATE, LOGGER_REOPEN (with id), LOGGER_SHUTDOWN (NULL). */
int64_t logger_client_request(struct logger_client *client, enum logger_request_type type, const char *id,
                              logger_done *done, void *data, struct err *err);

struct logger_stats {
    const char *id;
    uint64_t bytes;   /* from the payload, logged */
    uint64_t lines;   /* written */
    uint64_t dropped; /* lines that were not */
};

/* id NULL: all that are open. each() for every container, then done(). */
int64_t logger_client_stats(struct logger_client *client, const char *id,
                            void (*each)(void *data, const struct logger_stats *stats), logger_done *done, void *data,
                            struct err *err);
