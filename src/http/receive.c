/* The way in: from bytes that were read to a handler's call, and a body's way to its sink. */
#include "base/str.h"
#include "http/connection.h"
#include "http/head.h"
#include "http/server_private.h"
#include "http/status.h"
#include "http/uri.h"

#include <sys/socket.h>

void exchange_refuse(struct exchange *x, int status, const struct err *err)
{
    struct http_request *request = &x->request;
    exchange_set_state(x, EXCHANGE_HANDLED);
    http_reply_status_err(request, status, err);
}

static void call_handler(struct exchange *x)
{
    exchange_set_state(x, EXCHANGE_HANDLED);
    x->request.route->handler(&x->request);
}

/* RFC 9110 section 10.1.1. Written at once: it promises nothing but that the body will be read. */
static void tell_to_continue(struct exchange *x)
{
    static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
    if (x->request.head.expects_continue && !x->in.size && !http_parser_complete(x->parser))
        (void)send(x->connection->io.fd, text, sizeof(text) - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
    x->request.head.expects_continue = false;
}

/* Fills request->path and query from the target: origin-form, or absolute-form as clients of proxies send it (RFC 9112
 * section 3.2). */
static int read_target(struct http_request *request, struct err *err)
{
    const char *target = request->head.target;
    const char *authority = str_after(target, "http://");
    const char *path = authority ? authority + strcspn(authority, "/?") : target;
    if (*path != '/')
        return err_set(err, ERR_INVALID, "the request's target is no path: '%.100s'", target);
    size_t size = strcspn(path, "?#");
    request->path = arena_strndup(&request->arena, path, size);
    return path[size] == '?' ? http_query_parse(&request->arena, path + size + 1, &request->query, err) : 0;
}

/* Finds the route; refuses the request and returns false where there is none. */
static bool find_route(struct exchange *x)
{
    struct http_request *request = &x->request;
    const struct http_server_options *options = &server_of(x)->options;
    const char *allow = NULL;
    struct err err;
    if (http_route_find(options->routes, options->route_count, request->method, request->path, &request->arena,
                        &request->route, &request->params, &request->version, &allow, &err) < 0) {
        if (allow)
            http_reply_header(request, "Allow", "%s", allow);
        exchange_refuse(x, allow ? 405 : http_status_of(err.kind), &err);
        return false;
    }
    if (request->version.major)
        request->path = strchr(request->path + 1, '/');
    return true;
}

/* What can be said of a request before its body is read. */
static int check_request(struct exchange *x, struct err *err)
{
    struct http_request *request = &x->request;
    const struct http_server_options *options = &server_of(x)->options;
    const char *expect = http_header(&request->head.headers, "Expect");
    if (expect && !request->head.expects_continue && !request->head.http_1_0)
        return err_set(err, ERR_INVALID, "'Expect: %s' cannot be met here", expect);
    if (!(request->route->flags & HTTP_ROUTE_STREAM_BODY) && request->head.content_length > request->body.max)
        return err_set(err, ERR_LIMIT, "the body is larger than %zu bytes", request->body.max);
    return options->admit ? options->admit(request, err) : 0;
}

static void receive_body(struct exchange *x);

static void begin_request(struct exchange *x)
{
    struct http_request *request = &x->request;
    const struct http_route *route = request->route;
    struct err err;
    request->body = BUF(route->body_max ? route->body_max : HTTP_BODY_DEFAULT_MAX);
    if (check_request(x, &err) < 0) {
        exchange_refuse(x, http_status_of(err.kind), &err);
    } else if (route->flags & HTTP_ROUTE_STREAM_BODY) {
        call_handler(x);
    } else {
        exchange_set_state(x, EXCHANGE_READ_BODY);
        tell_to_continue(x);
        receive_body(x);
    }
}

static void receive_head(struct exchange *x)
{
    struct http_request *request = &x->request;
    struct err err;
    while (x->in.size >= 2 && x->in.data[0] == '\r' && x->in.data[1] == '\n')
        buf_consume(&x->in, 2); /* RFC 9112 section 2.2: empty lines before a request */
    ssize_t size = http_head_find(buf_str(&x->in), x->in.size, &x->scanned, &err);
    if (size == 0)
        return;
    if (size < 0 || http_parser_head(x->parser, &request->arena, x->in.data, (size_t)size, &request->head, &err) < 0) {
        exchange_refuse(x, err.kind == ERR_LIMIT ? 431 : http_status_of(err.kind), &err);
        return;
    }
    buf_consume(&x->in, (size_t)size);
    request->method = request->head.method;
    if (read_target(request, &err) < 0)
        exchange_refuse(x, http_status_of(err.kind), &err);
    else if (find_route(x))
        begin_request(x);
}

/* Parses what is there into out; false where it is no body, and the request is over for it. */
static bool parse_body(struct exchange *x, struct buf *out)
{
    struct err err;
    ssize_t taken = http_parser_body(x->parser, x->in.data, x->in.size, out, &err);
    if (taken < 0 && x->state == EXCHANGE_READ_BODY)
        exchange_refuse(x, http_status_of(err.kind), &err);
    else if (taken < 0)
        http_stream_abort(&x->request); /* the handler is at work already: it learns that the client is of no use */
    if (taken < 0)
        return false;
    buf_consume(&x->in, (size_t)taken);
    return true;
}

static void receive_body(struct exchange *x)
{
    if (!parse_body(x, &x->request.body))
        return;
    if (http_parser_complete(x->parser))
        call_handler(x);
    else
        exchange_set_state(x, EXCHANGE_READ_BODY); /* winds up the timer */
}

/* --- Bodies that go to a sink */

static bool sink_waits(const struct exchange *x)
{
    return x->sink && !x->sink_full && !x->sink_ended &&
           (x->state == EXCHANGE_HANDLED || x->state == EXCHANGE_STREAMING);
}

static void feed_sink(struct exchange *x)
{
    if (x->piece.size) {
        size_t taken = x->sink->take(&x->request, x->piece.data, x->piece.size);
        x->sink_full = taken < x->piece.size;
        buf_consume(&x->piece, taken);
    }
    if (sink_waits(x) && http_parser_complete(x->parser)) {
        x->sink_ended = true;
        x->sink->end(&x->request);
    }
}

static void receive_streamed(struct exchange *x)
{
    do {
        if (!x->piece.size && !http_parser_complete(x->parser) && !parse_body(x, &x->piece))
            return;
        feed_sink(x);
    } while (sink_waits(x) && x->in.size);
}

bool exchange_wants_bytes(const struct exchange *x)
{
    switch (x->state) {
    case EXCHANGE_READ_HEAD:
    case EXCHANGE_READ_BODY:
    case EXCHANGE_DRAINING:
        return true;
    default:
        return sink_waits(x) && !x->in.size && !x->piece.size && !http_parser_complete(x->parser);
    }
}

void exchange_receive(struct exchange *x)
{
    if (x->state == EXCHANGE_READ_HEAD)
        receive_head(x);
    else if (x->state == EXCHANGE_READ_BODY)
        receive_body(x);
    if (sink_waits(x))
        receive_streamed(x);
}

void http_body_read(struct http_request *request, const struct http_body_sink *sink)
{
    struct exchange *x = exchange_of(request);
    x->sink = sink;
    tell_to_continue(x);
    exchange_run(x);
}

void http_body_resume(struct http_request *request)
{
    struct exchange *x = exchange_of(request);
    x->sink_full = false;
    exchange_run(x);
}
