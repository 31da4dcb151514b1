#pragma once
/*
 * The HTTP/1.1 client: one call, one connection, on the event loop. The command line uses it through http_call_wait(),
 * agents through callbacks.
 */
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "event/loop.h"
#include "http/address.h"
#include "http/parser.h"

struct http_call;

struct http_call_ops {
    /* The answer's status and headers are there (http_call_head()); not called for 1xx. May be NULL. */
    void (*head)(struct http_call *call);
    /* Bytes of the body. NULL: they are collected, up to body_max, for http_call_body(). */
    void (*body)(struct http_call *call, const char *bytes, size_t size);
    /*
     * Fills the request's body: returns how many of size bytes it put there, 0 where there are none now
     * (http_call_resume() when there are), negative at the end of the body or with *err filled to give up.
     */
    ssize_t (*upload)(struct http_call *call, char *bytes, size_t size, struct err *err);
    /*
     * The connection is a plain stream from here (101, or 200 to a hijacking request): fd is the receiver's, early is
     * what came already. The call is over: done is not called.
     */
    void (*hijacked)(struct http_call *call, int fd, struct buf *early);
    /* The call is over; failure is NULL when the answer came as a whole, whatever its status. May free the call. */
    void (*done)(struct http_call *call, const struct err *failure);
};

struct http_call_options {
    struct loop *loop;
    const struct http_address *address;
    enum http_method method;
    const char *target;       /* path and query, encoded */
    const char *content_type; /* of the body; NULL: application/json where there is one */
    const void *body;         /* copied; NULL: none, or ops.upload */
    size_t body_size;
    const char *const *headers;      /* more of them: "Name: value", NULL-terminated; may be NULL */
    bool hijack;                     /* asks for Upgrade: tcp */
    size_t body_max;                 /* of a collected answer; 0: 64 MiB */
    const struct http_call_ops *ops; /* may be NULL */
    void *data;
};

/*
 * Connects and sends. A daemon that cannot be reached is ERR_UNAVAILABLE, said with its address and what to do about
 * it; for TCP that may also come with done().
 */
int http_call_start(const struct http_call_options *options, struct http_call **ret, struct err *err);
/* There are bytes for upload again. */
void http_call_resume(struct http_call *call);
/* Stops and starts to read the answer: backpressure for who cannot take more. */
void http_call_pause(struct http_call *call, bool pause);
void *http_call_data(const struct http_call *call);
const struct http_head *http_call_head(const struct http_call *call);
/* The collected body, NUL-terminated. */
const struct buf *http_call_body(const struct http_call *call);
void http_call_free(struct http_call *call);
DEFINE_CLEANUP(struct http_call *, http_call_free);

/* --- Waiting, for programs that have nothing else to do --------------------------------------------------------- */

struct http_response {
    int status;
    struct buf body;
};

void http_response_done(struct http_response *response);

/* The error that an answer of 400 or more tells of (http_reply_err()), of whatever server. Returns -1. */
int http_response_error(int status, const struct buf *body, struct err *err);

/*
 * Makes a call and waits for its whole answer. A status of 400 or more is an error: of the status' kind, with the
 * answer's "message" where it has one. options->loop and ops are not used.
 */
int http_call_wait(const struct http_call_options *options, struct http_response *ret, struct err *err);
