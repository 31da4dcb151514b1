#pragma once
/*
 * HTTP/1.1 messages (RFC 9112), requests and responses. The framing (methods, versions, Content-Length, chunks,
 * keep-alive) is llhttp's work in its strict mode; this file alone includes it. What it lets pass and a second reader
 * of the same bytes might take otherwise is refused before it sees it (http/head.h).
 *
 * A message is read in two steps: its head, once it is there as a whole, and its body in pieces as they come.
 */
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "http/fields.h"

#include <stdint.h>
#include <sys/types.h>

enum http_method {
    HTTP_METHOD_NONE, /* of responses */
    HTTP_METHOD_GET,
    HTTP_METHOD_HEAD,
    HTTP_METHOD_POST,
    HTTP_METHOD_PUT,
    HTTP_METHOD_DELETE,
    HTTP_METHOD_PATCH,
    HTTP_METHOD_OPTIONS,
    HTTP_METHOD_COUNT,
};

/* "GET"; "" for HTTP_METHOD_NONE. */
const char *http_method_name(enum http_method method);

struct http_head {
    enum http_method method; /* requests */
    const char *target;      /* requests: as sent, from the arena */
    int status;              /* responses */
    bool http_1_0;           /* the peer's version: 1.0, else 1.1 */
    bool keep_alive;         /* may another message follow on this connection? */
    bool has_body;           /* are bytes of a body to come? */
    bool upgrade;            /* "Connection: upgrade" and an Upgrade header (of responses: with status 101) */
    bool expects_continue;   /* "Expect: 100-continue", and the client can be answered so */
    uint64_t content_length; /* 0 where unknown */
    struct http_fields headers;
};

struct http_parser;

struct http_parser *http_parser_new_request(void);
/* no_body: the answer to a HEAD request, which has a length and no body. */
struct http_parser *http_parser_new_response(bool no_body);
void http_parser_free(struct http_parser *parser);

/*
 * Reads a head of exactly size bytes, as http_head_find() found it. What *ret points to is copied into arena.
 * ERR_INVALID: not a head that is accepted here; ERR_UNSUPPORTED: a method, version or transfer coding that is not.
 */
int http_parser_head(struct http_parser *parser, struct arena *arena, const char *head, size_t size,
                     struct http_head *ret, struct err *err);

/*
 * Takes what follows the head and appends the body's bytes to body. Returns how much of data belonged to the message;
 * what is left belongs to the next one, or to the protocol after an upgrade.
 */
ssize_t http_parser_body(struct http_parser *parser, const char *data, size_t size, struct buf *body, struct err *err);

/* Has the whole message been read? */
bool http_parser_complete(const struct http_parser *parser);
/* The connection ended: is the message whole? (A response without a length ends with its connection.) */
int http_parser_finish(struct http_parser *parser, struct err *err);
