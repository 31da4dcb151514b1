#pragma once
/* Paths and queries: percent-encoding (RFC 3986) and application/x-www-form-urlencoded (WHATWG URL, section 5). */
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "http/fields.h"

#define HTTP_QUERY_MAX 256 /* parameters of one request */

/*
 * Decodes size bytes of text into arena. plus: '+' is a space (queries, not paths). A broken escape or an encoded NUL
 * is ERR_INVALID.
 */
int http_percent_decode(struct arena *arena, const char *text, size_t size, bool plus, const char **ret,
                        struct err *err);

/* Adds the parameters of "a=1&b=2&a=3" to fields, decoded, in arena. A name without '=' has the value "". */
int http_query_parse(struct arena *arena, const char *query, struct http_fields *fields, struct err *err);

/* Appends text, everything but RFC 3986's unreserved characters encoded. */
void http_percent_encode(struct buf *b, const char *text);
/* The same, but '/' is kept: for names that contain slashes, such as those of images. */
void http_path_encode(struct buf *b, const char *text);
/* Appends "?name=value" or "&name=value", as b needs. A NULL value adds nothing. */
void http_query_add(struct buf *b, const char *name, const char *value);
