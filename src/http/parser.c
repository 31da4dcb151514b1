#include "http/parser.h"

#include "base/mem.h"
#include "base/str.h"
#include "base/vec.h"
#include "http/head.h"

#include <llhttp.h>
#include <stdlib.h>
#include <strings.h>

struct http_parser {
    llhttp_t llhttp;
    bool no_body;           /* the answer to HEAD */
    bool complete;          /* the message was read to its end */
    struct arena *arena;    /* while a head is read: where it goes */
    struct http_head *head; /* the same */
    struct buf *body;       /* while a piece of a body is read: where it goes */
};

static const struct {
    const char *name;
    llhttp_method_t llhttp;
} methods[HTTP_METHOD_COUNT] = {
    [HTTP_METHOD_GET] = {"GET", HTTP_GET},
    [HTTP_METHOD_HEAD] = {"HEAD", HTTP_HEAD},
    [HTTP_METHOD_POST] = {"POST", HTTP_POST},
    [HTTP_METHOD_PUT] = {"PUT", HTTP_PUT},
    [HTTP_METHOD_DELETE] = {"DELETE", HTTP_DELETE},
    [HTTP_METHOD_PATCH] = {"PATCH", HTTP_PATCH},
    [HTTP_METHOD_OPTIONS] = {"OPTIONS", HTTP_OPTIONS},
};

const char *http_method_name(enum http_method method)
{
    return methods[method].name ? methods[method].name : "";
}

/* --- What llhttp calls */

static int on_url(llhttp_t *llhttp, const char *at, size_t size)
{
    struct http_parser *parser = llhttp->data;
    parser->head->target = arena_strndup(parser->arena, at, size);
    return 0;
}

static int on_header_field(llhttp_t *llhttp, const char *at, size_t size)
{
    struct http_parser *parser = llhttp->data;
    if (!parser->head) {
        if (llhttp->type == HTTP_RESPONSE)
            return 0;
        llhttp_set_error_reason(llhttp, "trailers are not accepted");
        return HPE_USER;
    }
    struct http_field field = {.name = arena_strndup(parser->arena, at, size), .value = ""};
    vec_push_in(parser->arena, &parser->head->headers, field);
    return 0;
}

static int on_header_value(llhttp_t *llhttp, const char *at, size_t size)
{
    struct http_parser *parser = llhttp->data;
    if (!parser->head)
        return 0;
    while (size && (at[size - 1] == ' ' || at[size - 1] == '\t'))
        size--;
    parser->head->headers.items[parser->head->headers.count - 1].value = arena_strndup(parser->arena, at, size);
    return 0;
}

static int on_headers_complete(llhttp_t *llhttp)
{
    struct http_parser *parser = llhttp->data;
    parser->head->keep_alive = llhttp_should_keep_alive(llhttp);
    parser->head->content_length = llhttp->flags & F_CONTENT_LENGTH ? llhttp->content_length : 0;
    return parser->no_body ? 1 : 0;
}

static int on_body(llhttp_t *llhttp, const char *at, size_t size)
{
    struct http_parser *parser = llhttp->data;
    buf_add(parser->body, at, size);
    return buf_failed(parser->body) ? HPE_USER : 0;
}

static int on_message_complete(llhttp_t *llhttp)
{
    struct http_parser *parser = llhttp->data;
    parser->complete = true;
    return HPE_PAUSED; /* what follows is the next message's */
}

static const llhttp_settings_t settings = {
    .on_url = on_url,
    .on_header_field = on_header_field,
    .on_header_value = on_header_value,
    .on_headers_complete = on_headers_complete,
    .on_body = on_body,
    .on_message_complete = on_message_complete,
};

/* --- */

static struct http_parser *parser_new(llhttp_type_t type)
{
    struct http_parser *parser = NEW(struct http_parser);
    llhttp_init(&parser->llhttp, type, &settings);
    parser->llhttp.data = parser;
    return parser;
}

struct http_parser *http_parser_new_request(void)
{
    return parser_new(HTTP_REQUEST);
}

struct http_parser *http_parser_new_response(bool no_body)
{
    struct http_parser *parser = parser_new(HTTP_RESPONSE);
    parser->no_body = no_body;
    return parser;
}

void http_parser_free(struct http_parser *parser)
{
    free(parser);
}

static bool went_well(const struct http_parser *parser, llhttp_errno_t result)
{
    return result == HPE_OK || (parser->complete && (result == HPE_PAUSED || result == HPE_PAUSED_UPGRADE));
}

