/* Answers as the client reads them, fed in pieces; the first byte gives their size, its lowest bit whether HEAD was
 * asked. */
#include "base/cleanup.h"
#include "http/head.h"
#include "http/parser.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void parser_freep(struct http_parser **parser)
{
    http_parser_free(*parser);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    struct arena arena cleanup(arena_done) = {0};
    struct buf body cleanup(buf_done) = BUF(1000);
    struct http_parser *parser cleanup(parser_freep) = http_parser_new_response(data[0] & 1);
    struct http_head head;
    struct err err;
    const char *text = (const char *)data + 1, *end = text + size - 1;
    size_t step = data[0] ? data[0] : 1000, scanned = 0;
    ssize_t n = http_head_find(text, (size_t)(end - text), &scanned, &err);
    if (n <= 0 || http_parser_head(parser, &arena, text, (size_t)n, &head, &err) < 0)
        return 0;
    for (text += n; text < end && !http_parser_complete(parser); text += n)
        if ((n = http_parser_body(parser, text, (size_t)(end - text) < step ? (size_t)(end - text) : step, &body,
                                  &err)) < 0)
            return 0;
    (void)http_parser_finish(parser, &err);
    return 0;
}
