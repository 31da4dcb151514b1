#include "http/client.h"

#include "base/mem.h"
#include "http/connect.h"
#include "http/head.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define READ_SIZE        (16 * 1024)
#define UPLOAD_PIECE     (32 * 1024)
#define REQUEST_MAX      (64UL * 1024 * 1024)
#define BODY_DEFAULT_MAX (64UL * 1024 * 1024)

struct http_call {
    struct io io;
    struct loop *loop;
    struct http_call_ops ops;
    void *data;
    struct http_address address;
    enum http_method method;
    bool hijack;
    bool connecting; /* TCP: until the first write tells */
    bool uploading;  /* ops.upload has more */
    bool upload_waits;
    bool paused;
    bool has_head;
    bool over;
    struct deferred finished; /* tells done(), once nothing of the call is on the stack */
    bool failed;
    struct err failure;

    struct buf out;
    size_t sent;
    struct buf in;
    size_t scanned;
    struct http_parser *parser;
    struct arena arena;
    struct http_head head;
    struct buf body;
};

/* --- The end of a call */

static void tell_done(struct deferred *deferred)
{
    struct http_call *call = container_of(deferred, struct http_call, finished);
    if (call->ops.done)
        call->ops.done(call, call->failed ? &call->failure : NULL);
}

/* The call is over, by a failure where there is one. What was read of the connection is all there will be. */
static void finish(struct http_call *call, const struct err *failure)
{
    if (call->over)
        return;
    call->over = true;
    if (failure) {
        call->failed = true;
        call->failure = *failure;
    }
    io_remove(&call->io);
    close_fd(&call->io.fd);
    loop_defer(call->loop, &call->finished);
}

static void watch(struct http_call *call)
{
    uint32_t events = call->paused ? 0 : EPOLLIN;
    if (call->connecting || call->sent < call->out.size || (call->uploading && !call->upload_waits))
        events |= EPOLLOUT;
    io_want(&call->io, events);
}

/* --- Sending */

static void add_request_line(struct http_call *call, const struct http_call_options *options)
{
    const struct http_address *address = options->address;
    buf_printf(&call->out, "%s %s HTTP/1.1\r\n", http_method_name(options->method), options->target);
    if (address->local)
        buf_adds(&call->out, "Host: localhost\r\n");
    else
        buf_printf(&call->out, strchr(address->host, ':') ? "Host: [%s]:%s\r\n" : "Host: %s:%s\r\n", address->host,
                   address->port);
    buf_adds(&call->out, "User-Agent: shoal/" SHOAL_VERSION "\r\n");
    buf_adds(&call->out, options->hijack ? "Connection: Upgrade\r\nUpgrade: tcp\r\n" : "Connection: close\r\n");
}

static void add_request(struct http_call *call, const struct http_call_options *options)
{
    struct buf *out = &call->out;
    add_request_line(call, options);
    for (const char *const *header = options->headers; header && *header; header++)
        buf_printf(out, "%s\r\n", *header);
    if (options->body || call->uploading)
        buf_printf(out, "Content-Type: %s\r\n", options->content_type ? options->content_type : "application/json");
    if (call->uploading)
        buf_adds(out, "Transfer-Encoding: chunked\r\n");
    else if (options->body || options->method == HTTP_METHOD_POST || options->method == HTTP_METHOD_PUT)
        buf_printf(out, "Content-Length: %zu\r\n", options->body_size);
    buf_adds(out, "\r\n");
    if (options->body)
        buf_add(out, options->body, options->body_size);
}

/* Fetches the next piece to upload; false where there is none now. */
static bool fetch_upload(struct http_call *call)
{
    char bytes[UPLOAD_PIECE];
    struct err err = {0};
    ssize_t n = call->ops.upload(call, bytes, sizeof(bytes), &err);
    if (n < 0 && err.kind) {
        finish(call, &err);
        return false;
    }
    buf_reset(&call->out);
    call->sent = 0;
    if (n < 0) {
        call->uploading = false;
        buf_adds(&call->out, "0\r\n\r\n");
    } else if (n == 0) {
        call->upload_waits = true;
        return false;
    } else {
        buf_printf(&call->out, "%zx\r\n", (size_t)n);
        buf_add(&call->out, bytes, (size_t)n);
        buf_adds(&call->out, "\r\n");
    }
    return true;
}

/* One send(2) at most, so that the answer is looked at in between. */
static void write_some(struct http_call *call)
{
    if (call->sent == call->out.size && !(call->uploading && !call->upload_waits && fetch_upload(call)))
        return;
    ssize_t n =
        send(call->io.fd, call->out.data + call->sent, call->out.size - call->sent, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n >= 0) {
        call->sent += (size_t)n;
    } else if (errno != EAGAIN && errno != EINTR) {
        /* The peer wants no more of it. It may have said why: what it wrote is still to be read. */
        call->uploading = false;
        call->sent = call->out.size;
    }
}

/* --- Receiving */

static void hand_over(struct http_call *call)
{
    int fd = call->io.fd;
    io_remove(&call->io);
    call->io.fd = -1;
    call->over = true;
    call->ops.hijacked(call, fd, &call->in);
}

