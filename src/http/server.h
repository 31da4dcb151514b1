#pragma once
/*
 * The HTTP/1.1 server: connections on the event loop, a table of routes, and answers that wait for the end of the
 * loop's turn.
 *
 * An idle connection costs one small struct; what a request needs is allocated at its first byte and freed with its
 * last. When max_connections are open, the one idle for longest makes room; where none is idle, new ones wait in the
 * listen queue.
 */
#include "base/cleanup.h"
#include "base/err.h"
#include "event/loop.h"
#include "http/request.h"
#include "http/route.h"

struct http_server;

struct http_server_options {
    struct loop *loop;
    const struct http_route *routes; /* must outlive the server */
    size_t route_count;
    void *context;    /* becomes request->context */
    const char *name; /* the Server header, NULL: none */
    /*
     * Called before each handler; may add headers to the answer (http_reply_header). Negative: the error is the answer.
     * May be NULL.
     */
    int (*admit)(struct http_request *request, struct err *err);
    size_t max_connections; /* 0: 4,096 */
    int head_timeout_ms;    /* from the first byte of a head to its last; 0: 30,000 */
    int body_timeout_ms;    /* between two reads of a body that is collected; 0: 60,000 */
};

struct http_server *http_server_new(const struct http_server_options *options);

/* Accepts on a listening socket (http/listener.h), which becomes the server's. local: it is a unix socket. */
int http_server_listen(struct http_server *server, int fd, bool local, struct err *err);

/*
 * Lets go what was answered since the last call. The daemon calls it at the end of each turn, after its commit. Nothing
 * that a handler answered is written before.
 */
void http_server_flush(struct http_server *server);
/* The turn's changes could not be committed: whole answers that wait become this error; then as http_server_flush(). */
void http_server_fail(struct http_server *server, const struct err *err);

/* Stops to accept; open requests go on. */
void http_server_stop_listening(struct http_server *server);
size_t http_server_connections(const struct http_server *server);
/* Requests whose answer is not written yet: what a daemon that ends waits for. */
size_t http_server_requests(const struct http_server *server);
/* Closes everything; `over` is called for requests in flight. */
void http_server_free(struct http_server *server);
DEFINE_CLEANUP(struct http_server *, http_server_free);
