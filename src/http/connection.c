#include "http/connection.h"

#include "base/mem.h"
#include "http/head.h"
#include "http/server_private.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#define DRAIN_MS 2000

/* --- Exchanges */

void exchange_set_state(struct exchange *x, enum exchange_state state)
{
    x->state = state;
    struct http_server *server = server_of(x);
    const struct http_server_options *options = &server->options;
    if (state == EXCHANGE_READ_HEAD)
        timer_start(&x->timer, options->loop, options->head_timeout_ms);
    else if (state == EXCHANGE_READ_BODY)
        timer_start(&x->timer, options->loop, options->body_timeout_ms);
    else if (state == EXCHANGE_DRAINING)
        timer_start(&x->timer, options->loop, DRAIN_MS);
    else
        timer_stop(&x->timer);
}

static void exchange_expired(struct timer *timer)
{
    struct exchange *x = container_of(timer, struct exchange, timer);
    if (x->state == EXCHANGE_DRAINING) {
        connection_close(x->connection);
        return;
    }
    struct err err;
    err_set(&err, ERR_TIMEOUT, "the request did not come in time");
    exchange_refuse(x, 408, &err);
}

static struct exchange *exchange_new(struct connection *c)
{
    struct http_server *server = c->listener->server;
    struct exchange *x = NEW(struct exchange);
    x->connection = c;
    c->exchange = x;
    x->request.local = c->listener->local;
    x->request.context = server->options.context;
    x->parser = http_parser_new_request();
    x->in = BUF(HTTP_HEAD_MAX + READ_SIZE);
    x->piece = BUF(HTTP_HEAD_MAX + READ_SIZE);
    x->headers = BUF(HTTP_HEAD_MAX);
    x->out = BUF(EXCHANGE_HELD_MAX);
    x->timer.expired = exchange_expired;
    list_remove(&c->link);
    list_push(&server->busy, &c->link);
    exchange_set_state(x, EXCHANGE_READ_HEAD);
    return x;
}

static void exchange_free(struct exchange *x)
{
    body_pipe_close(x->pipe);
    timer_stop(&x->timer);
    list_remove(&x->answered);
    list_remove(&x->runnable);
    http_parser_free(x->parser);
    buf_done(&x->in);
    buf_done(&x->piece);
    buf_done(&x->headers);
    buf_done(&x->out);
    buf_done(&x->request.body);
    arena_done(&x->request.arena);
    free(x);
}

void exchange_answer(struct exchange *x)
{
    if (list_unlinked(&x->answered))
        list_push(&server_of(x)->answered, &x->answered);
}

void exchange_run(struct exchange *x)
{
    struct http_server *server = server_of(x);
    if (list_unlinked(&x->runnable))
        list_push(&server->runnable, &x->runnable);
    loop_defer(server->options.loop, &server->run);
}

/* --- Watching */

/* Only where there is nothing left to read: the end of a body that waits for its sink is found by reading on. */
static bool notices_half_close(const struct exchange *x)
{
    bool open = x->state == EXCHANGE_HANDLED || x->state == EXCHANGE_STREAMING;
    return open && !x->half_closed && (!x->sink || http_parser_complete(x->parser));
}

/* Sets what the loop watches for; after anything that may change it. */
static void connection_watch(struct connection *c)
{
    const struct exchange *x = c->exchange;
    uint32_t events = 0;
    if (!x || exchange_wants_bytes(x))
        events |= EPOLLIN;
    else if (notices_half_close(x))
        events |= EPOLLRDHUP;
    if (x && x->blocked)
        events |= EPOLLOUT;
    io_want(&c->io, events);
}

/* --- An exchange goes on */

void exchange_go_on(struct exchange *x)
{
    exchange_receive(x);
    if (x->pull_due && x->state == EXCHANGE_STREAMING) {
        x->pull_due = false;
        x->request.pull(&x->request);
    }
    connection_watch(x->connection);
}

static void tell_over(struct exchange *x, bool client_gone)
{
    void (*over)(struct http_request *, bool) = x->request.over;
    x->request.over = NULL;
    if (over && x->state >= EXCHANGE_HANDLED)
        over(&x->request, client_gone);
}

/* --- Half-closing */

/*
 * The client shut down its writing half while its request is being handled. A unix socket tells a full close apart
 * (EPOLLHUP), TCP does not: there it is taken for gone, as most servers do, unless it asked for a plain stream, where
 * half-closing is a message of its own.
 */
static void client_half_closed(struct connection *c)
{
    struct exchange *x = c->exchange;
    x->half_closed = true;
    if (x->request.local || x->request.head.upgrade)
        connection_watch(c);
    else
        connection_close(c);
}

/* --- Reading */

