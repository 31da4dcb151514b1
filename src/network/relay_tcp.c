#include "network/relay_tcp.h"

#include "base/buf.h"
#include "base/str.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#define CHUNK           ((size_t)16 * 1024)
#define ACCEPTS_A_TURN  64
#define CONNECTIONS_MAX 4096
#define ACCEPT_RETRY_MS 200

struct side {
    struct io io; /* the socket, owned */
    struct relay_tcp *relay;
    struct buf wait; /* what this side has not taken yet; the other is not read meanwhile */
    bool ended;      /* it has sent everything: end of file was read */
    bool shut;       /* it was told that nothing more comes */
};

struct relay_tcp {
    struct port *port;
    struct list link;
    struct side client, backend;
    bool connecting;
    size_t tried; /* backends that did not answer */
};

static struct side *other(struct side *side)
{
    return side == &side->relay->client ? &side->relay->backend : &side->relay->client;
}

/* --- Ending */

static void side_close(struct side *side, bool reset)
{
    static const struct linger hard = {.l_onoff = 1, .l_linger = 0};
    io_remove(&side->io);
    if (side->io.fd >= 0 && reset)
        (void)setsockopt(side->io.fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
    close_fd(&side->io.fd);
    buf_done(&side->wait);
}

static void relay_free(struct relay_tcp *relay, bool reset)
{
    struct port *port = relay->port;
    side_close(&relay->client, reset);
    side_close(&relay->backend, reset);
    list_remove(&relay->link);
    if (port->connection_count-- == CONNECTIONS_MAX)
        io_want(&port->io, EPOLLIN);
    free(relay);
}

void relay_tcp_end(struct port *port)
{
    struct relay_tcp *relay;
    timer_stop(&port->retry);
    list_foreach (relay, &port->connections, link)
        relay_free(relay, true);
}

/* --- Carrying */

static int side_watch(struct side *side)
{
    struct relay_tcp *relay = side->relay;
    struct err ignored;
    uint32_t events = 0;
    if (!relay->connecting && !side->ended && other(side)->wait.size == 0)
        events |= EPOLLIN;
    if (side->wait.size > 0 || (relay->connecting && side == &relay->backend))
        events |= EPOLLOUT;
    /* A hang-up cannot be masked: a side that is not ready for one is not watched. */
    if (events == 0)
        io_remove(&side->io);
    else if (side->io.loop)
        io_want(&side->io, events);
    else
        return io_add(&side->io, relay->port->networks->loop, side->io.fd, events, &ignored);
    return 0;
}

/* Tells a side that nothing more comes, once everything before it was taken. */
static void side_shut(struct side *side)
{
    if (side->shut || side->wait.size > 0 || !other(side)->ended)
        return;
    (void)shutdown(side->io.fd, SHUT_WR);
    side->shut = true;
}

/* Writes what it can at once; what is left is kept. -1 where the side is gone. */
static int side_write(struct side *side, const char *data, size_t size)
{
    ssize_t n = send(side->io.fd, data, size, MSG_NOSIGNAL);
    if (n < 0 && errno != EAGAIN && errno != EINTR)
        return -1;
    size_t done = n < 0 ? 0 : (size_t)n;
    if (done < size)
        buf_add(&side->wait, data + done, size - done);
    return 0;
}

static int side_flush(struct side *side)
{
    if (side->wait.size == 0)
        return 0;
    ssize_t n = send(side->io.fd, side->wait.data, side->wait.size, MSG_NOSIGNAL);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -1;
    buf_consume(&side->wait, (size_t)n);
    if (side->wait.size == 0)
        buf_done(&side->wait); /* an idle connection keeps no buffer */
    side->wait.max = CHUNK;
    return 0;
}

static int side_read(struct side *side)
{
    char chunk[CHUNK];
    if (side->ended || other(side)->wait.size > 0)
        return 0;
    ssize_t n = recv(side->io.fd, chunk, sizeof(chunk), 0);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -1;
    if (n == 0)
        side->ended = true;
    else if (side_write(other(side), chunk, (size_t)n) < 0)
        return -1;
    return 0;
}

static void relay_settle(struct relay_tcp *relay)
{
    side_shut(&relay->client);
    side_shut(&relay->backend);
    if (relay->client.shut && relay->backend.shut)
        relay_free(relay, false);
    else if (side_watch(&relay->client) < 0 || side_watch(&relay->backend) < 0)
        relay_free(relay, true);
}

static void side_ready(struct io *io, uint32_t events)
{
    struct side *side = container_of(io, struct side, io);
    if (((events & EPOLLOUT) && side_flush(side) < 0) ||
        ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) && side_read(side) < 0))
        relay_free(side->relay, true);
    else
        relay_settle(side->relay);
}

/* --- Connecting */

static int socket_error(int fd)
{
    int error = 0;
    socklen_t size = sizeof(error);
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0 ? errno : error;
}

static int connect_to(struct side *side, const struct ip_port *backend)
{
    static const int on = 1;
    struct sockaddr_storage address;
    socklen_t size = ip_to_sockaddr(backend, &address);
    side->io.fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (side->io.fd < 0)
        return -errno;
    (void)setsockopt(side->io.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (connect(side->io.fd, (struct sockaddr *)&address, size) < 0 && errno != EINPROGRESS)
        return -errno;
    return 0;
}

/* Tries the backends in turn, each once; false where none is left. */
static bool connect_next(struct relay_tcp *relay)
{
    struct port *port = relay->port;
    while (relay->tried++ < port->backend_count) {
        side_close(&relay->backend, false);
        relay->backend.wait.max = CHUNK;
        if (connect_to(&relay->backend, &port->backends[port->turn++ % port->backend_count]) >= 0)
            return true;
    }
    return false;
}

static void backend_ready(struct io *io, uint32_t events)
{
    struct relay_tcp *relay = container_of(io, struct side, io)->relay;
    if (socket_error(io->fd) == 0) {
        relay->connecting = false;
        io->ready = side_ready;
        relay_settle(relay);
    } else if (!connect_next(relay) || side_watch(&relay->backend) < 0) {
        relay_free(relay, true);
    }
}

static void relay_start(struct port *port, int client)
{
    static const int on = 1;
    struct relay_tcp *relay = NEW(struct relay_tcp);
    relay->port = port;
    relay->connecting = true;
    relay->client = (struct side){.relay = relay, .io = {.ready = side_ready, .fd = client}, .wait = BUF(CHUNK)};
    relay->backend = (struct side){.relay = relay, .io = {.ready = backend_ready, .fd = -1}, .wait = BUF(CHUNK)};
    list_push(&port->connections, &relay->link);
    port->connection_count++;
    (void)setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (!connect_next(relay) || side_watch(&relay->backend) < 0)
        relay_free(relay, true);
}

void relay_tcp_retry(struct timer *timer)
{
    struct port *port = container_of(timer, struct port, retry);
    io_want(&port->io, EPOLLIN);
}

void relay_tcp_accept(struct port *port)
{
    for (int i = 0; i < ACCEPTS_A_TURN; i++) {
        if (port->connection_count >= CONNECTIONS_MAX) {
            io_want(&port->io, 0);
            return;
        }
        int client = accept4(port->io.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (client >= 0) {
            relay_start(port, client);
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            /* Until descriptors or memory are there again: asking at once would be all that this program does. */
            io_want(&port->io, 0);
            timer_start(&port->retry, port->networks->loop, ACCEPT_RETRY_MS);
            return;
        } else if (errno != EINTR && errno != ECONNABORTED) {
            return;
        }
    }
}
