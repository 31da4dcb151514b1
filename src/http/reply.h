#pragma once
/*
 * Answers. One for each request: whole (http_reply…), streamed (http_stream_…) or hijacked (http_hijack). None writes
 * at once: what a turn of the loop answers goes out with http_server_flush(), after the turn's changes are committed.
 *
 * A handler may answer now, or keep the request and answer in a later turn; then it sets request->over.
 */
#include "base/buf.h"
#include "base/err.h"
#include "http/request.h"

/* A header for the answer to come; before the functions below. */
void http_reply_header(struct http_request *request, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* A whole answer. The bytes are copied. */
void http_reply(struct http_request *request, int status, const char *content_type, const void *data, size_t size);
/* application/json; text may come from a JSON writer's buffer. A buffer that failed (its maximum) becomes an error 500.
 */
void http_reply_json(struct http_request *request, int status, const struct buf *json);
void http_reply_empty(struct http_request *request, int status);
/*
 * {"message":"…","kind":"not found"} with the status of the error's kind (http/status.h); ERR_NOT_MODIFIED has no body.
 * Clients of the Docker API read the message; ours learn what the status alone does not tell.
 */
void http_reply_err(struct http_request *request, const struct err *err);
/* The same with a status of the caller's choice. */
void http_reply_status_err(struct http_request *request, int status, const struct err *err);

/* --- Streams ------------------------------------------------------------------------------------------------------ */

#define HTTP_STREAM_ROOM (64 * 1024)

/*
 * Begins an answer whose length nobody knows yet (chunked, or until the connection's end for HTTP/1.0 clients). From
 * here on request->pull, where set, is called when all that was written has gone to the client: once soon after the
 * start, then after each time. A source that has data at hand writes up to HTTP_STREAM_ROOM bytes in each call; one
 * that waits for events returns without writing, and writes when it has some.
 */
void http_stream_start(struct http_request *request, int status, const char *content_type);
/* Bytes that may still be written before the client must read; 0: wait for pull. More is taken, and held in memory. */
size_t http_stream_room(const struct http_request *request);
void http_stream_write(struct http_request *request, const void *data, size_t size);
void http_stream_end(struct http_request *request);
/* Breaks the connection, so that the client sees that the answer is not whole. request->over is called with
 * client_gone. */
void http_stream_abort(struct http_request *request);

/* --- Hijacking ---------------------------------------------------------------------------------------------------- */

struct http_hijacked {
    int fd;            /* the connection; the receiver's, non-blocking */
    struct buf *early; /* what the client sent after its request; the receiver takes what it needs before it returns */
};

/*
 * Turns the connection into a plain stream (attach, exec): "101 UPGRADED" to a client that asked for `Upgrade: tcp`,
 * "200 OK" to one that did not, both with content_type (Docker Engine API, "Attach to a container"). When that is
 * written, taken is called with the connection and the request is over: no call of `over`, nor of anything else,
 * follows. Where the client goes away before, `over` is called.
 */
void http_hijack(struct http_request *request, const char *content_type,
                 void (*taken)(struct http_request *request, struct http_hijacked *connection));
