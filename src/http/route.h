#pragma once
/*
 * Routes: a table of method, pattern and handler. In a pattern {name} takes one segment of the path and {name*} one or
 * more, slashes included ("/images/{name*}/json"). The first that fits is taken, so the narrower one stands first. HEAD
 * goes to the route of GET where it has none of its own.
 */
#include "base/arena.h"
#include "base/err.h"
#include "http/fields.h"
#include "http/parser.h"

#include <stdbool.h>
#include <stddef.h>

struct http_request;

enum http_route_flags {
    HTTP_ROUTE_VERSIONED = 1 << 0,   /* may be called as /vX.YY/…, as the Docker Engine API is */
    HTTP_ROUTE_STREAM_BODY = 1 << 1, /* called before the body came: the handler reads it with http_body_read() */
};

#define HTTP_BODY_DEFAULT_MAX (1024 * 1024)

struct http_route {
    enum http_method method;
    const char *pattern;
    /* Called when the request is there (but for HTTP_ROUTE_STREAM_BODY: as a whole). Answers now or later, see
     * http/reply.h. */
    void (*handler)(struct http_request *request);
    size_t body_max; /* bytes of body that are collected; more is 413. 0: HTTP_BODY_DEFAULT_MAX */
    unsigned flags;
};

struct http_api_version {
    int major, minor; /* 0.0 where the path had none */
};

/*
 * Finds the route of method and path (still percent-encoded; parameters come out decoded, in arena). A leading /vX.YY
 * goes to *ret_version. ERR_NOT_FOUND: no such path; ERR_UNSUPPORTED: the path exists with other methods, which
 * *ret_allow names
 * ("GET, HEAD").
 */
int http_route_find(const struct http_route *routes, size_t count, enum http_method method, const char *path,
                    struct arena *arena, const struct http_route **ret, struct http_fields *ret_params,
                    struct http_api_version *ret_version, const char **ret_allow, struct err *err);
