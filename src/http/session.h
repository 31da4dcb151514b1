#pragma once
/*
 * A client's connection that is kept: calls follow each other on it, one at a time, each with its whole answer
 * collected. For programs that make many small calls to one server; http/client.h has bodies in pieces, uploads and
 * hijacking.
 *
 * The connection is made by the first call, and again by the next one where the server has closed it. A call that finds
 * it closed before a byte of the answer came is not repeated: it may have been carried out.
 */
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "event/loop.h"
#include "http/address.h"
#include "http/parser.h"

struct http_session;

struct http_session_ops {
    /*
     * The call under way has its answer, whatever its status, or failed (failure, with status 0 and an empty body).
     * body is valid until it returns. May make the next call, or free the session.
     */
    void (*done)(struct http_session *session, int status, const struct buf *body, const struct err *failure);
};

struct http_session_options {
    struct loop *loop;
    const struct http_address *address; /* copied */
    const struct http_session_ops *ops; /* must outlive it */
    void *data;
    size_t body_max; /* of an answer; 0: 64 MiB */
    bool reset;      /* TCP: closed by a reset, so that no socket lingers in TIME_WAIT */
};

struct http_session *http_session_new(const struct http_session_options *options);
/*
 * Makes a call, not HEAD; none may be under way. body is JSON, and copied; NULL: none. A server that cannot be reached
 * is told here.
 */
int http_session_call(struct http_session *session, enum http_method method, const char *target, const char *body,
                      size_t body_size, struct err *err);
void *http_session_data(const struct http_session *session);
void http_session_free(struct http_session *session);
DEFINE_CLEANUP(struct http_session *, http_session_free);
