#include "http/session.h"

#include "base/mem.h"
#include "http/connect.h"
#include "http/head.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#define READ_SIZE        (64 * 1024)
#define REQUEST_MAX      (16UL * 1024 * 1024)
#define BODY_DEFAULT_MAX (64UL * 1024 * 1024)

struct http_session {
    struct io io; /* fd < 0: not connected */
    struct http_session_options options;
    struct http_address address;
    bool connecting; /* TCP: until the first event tells */
    bool busy;       /* a call is under way */
    bool has_head;

    struct buf out;
    size_t sent;
    struct buf in;
    size_t scanned;
    struct http_parser *parser;
    struct arena arena; /* of one answer */
    struct http_head head;
    struct buf body;
    struct deferred finished; /* tells done(), once nothing of the call is on the stack */
    bool failed;
    struct err failure;
};

static void disconnect(struct http_session *session)
{
    const struct linger at_once = {.l_onoff = 1};
    io_remove(&session->io);
    if (session->options.reset && session->io.fd >= 0)
        (void)setsockopt(session->io.fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    close_fd(&session->io.fd);
    buf_reset(&session->in);
}

static void tell_done(struct deferred *deferred)
{
    struct http_session *session = container_of(deferred, struct http_session, finished);
    session->busy = false;
    if (session->failed)
        buf_reset(&session->body);
    session->options.ops->done(session, session->failed ? 0 : session->head.status, &session->body,
                               session->failed ? &session->failure : NULL);
}

static void finish(struct http_session *session, const struct err *failure)
{
    session->failed = failure != NULL;
    if (failure)
        session->failure = *failure;
    if (failure || !session->head.keep_alive)
        disconnect(session);
    loop_defer(session->options.loop, &session->finished);
}

/* --- Sending */

static void add_request(struct http_session *session, enum http_method method, const char *target, const char *body,
                        size_t size)
{
    struct buf *out = &session->out;
    const struct http_address *address = &session->address;
    buf_reset(out);
    session->sent = 0;
    buf_printf(out, "%s %s HTTP/1.1\r\n", http_method_name(method), target);
    if (address->local)
        buf_adds(out, "Host: localhost\r\n");
    else
        buf_printf(out, strchr(address->host, ':') ? "Host: [%s]:%s\r\n" : "Host: %s:%s\r\n", address->host,
                   address->port);
    buf_adds(out, "User-Agent: shoal/" SHOAL_VERSION "\r\n");
    if (body)
        buf_adds(out, "Content-Type: application/json\r\n");
    if (body || method == HTTP_METHOD_POST || method == HTTP_METHOD_PUT)
        buf_printf(out, "Content-Length: %zu\r\n", size);
    buf_adds(out, "\r\n");
    if (body)
        buf_add(out, body, size);
}

static void write_some(struct http_session *session)
{
    size_t left = session->out.size - session->sent;
    ssize_t n = send(session->io.fd, session->out.data + session->sent, left, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n >= 0)
        session->sent += (size_t)n;
    else if (errno != EAGAIN && errno != EINTR)
        session->sent = session->out.size; /* what the peer said of it is still to be read */
    io_want(&session->io, session->sent < session->out.size ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

/* --- Receiving */

/* 1 when the head of the answer proper is there, 0 while it is not. */
static int receive_head(struct http_session *session, struct err *err)
{
    do {
        ssize_t size = http_head_find(buf_str(&session->in), session->in.size, &session->scanned, err);
        if (size <= 0)
            return (int)size;
        if (http_parser_head(session->parser, &session->arena, session->in.data, (size_t)size, &session->head, err) < 0)
            return -1;
        buf_consume(&session->in, (size_t)size);
        session->scanned = 0;
    } while (session->head.status < 200);
    session->has_head = true;
    return 1;
}

static int receive(struct http_session *session, struct err *err)
{
    int there = session->has_head ? 1 : receive_head(session, err);
    if (there <= 0)
        return there;
    ssize_t taken = http_parser_body(session->parser, buf_str(&session->in), session->in.size, &session->body, err);
    if (taken < 0)
        return -1;
    buf_consume(&session->in, (size_t)taken);
    if (http_parser_complete(session->parser))
        finish(session, NULL);
    return 0;
}

static int peer_closed(struct http_session *session, struct err *err)
{
    if (!session->has_head)
        return err_set(err, ERR_UNAVAILABLE, "the connection was closed without an answer");
    if (http_parser_finish(session->parser, err) < 0)
        return -1;
    session->head.keep_alive = false;
    finish(session, NULL);
    return 0;
}

static int read_some(struct http_session *session, struct err *err)
{
    char *room = buf_reserve(&session->in, READ_SIZE);
    ssize_t n = recv(session->io.fd, room, READ_SIZE, MSG_DONTWAIT);
    if (n > 0) {
        buf_claim(&session->in, (size_t)n);
        return receive(session, err);
    }
    if (n == 0)
        return peer_closed(session, err);
    return errno == EAGAIN || errno == EINTR ? 0 : err_errno(err, errno, "the connection broke");
}

static int check_connected(struct http_session *session, struct err *err)
{
    int error = 0;
    socklen_t size = sizeof(error);
    (void)getsockopt(session->io.fd, SOL_SOCKET, SO_ERROR, &error, &size);
    session->connecting = false;
    return error ? http_unreachable(&session->address, error, err) : 0;
}

static void session_ready(struct io *io, uint32_t events)
{
    struct http_session *session = container_of(io, struct http_session, io);
    struct err err;
    if (!session->busy || !list_unlinked(&session->finished.link)) {
        disconnect(session); /* the server closes what is idle, or speaks unasked */
        return;
    }
    if (session->connecting && check_connected(session, &err) < 0) {
        finish(session, &err);
        return;
    }
    if (events & EPOLLOUT)
        write_some(session);
    if (events & (EPOLLIN | EPOLLHUP | EPOLLERR) && read_some(session, &err) < 0)
        finish(session, &err);
}

/* --- Life */

struct http_session *http_session_new(const struct http_session_options *options)
{
    struct http_session *session = NEW(struct http_session);
    session->options = *options;
    session->address = *options->address;
    session->io.ready = session_ready;
    session->io.fd = -1;
    session->finished.call = tell_done;
    session->parser = http_parser_new_response(false);
    session->out = BUF(REQUEST_MAX);
    session->in = BUF(HTTP_HEAD_MAX + 2 * READ_SIZE);
    session->body = BUF(options->body_max ? options->body_max : BODY_DEFAULT_MAX);
    return session;
}

static int connect_session(struct http_session *session, struct err *err)
{
    int fd = http_connect(&session->address, err);
    if (fd < 0)
        return -1;
    session->io.fd = fd;
    session->connecting = !session->address.local;
    if (io_add(&session->io, session->options.loop, fd, EPOLLIN | EPOLLOUT, err) == 0)
        return 0;
    close_fd(&session->io.fd);
    return -1;
}

int http_session_call(struct http_session *session, enum http_method method, const char *target, const char *body,
                      size_t body_size, struct err *err)
{
    if (session->io.fd < 0 && connect_session(session, err) < 0)
        return -1;
    arena_done(&session->arena);
    buf_reset(&session->body);
    session->scanned = 0;
    session->has_head = false;
    session->busy = true;
    add_request(session, method, target, body, body_size);
    if (buf_failed(&session->out)) {
        session->busy = false;
        return err_set(err, ERR_LIMIT, "the request is larger than %lu MiB", REQUEST_MAX >> 20);
    }
    if (!session->connecting)
        write_some(session);
    return 0;
}

void *http_session_data(const struct http_session *session)
{
    return session->options.data;
}

void http_session_free(struct http_session *session)
{
    if (!session)
        return;
    disconnect(session);
    deferred_cancel(&session->finished);
    http_parser_free(session->parser);
    arena_done(&session->arena);
    buf_done(&session->out);
    buf_done(&session->in);
    buf_done(&session->body);
    free(session);
}
