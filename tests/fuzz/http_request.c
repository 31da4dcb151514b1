/* Requests: head, target, route and body, fed in pieces whose size the first byte gives. */
#include "base/cleanup.h"
#include "base/str.h"
#include "http/head.h"
#include "http/parser.h"
#include "http/route.h"
#include "http/uri.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct http_route routes[] = {
    {HTTP_METHOD_GET, "/containers/{id}/json", .flags = HTTP_ROUTE_VERSIONED},
    {HTTP_METHOD_GET, "/images/{name*}/json", .flags = HTTP_ROUTE_VERSIONED},
    {HTTP_METHOD_POST, "/echo/{a*}/{b}/{c*}"},
};

static void parser_freep(struct http_parser **parser)
{
    http_parser_free(*parser);
}

static void read_target(const struct http_head *head, struct arena *arena)
{
    struct http_fields params = {0}, query = {0};
    const struct http_route *route;
    struct http_api_version version;
    const char *allow;
    struct err err;
    size_t path_size = strcspn(head->target, "?");
    char *path = arena_strndup(arena, head->target, path_size);
    (void)http_route_find(routes, ARRAY_SIZE(routes), head->method, path, arena, &route, &params, &version, &allow,
                          &err);
    (void)http_query_parse(arena, head->target + path_size, &query, &err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    struct arena arena cleanup(arena_done) = {0};
    struct buf body cleanup(buf_done) = BUF(1000);
    struct http_parser *parser cleanup(parser_freep) = http_parser_new_request();
    struct http_head head;
    struct err err;
    const char *text = (const char *)data + 1, *end = text + size - 1;
    size_t step = data[0] ? data[0] : 1000, scanned = 0;
    ssize_t n = http_head_find(text, (size_t)(end - text), &scanned, &err);
    if (n <= 0 || http_parser_head(parser, &arena, text, (size_t)n, &head, &err) < 0)
        return 0;
    read_target(&head, &arena);
    for (text += n; text < end && !http_parser_complete(parser); text += n)
        if ((n = http_parser_body(parser, text, (size_t)(end - text) < step ? (size_t)(end - text) : step, &body,
                                  &err)) < 0)
            break;
    return 0;
}
