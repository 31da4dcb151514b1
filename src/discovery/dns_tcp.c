/* Questions by TCP (RFC 7766): a length before each message, one question at a time on a connection. */
#include "base/buf.h"
#include "base/mem.h"
#include "discovery/dns_internal.h"

#include <errno.h>
#include <sys/socket.h>

#define ACCEPTS_A_TURN 16
#define IDLE_MS        10000
#define RETRY_MS       200
#define CHUNK          1024
#define OUT_MAX        ((size_t)2 * (DNS_MESSAGE_MAX + 2))
#define ANSWER_MAX     16384 /* of our own: NAMES_ADDRESSES_MAX addresses and their name */

struct dns_connection {
    struct dns_listener *listener;
    struct list link;
    struct io io; /* the socket, owned */
    struct timer idle;
    struct ip client;
    struct buf in, out;
    struct lookup *lookup; /* what it waits for, or NULL */
};

static void connection_free(struct dns_connection *connection)
{
    if (connection->lookup)
        lookup_cancel(connection->lookup);
    connection->listener->server->connection_count--;
    io_remove(&connection->io);
    close_fd(&connection->io.fd);
    timer_stop(&connection->idle);
    list_remove(&connection->link);
    buf_done(&connection->in);
    buf_done(&connection->out);
    free(connection);
}

void dns_tcp_end(struct dns_listener *listener)
{
    struct dns_connection *connection;
    list_foreach (connection, &listener->connections, link)
        connection_free(connection);
}

static void timed_out(struct timer *timer)
{
    connection_free(container_of(timer, struct dns_connection, idle));
}

static void put_answer(struct dns_connection *connection, const uint8_t *answer, size_t size)
{
    uint8_t length[2] = {(uint8_t)(size >> 8), (uint8_t)size};
    buf_add(&connection->out, length, sizeof(length));
    buf_add(&connection->out, answer, size);
}

/* Writes what waits; -1 where the client is gone or does not take its answers. */
static int flush(struct dns_connection *connection)
{
    if (buf_failed(&connection->out))
        return -1;
    if (connection->out.size) {
        ssize_t n = send(connection->io.fd, connection->out.data, connection->out.size, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno != EAGAIN && errno != EINTR)
            return -1;
        buf_consume(&connection->out, n < 0 ? 0 : (size_t)n);
    }
    /* While an answer is awaited or on its way nothing more is read. */
    io_want(&connection->io, connection->out.size ? EPOLLOUT : connection->lookup ? 0 : EPOLLIN);
    return 0;
}

static void answered(void *data, const uint8_t *answer, size_t size);

/* Answers the messages that are complete, until one needs a lookup. */
static int process(struct dns_connection *connection)
{
    uint8_t answer[ANSWER_MAX];
    if (flush(connection) < 0)
        return -1;
    while (!connection->lookup && connection->out.size == 0 && connection->in.size >= 2) {
        const uint8_t *message = (const uint8_t *)connection->in.data + 2;
        size_t size = dns_id(message - 2); /* the length, of the same form as an id */
        if (connection->in.size < 2 + size)
            break;
        struct lookup_params params = {.query = message,
                                       .size = size,
                                       .client = connection->client,
                                       .long_answers = true,
                                       .done = answered,
                                       .data = connection};
        size_t n = dns_server_ask(connection->listener, &params, answer, sizeof(answer), &connection->lookup);
        if (n == 0 && !connection->lookup)
            return -1; /* no question, or a stranger */
        if (n)
            put_answer(connection, answer, n);
        buf_consume(&connection->in, 2 + size);
        if (flush(connection) < 0)
            return -1;
    }
    return 0;
}

static void answered(void *data, const uint8_t *answer, size_t size)
{
    struct dns_connection *connection = data;
    connection->lookup = NULL;
    put_answer(connection, answer, size);
    if (process(connection) < 0)
        connection_free(connection);
}

static int receive(struct dns_connection *connection)
{
    void *room = buf_reserve(&connection->in, CHUNK);
    ssize_t n = room ? recv(connection->io.fd, room, CHUNK, MSG_DONTWAIT) : 0;
    if (n <= 0)
        return n < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -1;
    buf_claim(&connection->in, (size_t)n);
    timer_start(&connection->idle, connection->listener->server->options.loop, IDLE_MS);
    return 0;
}

static void connection_ready(struct io *io, uint32_t events)
{
    struct dns_connection *connection = container_of(io, struct dns_connection, io);
    bool gone = events & (EPOLLERR | EPOLLHUP);
    if (gone || ((events & EPOLLIN) && receive(connection) < 0) || process(connection) < 0)
        connection_free(connection);
}

static size_t count_of(const struct dns_listener *listener, const struct ip *client)
{
    const struct dns_connection *connection;
    size_t count = 0;
    list_foreach (connection, &listener->connections, link)
        count += ip_equal(&connection->client, client);
    return count;
}

static void connection_new(struct dns_listener *listener, int fd, const struct ip *client)
{
    struct dns_server *server = listener->server;
    struct err ignored;
    struct dns_connection *connection = NEW(struct dns_connection);
    *connection = (struct dns_connection){.listener = listener,
                                          .io = {.ready = connection_ready, .fd = fd},
                                          .idle = {.expired = timed_out},
                                          .client = *client,
                                          .in = BUF(DNS_MESSAGE_MAX + 2 + CHUNK),
                                          .out = BUF(OUT_MAX)};
    list_push(&listener->connections, &connection->link);
    server->connection_count++;
    timer_start(&connection->idle, server->options.loop, IDLE_MS);
    if (io_add(&connection->io, server->options.loop, fd, EPOLLIN, &ignored) < 0)
        connection_free(connection);
}

void dns_tcp_retry(struct timer *timer)
{
    io_want(&container_of(timer, struct dns_listener, retry)->tcp, EPOLLIN);
}

void dns_tcp_accept(struct dns_listener *listener)
{
    for (int i = 0; i < ACCEPTS_A_TURN; i++) {
        struct sockaddr_storage address = {0};
        socklen_t length = sizeof(address);
        cleanup_fd int fd =
            accept4(listener->tcp.fd, (struct sockaddr *)&address, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
                /* Until there are descriptors again: asking at once would be all that this program does. */
                io_want(&listener->tcp, 0);
                timer_start(&listener->retry, listener->server->options.loop, RETRY_MS);
            }
            return;
        }
        struct ip client = ip_from_sockaddr(&address).ip;
        if (listener->server->connection_count < DNS_CONNECTIONS_MAX &&
            count_of(listener, &client) < DNS_CONNECTIONS_OF_ONE_MAX)
            connection_new(listener, take_fd(&fd), &client);
    }
}
