#include "http/reply.h"

#include "codec/json.h"
#include "http/connection.h"
#include "http/server_private.h"
#include "http/status.h"

#include <assert.h>
#include <stdio.h>
#include <time.h>

void http_reply_header(struct http_request *request, const char *name, const char *format, ...)
{
    struct buf *headers = &exchange_of(request)->headers;
    buf_printf(headers, "%s: ", name);
    va_list args;
    va_start(args, format);
    size_t start = headers->size;
    buf_vprintf(headers, format, args);
    va_end(args);
    /* A value with a line break in it would be two headers, the second of somebody else's choice. */
    for (size_t i = start; i < headers->size; i++)
        if ((unsigned char)headers->data[i] < 0x20)
            headers->data[i] = ' ';
    buf_adds(headers, "\r\n");
}

/* --- Heads */

static void add_date(struct buf *out)
{
    char text[64];
    time_t now = time(NULL);
    struct tm tm;
    (void)strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&now, &tm));
    buf_printf(out, "Date: %s\r\n", text);
}

/* The status line and the headers that all answers have. */
static void begin_head(struct exchange *x, int status, const char *content_type)
{
    const char *name = server_of(x)->options.name;
    x->no_body = x->request.method == HTTP_METHOD_HEAD || status == 204 || status == 304;
    /* What follows a request that was not read whole is no request. */
    x->keep_alive = x->request.head.keep_alive && http_parser_complete(x->parser);
    buf_printf(&x->out, "HTTP/1.1 %d %s\r\n", status, http_status_phrase(status));
    if (name)
        buf_printf(&x->out, "Server: %s\r\n", name);
    add_date(&x->out);
    if (content_type)
        buf_printf(&x->out, "Content-Type: %s\r\n", content_type);
    buf_add(&x->out, x->headers.data, x->headers.size);
}

static void end_head(struct exchange *x)
{
    if (!x->keep_alive)
        buf_adds(&x->out, "Connection: close\r\n");
    else if (x->request.head.http_1_0)
        buf_adds(&x->out, "Connection: keep-alive\r\n");
    buf_adds(&x->out, "\r\n");
}

/* --- Whole answers */

void http_reply(struct http_request *request, int status, const char *content_type, const void *data, size_t size)
{
    struct exchange *x = exchange_of(request);
    assert(x->state == EXCHANGE_HANDLED);
    begin_head(x, status, content_type);
    if (status != 204 && status != 304)
        buf_printf(&x->out, "Content-Length: %zu\r\n", size);
    end_head(x);
    if (!x->no_body)
        buf_add(&x->out, data, size);
    exchange_set_state(x, buf_failed(&x->out) ? EXCHANGE_BROKEN : EXCHANGE_ANSWERED);
    exchange_answer(x);
}

void http_reply_json(struct http_request *request, int status, const struct buf *json)
{
    if (!buf_failed(json)) {
        http_reply(request, status, "application/json", json->data, json->size);
        return;
    }
    struct err err;
    err_set(&err, ERR_LIMIT, "the answer would be larger than %zu bytes; ask for less of it", json->max);
    http_reply_status_err(request, 500, &err);
}

void http_reply_empty(struct http_request *request, int status)
{
    http_reply(request, status, NULL, NULL, 0);
}

void http_reply_status_err(struct http_request *request, int status, const struct err *err)
{
    struct buf json cleanup(buf_done) = BUF(8 * ERR_MESSAGE_MAX);
    struct json_out out = {.buf = &json};
    json_put_object(&out);
    json_key_string(&out, "message", err->message);
    json_key_string(&out, "kind", err_kind_name(err->kind));
    json_put_object_end(&out);
    buf_addc(&json, '\n');
    http_reply(request, status, "application/json", json.data, json.size);
}

void http_reply_err(struct http_request *request, const struct err *err)
{
    int status = http_status_of(err->kind);
    if (status == 304)
        http_reply_empty(request, status);
    else
        http_reply_status_err(request, status, err);
}

/* --- Streams */

void http_stream_start(struct http_request *request, int status, const char *content_type)
{
    struct exchange *x = exchange_of(request);
    assert(x->state == EXCHANGE_HANDLED);
    begin_head(x, status, content_type);
    x->chunked = !request->head.http_1_0;
    if (x->chunked)
        buf_adds(&x->out, "Transfer-Encoding: chunked\r\n");
    else
        x->keep_alive = false;
    end_head(x);
    exchange_set_state(x, EXCHANGE_STREAMING);
    exchange_answer(x);
}

size_t http_stream_room(const struct http_request *request)
{
    const struct exchange *x = exchange_of(request);
    size_t held = x->out.size - x->sent;
    return x->state == EXCHANGE_STREAMING && held < HTTP_STREAM_ROOM ? HTTP_STREAM_ROOM - held : 0;
}

void http_stream_write(struct http_request *request, const void *data, size_t size)
{
    struct exchange *x = exchange_of(request);
    if (x->state != EXCHANGE_STREAMING || x->no_body || size == 0)
        return;
    if (x->out.size - x->sent + size > STREAM_HELD_MAX) {
        http_stream_abort(request);
        return;
    }
    if (x->chunked)
        buf_printf(&x->out, "%zx\r\n", size);
    buf_add(&x->out, data, size);
    if (x->chunked)
        buf_adds(&x->out, "\r\n");
    exchange_answer(x);
}

void http_stream_end(struct http_request *request)
{
    struct exchange *x = exchange_of(request);
    if (x->state != EXCHANGE_STREAMING)
        return;
    if (x->chunked && !x->no_body)
        buf_adds(&x->out, "0\r\n\r\n");
    exchange_set_state(x, EXCHANGE_ANSWERED);
    exchange_answer(x);
}

void http_stream_abort(struct http_request *request)
{
    struct exchange *x = exchange_of(request);
    exchange_set_state(x, EXCHANGE_BROKEN);
    exchange_answer(x);
}

/* --- Hijacking */

void http_hijack(struct http_request *request, const char *content_type,
                 void (*taken)(struct http_request *request, struct http_hijacked *connection))
{
    struct exchange *x = exchange_of(request);
    assert(x->state == EXCHANGE_HANDLED);
    bool upgrade = request->head.upgrade && http_header_has(&request->head.headers, "Upgrade", "tcp");
    buf_printf(&x->out, "HTTP/1.1 %s\r\nContent-Type: %s\r\n", upgrade ? "101 UPGRADED" : "200 OK", content_type);
    buf_add(&x->out, x->headers.data, x->headers.size);
    buf_adds(&x->out, upgrade ? "Connection: Upgrade\r\nUpgrade: tcp\r\n\r\n" : "\r\n");
    x->taken = taken;
    exchange_set_state(x, EXCHANGE_HIJACKED);
    exchange_answer(x);
}
