#include "http/server.h"

#include "base/log.h"
#include "base/mem.h"
#include "http/server_private.h"
#include "http/status.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>

#define MAX_CONNECTIONS 4096
#define HEAD_TIMEOUT_MS (30 * 1000)
#define BODY_TIMEOUT_MS (60 * 1000)
#define REACCEPT_MS     100
#define ACCEPTS_A_TURN  64

/* --- Accepting */

static void want_connections(struct http_server *server, bool want)
{
    struct listener *listener;
    list_foreach (listener, &server->listeners, link)
        io_want(&listener->io, want ? EPOLLIN : 0);
}

static void reaccept(struct timer *timer)
{
    want_connections(container_of(timer, struct http_server, reaccept), true);
}

/* Closes the connection that was idle for longest; false where none is. */
static bool make_room(struct http_server *server)
{
    if (list_empty(&server->idle))
        return false;
    connection_close(container_of(server->idle.next, struct connection, link));
    return true;
}

/* No more can be had now: those who wait stay in the listen queue. */
static void pause_accepting(struct http_server *server)
{
    want_connections(server, false);
    timer_start(&server->reaccept, server->options.loop, REACCEPT_MS);
}

static void listener_ready(struct io *io, uint32_t events)
{
    struct listener *listener = container_of(io, struct listener, io);
    struct http_server *server = listener->server;
    for (int i = 0; i < ACCEPTS_A_TURN; i++) {
        bool full = server->connections >= server->options.max_connections;
        if (full && list_empty(&server->idle)) {
            pause_accepting(server);
            return;
        }
        int fd = accept4(io->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd < 0 && (errno == EMFILE || errno == ENFILE) && make_room(server))
            continue;
        if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)) {
            log_debug("no connection can be accepted: errno %d", errno);
            pause_accepting(server);
        }
        if (fd < 0)
            return;
        if (full)
            (void)make_room(server);
        int on = 1;
        if (!listener->local) /* else the kernel holds short answers back for 40 ms */
            (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        connection_open(listener, fd);
    }
}

int http_server_listen(struct http_server *server, int fd, bool local, struct err *err)
{
    struct listener *listener = NEW(struct listener);
    listener->server = server;
    listener->local = local;
    listener->io.ready = listener_ready;
    listener->io.fd = fd;
    list_push(&server->listeners, &listener->link);
    return io_add(&listener->io, server->options.loop, fd, EPOLLIN, err);
}

void http_server_stop_listening(struct http_server *server)
{
    struct listener *listener;
    timer_stop(&server->reaccept);
    list_foreach (listener, &server->listeners, link) {
        io_remove(&listener->io);
        close_fd(&listener->io.fd);
    }
}

/* --- Turns */

static void run(struct deferred *deferred)
{
    struct http_server *server = container_of(deferred, struct http_server, run);
    while (!list_empty(&server->runnable)) {
        struct exchange *x = container_of(server->runnable.next, struct exchange, runnable);
        list_remove(&x->runnable);
        exchange_go_on(x);
    }
}

void http_server_flush(struct http_server *server)
{
    while (!list_empty(&server->answered)) {
        struct exchange *x = container_of(server->answered.next, struct exchange, answered);
        list_remove(&x->answered);
        x->released = x->out.size;
        x->begun = true;
        if (!x->blocked || x->state == EXCHANGE_BROKEN)
            connection_write(x->connection);
    }
}

void http_server_fail(struct http_server *server, const struct err *err)
{
    struct exchange *x;
    list_foreach (x, &server->answered, answered) {
        if (x->begun)
            continue;
        buf_reset(&x->out);
        buf_reset(&x->headers);
        exchange_refuse(x, http_status_of(err->kind), err);
    }
    http_server_flush(server);
}

/* --- Life */

struct http_server *http_server_new(const struct http_server_options *options)
{
    struct http_server *server = NEW(struct http_server);
    server->options = *options;
    if (!server->options.max_connections)
        server->options.max_connections = MAX_CONNECTIONS;
    if (!server->options.head_timeout_ms)
        server->options.head_timeout_ms = HEAD_TIMEOUT_MS;
    if (!server->options.body_timeout_ms)
        server->options.body_timeout_ms = BODY_TIMEOUT_MS;
    list_init(&server->listeners);
    list_init(&server->idle);
    list_init(&server->busy);
    list_init(&server->answered);
    list_init(&server->runnable);
    server->run.call = run;
    server->reaccept.expired = reaccept;
    return server;
}

size_t http_server_connections(const struct http_server *server)
{
    return server->connections;
}

size_t http_server_requests(const struct http_server *server)
{
    struct connection *c;
    size_t count = 0;
    list_foreach (c, &server->busy, link)
        count += c->exchange->state >= EXCHANGE_HANDLED && c->exchange->state != EXCHANGE_DRAINING;
    return count;
}

void http_server_free(struct http_server *server)
{
    if (!server)
        return;
    http_server_stop_listening(server);
    while (!list_empty(&server->idle))
        connection_close(container_of(server->idle.next, struct connection, link));
    while (!list_empty(&server->busy))
        connection_close(container_of(server->busy.next, struct connection, link));
    struct listener *listener;
    list_foreach (listener, &server->listeners, link)
        free(listener);
    deferred_cancel(&server->run);
    free(server);
}