static bool is_transient(int errnum)
{
    return errnum == EAGAIN || errnum == EINTR;
}

static void connection_read(struct connection *c)
{
    struct http_server *server = c->listener->server;
    ssize_t n = recv(c->io.fd, server->scratch, sizeof(server->scratch), MSG_DONTWAIT);
    if (n < 0 && is_transient(errno))
        return;
    if (n <= 0) { /* there is no more to come, and what is not whole never will be */
        connection_close(c);
        return;
    }
    struct exchange *x = c->exchange ? c->exchange : exchange_new(c);
    if (x->state == EXCHANGE_DRAINING)
        return;
    buf_add(&x->in, server->scratch, (size_t)n);
    exchange_receive(x);
    connection_watch(c);
}

static void connection_ready(struct io *io, uint32_t events)
{
    struct connection *c = container_of(io, struct connection, io);
    struct exchange *x = c->exchange;
    if (!x || (exchange_wants_bytes(x) && events & (EPOLLIN | EPOLLHUP | EPOLLERR))) {
        connection_read(c);
    } else if (events & (EPOLLHUP | EPOLLERR)) {
        connection_close(c);
    } else if (events & EPOLLOUT) {
        x->blocked = false;
        connection_write(c);
    } else if (events & EPOLLRDHUP && notices_half_close(x)) {
        client_half_closed(c);
    }
}

/* --- Writing, and what comes after */

/* The exchange is over and its connection stays: idle, or with the next request already read. */
static void connection_next(struct connection *c)
{
    struct http_server *server = c->listener->server;
    struct buf rest = c->exchange->in;
    c->exchange->in = BUF(0);
    exchange_free(TAKE(c->exchange));
    if (rest.size) {
        struct exchange *x = exchange_new(c);
        x->in = rest;
        exchange_run(x);
    } else {
        buf_done(&rest);
        list_remove(&c->link);
        list_push(&server->idle, &c->link);
    }
    connection_watch(c);
}

static void answer_written(struct connection *c)
{
    struct exchange *x = c->exchange;
    tell_over(x, false);
    bool whole = http_parser_complete(x->parser);
    if (x->keep_alive && whole) {
        connection_next(c);
    } else if (whole || x->half_closed) {
        connection_close(c);
    } else {
        /* Closing now would reset the connection under a client that still writes, and the answer be lost with it. */
        (void)shutdown(c->io.fd, SHUT_WR);
        exchange_set_state(x, EXCHANGE_DRAINING);
        connection_watch(c);
    }
}

static void hand_over(struct connection *c)
{
    struct exchange *x = c->exchange;
    struct http_hijacked hijacked = {.fd = c->io.fd, .early = &x->in};
    io_remove(&c->io);
    c->io.fd = -1;
    x->request.over = NULL;
    x->taken(&x->request, &hijacked);
    connection_close(c);
}

void connection_write(struct connection *c)
{
    struct exchange *x = c->exchange;
    while (x->sent < x->released && x->state != EXCHANGE_BROKEN) {
        ssize_t n = send(c->io.fd, x->out.data + x->sent, x->released - x->sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && is_transient(errno)) {
            x->blocked = true;
            connection_watch(c);
            return;
        }
        if (n < 0) {
            connection_close(c);
            return;
        }
        x->sent += (size_t)n;
    }
    if (x->state == EXCHANGE_BROKEN) {
        connection_close(c);
        return;
    }
    if (x->sent < x->out.size)
        return; /* the rest was written in this turn, and goes with its flush */
    buf_reset(&x->out);
    x->sent = x->released = 0;
    if (x->state == EXCHANGE_ANSWERED) {
        answer_written(c);
    } else if (x->state == EXCHANGE_HIJACKED) {
        hand_over(c);
    } else {
        x->pull_due = x->request.pull != NULL;
        if (x->pull_due)
            exchange_run(x);
        connection_watch(c);
    }
}

/* --- Life */

void connection_open(struct listener *listener, int fd)
{
    struct err err;
    struct connection *c = NEW(struct connection);
    c->listener = listener;
    c->io.ready = connection_ready;
    if (io_add(&c->io, listener->server->options.loop, fd, EPOLLIN, &err) < 0) {
        (void)close(fd);
        free(c);
        return;
    }
    list_push(&listener->server->idle, &c->link);
    listener->server->connections++;
}

void connection_close(struct connection *c)
{
    struct http_server *server = c->listener->server;
    io_remove(&c->io);
    if (c->exchange) {
        tell_over(c->exchange, true);
        exchange_free(c->exchange);
    }
    if (c->io.fd >= 0)
        (void)close(c->io.fd);
    list_remove(&c->link);
    server->connections--;
    free(c);
}
