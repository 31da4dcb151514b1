#pragma once
/*
 * What the daemon and shoal-logger say to each other: one struct a message over SOCK_SEQPACKET (RUN/logger.sock), host
 * byte order, followed by text_size bytes of text, with descriptors where said so.
 *
 * The daemon sends requests, each with a sequence number of its choice above 0; each gets one LOGGER_REPLY with that
 * number, in order, error 0 or an enum err_kind with the message as text. Events come unasked, with sequence 0.
 *
 * Nothing here depends on the daemon's life: what was opened stays open and is logged when the connection ends. A
 * daemon that comes back says HELLO, opens again what it thinks runs (harmless for what is open), and closes what it
 * knows ended.
 */
#include "base/err.h"
#include "base/id.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LOGGER_PROTOCOL_VERSION 1
#define LOGGER_TEXT_MAX         ((size_t)8 * 1024) /* attrs of OPEN, messages of errors */

enum logger_request_type {
    /*
     * First on each connection. One descriptor: the folder DATA/containers, in which each container has a folder by its
     * id; value is LOGGER_PROTOCOL_VERSION.
     */
    LOGGER_HELLO = 1,
    /*
     * Reads RUN/containers/ID/stdout and stderr (those in streams) from now on, or, with LOGGER_TTY, the pty master
     * that comes as the one descriptor. Send it before the payload is started, with LOGGER_FRESH: the reply says that
     * the FIFOs have their reader. Without LOGGER_FRESH it adopts a payload that runs already, and nothing happens
     * where its streams are open.
     */
    LOGGER_OPEN,
    /*
     * The payload is gone: no writer will come any more. What is in the pipes is logged, then LOGGER_DRAINED comes. Not
     * needed where the logger sees the end by itself, and harmless then. An id that is not open gets LOGGER_DRAINED at
     * once.
     */
    LOGGER_CLOSE,
    /*
     * Copies the output of these streams to the one descriptor (pipe or socket), as it comes, from the first byte that
     * is not in the log yet: in Docker's stdcopy framing, raw for a tty. It is made non-blocking. The attachment is
     * named by this request's sequence number, on this connection.
     */
    LOGGER_ATTACH,
    LOGGER_DETACH,   /* attachment: closes it; what was not sent yet is dropped; no LOGGER_ATTACH_CLOSED follows */
    LOGGER_ROTATE,   /* id: begins a new file now */
    LOGGER_REOPEN,   /* id: opens its file by name before the next line (somebody moved it away) */
    LOGGER_LIST,     /* a LOGGER_CONTAINER event for each open id, then the reply */
    LOGGER_STATS,    /* id: one LOGGER_CONTAINER event, then the reply */
    LOGGER_SHUTDOWN, /* ends when nothing is open, at once where nothing is; OPEN takes it back */
    LOGGER_REQUEST_COUNT,
};

enum logger_event_type {
    LOGGER_REPLY = 1,
    LOGGER_DRAINED,       /* id: all its output is in its file, which is closed */
    LOGGER_ATTACH_CLOSED, /* attachment (its sequence number), id: the reader went away, or all was sent after the end
                           */
    LOGGER_CONTAINER,     /* id and its stats; sequence is the request's */
    LOGGER_EVENT_COUNT,
};

enum logger_streams { LOGGER_STDOUT = 1, LOGGER_STDERR = 2, LOGGER_BOTH = 3 };

enum logger_driver {
    LOGGER_JSON_FILE = 1,
    LOGGER_ATTACH_ONLY, /* no file: output goes to attachments, and nowhere where there is none */
};

enum logger_flags {
    LOGGER_TTY = 1,
    LOGGER_FRESH = 2,
    LOGGER_NON_BLOCKING = 4, /* the payload does not wait for the log: lines are dropped first */
};

/* 0 stands for the default. */
#define LOGGER_MAX_SIZE_DEFAULT   ((uint64_t)10 * 1024 * 1024)
#define LOGGER_MAX_FILES_DEFAULT  3
#define LOGGER_MAX_BUFFER_DEFAULT ((uint32_t)1024 * 1024)

struct logger_request {
    uint32_t type; /* enum logger_request_type */
    uint32_t sequence;
    uint32_t value;     /* HELLO: the version; DETACH: the attachment */
    uint32_t streams;   /* OPEN, ATTACH: enum logger_streams; with a tty LOGGER_STDOUT */
    uint32_t driver;    /* OPEN: enum logger_driver */
    uint32_t flags;     /* OPEN: enum logger_flags */
    uint32_t max_files; /* OPEN: 1 to JSONLOG_FILES_MAX, the current one included */
    uint32_t
        max_buffer;    /* OPEN, LOGGER_NON_BLOCKING: bytes of the pipe, at most what the kernel allows a pipe (1 MiB) */
    uint64_t max_size; /* OPEN: bytes of one file, at least 4 KiB; UINT64_MAX: no limit */
    uint32_t text_size; /* OPEN: attrs, a JSON object that goes into each line, or nothing */
    char id[ID_SIZE];   /* 64 hex digits and a NUL; empty in HELLO, DETACH, LIST, SHUTDOWN */
};

struct logger_event {
    uint32_t type; /* enum logger_event_type */
    uint32_t sequence;
    uint32_t error;      /* REPLY: 0 or enum err_kind */
    uint32_t attachment; /* ATTACH_CLOSED */
    uint64_t bytes;      /* CONTAINER: read from the payload and logged */
    uint64_t lines;      /* CONTAINER: written */
    uint64_t dropped;    /* CONTAINER: lines that were not */
    uint32_t text_size;  /* REPLY: the error's message */
    char id[ID_SIZE];
};

/*
 * Checks a message as it came (size bytes, fd_count descriptors): *ret is it, and *ret_text its text (text_size bytes,
 * in data, not NUL-terminated). ERR_INVALID says what is wrong; ret->sequence is right then where there was a whole
 * header.
 */
int logger_request_read(const void *data, size_t size, unsigned fd_count, struct logger_request *ret,
                        const char **ret_text, struct err *err);
int logger_event_read(const void *data, size_t size, struct logger_event *ret, const char **ret_text, struct err *err);
