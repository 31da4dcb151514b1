#pragma once
/*
 * A request as its handler sees it. It lives from its head to the end of its answer: `over` tells of that end.
 * Everything it points to is its own and dies with it.
 */
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "http/fields.h"
#include "http/parser.h"
#include "http/route.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct http_request {
    enum http_method method;
    const char *path; /* as sent, without query and without /vX.YY */
    struct http_head head;
    struct http_fields query;
    struct http_fields params; /* of the route's pattern */
    struct http_api_version version;
    const struct http_route *route;
    struct buf body;    /* as a whole, but for HTTP_ROUTE_STREAM_BODY */
    struct arena arena; /* for the handler's use too */
    void *context;      /* the server's options.context */
    bool local;         /* over a unix socket */

    /* The handler's own: what it needs to answer later. */
    void *data;
    /*
     * Set by a handler that answers later: called once, when the answer was written as a whole, or when the client went
     * away before it was (client_gone). Nobody may touch the request after it.
     */
    void (*over)(struct http_request *request, bool client_gone);
    /* Set by a handler that streams: there is room again, see http_stream_start(). */
    void (*pull)(struct http_request *request);
};

/* A parameter of the route's pattern; "" where the pattern has none of that name. */
const char *http_param(const struct http_request *request, const char *name);
/* The first value of a query parameter; NULL where absent. Repeated ones: walk request->query. */
const char *http_query(const struct http_request *request, const char *name);
/* As Docker reads them: absent, "", "0", "no", "false" and "none" are false (whatever the case), everything else is
 * true. */
bool http_query_bool(const struct http_request *request, const char *name);
/* The number, fallback where absent or empty; ERR_INVALID names the parameter. */
int http_query_i64(const struct http_request *request, const char *name, int64_t fallback, int64_t *ret,
                   struct err *err);

/* --- Bodies that are not collected (HTTP_ROUTE_STREAM_BODY) ------------------------------------------------------- */

struct http_body_sink {
    /* Takes bytes; returns how many. Fewer than size: it is full, and will call http_body_resume(). */
    size_t (*take)(struct http_request *request, const char *bytes, size_t size);
    /* The body is complete. Where the client goes away before that, `over` is called instead. */
    void (*end)(struct http_request *request);
};

/*
 * Starts to read the body; nothing is read, and the client is not told to go on (100-continue), before. May be called
 * from the handler or later. The client is read no faster than the sink takes.
 */
void http_body_read(struct http_request *request, const struct http_body_sink *sink);
void http_body_resume(struct http_request *request);

/*
 * The body goes into a pipe or socket, which is the function's from here on (made non-blocking, and closed at the end).
 * done is called once: with NULL when everything is in it, with an error when its reader went away; not when the client
 * did (`over`).
 */
void http_body_to_fd(struct http_request *request, int fd,
                     void (*done)(struct http_request *request, struct err *failure));
