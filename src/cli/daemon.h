#pragma once
/*
 * Calls to the daemon, for commands that have nothing else to do meanwhile. Answers are JSON: the caller frees them
 * with json_free(). An answer of 400 or more is an error of its status' kind, with the daemon's own words.
 */
#include "cli/cli.h"
#include "codec/json.h"
#include "http/client.h"

struct daemon {
    struct http_address address;
    struct arena *arena; /* of the command line, for targets */
};

/* The daemon that --host, $DOCKER_HOST or the default names. Nothing is dialled yet. */
int daemon_find(struct cli *cli, struct daemon *ret, struct err *err);

/* name, percent-encoded but for its slashes: for use in targets. */
const char *daemon_encode(const struct daemon *daemon, const char *name);

/* Returns the status. body may be NULL, and so may ret (the answer is thrown away); *ret is NULL for an empty answer.
 */
int daemon_call(const struct daemon *daemon, enum http_method method, const char *target, const struct buf *body,
                json_value **ret, struct err *err);
int daemon_get(const struct daemon *daemon, const char *target, json_value **ret, struct err *err);
int daemon_post(const struct daemon *daemon, const char *target, const struct buf *body, json_value **ret,
                struct err *err);

/* An answer that comes in pieces, for as long as the daemon has something to say. */
struct daemon_stream {
    enum http_method method;
    const char *target;
    const struct buf *body;                    /* may be NULL */
    const char *content_type;                  /* NULL: JSON */
    const char *const *headers;                /* more of them, NULL-terminated; may be NULL */
    int upload_fd;                             /* sent as the body; -1: none. A file or pipe */
    void (*uploaded)(void *data, size_t size); /* so many bytes of it were sent. May be NULL */
    /* Bytes as they come. Negative, with *err filled, ends it. */
    int (*bytes)(void *data, const char *bytes, size_t size, struct err *err);
    /* Instead of that: each line, as JSON. */
    int (*line)(void *data, const json_value *value, struct err *err);
    void *data;
    struct loop *loop; /* to wait on, with what else lives there; NULL: its own */
    const bool *stop;  /* ends it when it becomes true; NULL: never */
};

int daemon_follow(const struct daemon *daemon, const struct daemon_stream *stream, struct err *err);