static enum http_method method_of(const llhttp_t *llhttp)
{
    for (int method = HTTP_METHOD_GET; method < HTTP_METHOD_COUNT; method++)
        if (methods[method].llhttp == llhttp->method)
            return (enum http_method)method;
    return HTTP_METHOD_NONE;
}

/* RFC 9112 section 6.1: one coding, chunked, and not from a 1.0 client; anything else hides where the message ends. */
static int check_transfer_encoding(const struct http_head *head, struct err *err)
{
    const char *coding = http_header(&head->headers, "Transfer-Encoding");
    if (!coding)
        return 0;
    if (head->http_1_0 || http_header_count(&head->headers, "Transfer-Encoding") > 1)
        return err_set(err, ERR_INVALID, "Transfer-Encoding is given twice, or with HTTP/1.0");
    if (strcasecmp(coding, "chunked") != 0)
        return err_set(err, ERR_UNSUPPORTED, "the transfer coding '%s' is not known here; chunked is", coding);
    return 0;
}

static int finish_request_head(struct http_parser *parser, struct http_head *head, struct err *err)
{
    head->method = method_of(&parser->llhttp);
    if (!head->method)
        return err_set(err, ERR_UNSUPPORTED, "the method %s is not known here",
                       llhttp_method_name(parser->llhttp.method));
    size_t hosts = http_header_count(&head->headers, "Host");
    if (hosts > 1 || (hosts == 0 && !head->http_1_0))
        return err_set(err, ERR_INVALID, "the request has %s", hosts ? "more than one Host header" : "no Host header");
    if (check_transfer_encoding(head, err) < 0)
        return -1;
    const char *expect = http_header(&head->headers, "Expect");
    head->expects_continue = expect && strcasecmp(expect, "100-continue") == 0 && !head->http_1_0;
    return 0;
}

int http_parser_head(struct http_parser *parser, struct arena *arena, const char *text, size_t size,
                     struct http_head *ret, struct err *err)
{
    struct http_head head = {0};
    bool request = parser->llhttp.type == HTTP_REQUEST;
    if ((request && http_request_line_check(text, err) < 0) || http_head_check(text, size, err) < 0)
        return -1;
    llhttp_reset(&parser->llhttp);
    parser->complete = false;
    parser->arena = arena;
    parser->head = &head;
    llhttp_errno_t result = llhttp_execute(&parser->llhttp, text, size);
    parser->head = NULL;
    parser->arena = NULL;
    if (!went_well(parser, result))
        return err_set(err, ERR_INVALID, "not HTTP as it is accepted here: %s",
                       llhttp_get_error_reason(&parser->llhttp));
    if (parser->llhttp.http_major != 1)
        return err_set(err, ERR_UNSUPPORTED, "HTTP/%d is not spoken here; HTTP/1.1 is", parser->llhttp.http_major);
    head.http_1_0 = parser->llhttp.http_minor == 0;
    head.upgrade = parser->llhttp.upgrade;
    head.has_body = !parser->complete;
    head.status = parser->llhttp.status_code;
    if (request && finish_request_head(parser, &head, err) < 0)
        return -1;
    *ret = head;
    return 0;
}

ssize_t http_parser_body(struct http_parser *parser, const char *data, size_t size, struct buf *body, struct err *err)
{
    if (parser->complete || !size)
        return 0;
    parser->body = body;
    llhttp_errno_t result = llhttp_execute(&parser->llhttp, data, size);
    parser->body = NULL;
    if (buf_failed(body))
        return err_set(err, ERR_LIMIT, "the body is larger than %zu bytes", body->max);
    if (!went_well(parser, result))
        return err_set(err, ERR_INVALID, "not a body as it is accepted here: %s",
                       llhttp_get_error_reason(&parser->llhttp));
    return parser->complete ? llhttp_get_error_pos(&parser->llhttp) - data : (ssize_t)size;
}

bool http_parser_complete(const struct http_parser *parser)
{
    return parser->complete;
}

int http_parser_finish(struct http_parser *parser, struct err *err)
{
    if (parser->complete)
        return 0;
    llhttp_errno_t result = llhttp_finish(&parser->llhttp);
    if (!parser->complete)
        return err_set(err, ERR_UNAVAILABLE, "the connection ended in the middle of a message%s%s",
                       result == HPE_OK ? "" : ": ", result == HPE_OK ? "" : llhttp_get_error_reason(&parser->llhttp));
    return 0;
}