/* Reads a head, if it is there; false while it is not, or when the call is over for it. */
static bool receive_head(struct http_call *call)
{
    struct err err;
    ssize_t size = http_head_find(buf_str(&call->in), call->in.size, &call->scanned, &err);
    if (size == 0)
        return false;
    if (size < 0 || http_parser_head(call->parser, &call->arena, call->in.data, (size_t)size, &call->head, &err) < 0) {
        err_wrap(&err, "the daemon's answer");
        finish(call, &err);
        return false;
    }
    buf_consume(&call->in, (size_t)size);
    if (call->head.status >= 100 && call->head.status < 200 && call->head.status != 101)
        return true;
    call->has_head = true;
    if (call->hijack && (call->head.status == 101 || call->head.status == 200)) {
        hand_over(call);
        return false;
    }
    if (call->ops.head)
        call->ops.head(call);
    return true;
}

static void receive_body(struct http_call *call)
{
    struct err err;
    ssize_t taken = http_parser_body(call->parser, buf_str(&call->in), call->in.size, &call->body, &err);
    if (taken < 0) {
        err_wrap(&err, "the daemon's answer");
        finish(call, &err);
        return;
    }
    buf_consume(&call->in, (size_t)taken);
    if (call->ops.body && call->body.size) {
        call->ops.body(call, call->body.data, call->body.size);
        buf_reset(&call->body);
    }
    if (http_parser_complete(call->parser))
        finish(call, NULL);
}

static void receive(struct http_call *call)
{
    while (!call->has_head && !call->over)
        if (!receive_head(call))
            return;
    if (!call->over)
        receive_body(call);
}

static void peer_closed(struct http_call *call)
{
    struct err err;
    if (!call->has_head) {
        err_set(&err, ERR_UNAVAILABLE, "the daemon closed the connection without an answer");
        finish(call, &err);
    } else if (http_parser_finish(call->parser, &err) < 0) {
        finish(call, &err);
    } else {
        finish(call, NULL);
    }
}

static void read_some(struct http_call *call)
{
    void *room = buf_reserve(&call->in, READ_SIZE);
    ssize_t n = recv(call->io.fd, room, READ_SIZE, MSG_DONTWAIT);
    struct err err;
    if (n > 0) {
        buf_claim(&call->in, (size_t)n);
        receive(call);
    } else if (n == 0) {
        peer_closed(call);
    } else if (errno != EAGAIN && errno != EINTR) {
        err_errno(&err, errno, "the connection to the daemon broke");
        finish(call, &err);
    }
}

static bool is_connected(struct http_call *call)
{
    int error = 0;
    socklen_t size = sizeof(error);
    (void)getsockopt(call->io.fd, SOL_SOCKET, SO_ERROR, &error, &size);
    call->connecting = false;
    if (!error)
        return true;
    struct err err;
    http_unreachable(&call->address, error, &err);
    finish(call, &err);
    return false;
}

static void call_ready(struct io *io, uint32_t events)
{
    struct http_call *call = container_of(io, struct http_call, io);
    if (call->connecting && !is_connected(call))
        return;
    if (events & EPOLLOUT)
        write_some(call);
    if (call->paused && events & (EPOLLHUP | EPOLLERR))
        io_remove(io); /* cannot be masked, and would be told again and again; http_call_pause() watches again */
    else if (!call->over && events & (EPOLLIN | EPOLLHUP | EPOLLERR))
        read_some(call);
    if (!call->over)
        watch(call);
}

/* --- Life */

int http_call_start(const struct http_call_options *options, struct http_call **ret, struct err *err)
{
    int fd = http_connect(options->address, err);
    if (fd < 0)
        return -1;
    struct http_call *call = NEW(struct http_call);
    if (options->ops)
        call->ops = *options->ops;
    call->data = options->data;
    call->loop = options->loop;
    call->address = *options->address;
    call->method = options->method;
    call->hijack = options->hijack;
    call->connecting = !options->address->local;
    call->uploading = call->ops.upload && !options->body;
    call->finished.call = tell_done;
    call->io.ready = call_ready;
    call->io.fd = fd;
    call->out = BUF(REQUEST_MAX);
    call->in = BUF(HTTP_HEAD_MAX + 2 * READ_SIZE);
    call->body = BUF(options->body_max ? options->body_max : BODY_DEFAULT_MAX);
    call->parser = http_parser_new_response(options->method == HTTP_METHOD_HEAD);
    add_request(call, options);
    if (buf_failed(&call->out)) {
        http_call_free(call);
        return err_set(err, ERR_LIMIT, "the request is larger than %lu MiB", REQUEST_MAX >> 20);
    }
    if (io_add(&call->io, options->loop, fd, EPOLLIN | EPOLLOUT, err) < 0) {
        http_call_free(call);
        return -1;
    }
    *ret = call;
    return 0;
}

void http_call_resume(struct http_call *call)
{
    call->upload_waits = false;
    watch(call);
}

void http_call_pause(struct http_call *call, bool pause)
{
    struct err err;
    call->paused = pause;
    if (call->over)
        return;
    if (!pause && !call->io.loop && io_add(&call->io, call->loop, call->io.fd, EPOLLIN, &err) < 0)
        finish(call, &err);
    else
        watch(call);
}

void *http_call_data(const struct http_call *call)
{
    return call->data;
}

const struct http_head *http_call_head(const struct http_call *call)
{
    return &call->head;
}

const struct buf *http_call_body(const struct http_call *call)
{
    return &call->body;
}

void http_call_free(struct http_call *call)
{
    if (!call)
        return;
    io_remove(&call->io);
    close_fd(&call->io.fd);
    deferred_cancel(&call->finished);
    http_parser_free(call->parser);
    arena_done(&call->arena);
    buf_done(&call->out);
    buf_done(&call->in);
    buf_done(&call->body);
    free(call);
}
