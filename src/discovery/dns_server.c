#include "discovery/dns_server.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/mem.h"
#include "discovery/dns_answer.h"
#include "discovery/dns_internal.h"
#include "discovery/resolv_conf.h"

#include <errno.h>
#include <sys/socket.h>

#define DNS_PORT       53
#define BACKLOG        64
#define QUERIES_A_TURN 64
#define LOOK_AGAIN_MS  1000
#define QUERY_MAX      4096 /* by UDP; nobody asks longer */

/* --- The machine's resolvers */

static bool is_own_address(const struct dns_server *server, const struct ip *ip)
{
    const struct dns_listener *listener;
    list_foreach (listener, &server->listeners, link)
        if (ip_equal(&listener->address, ip))
            return true;
    return false;
}

static void read_resolv_conf(struct dns_server *server)
{
    struct arena arena cleanup(arena_done) = {0};
    struct resolv_conf conf;
    struct stat st;
    int64_t now = clock_monotonic_ms();
    if (server->looked_ms && now - server->looked_ms < LOOK_AGAIN_MS)
        return;
    server->looked_ms = now;
    if (stat(server->resolv_conf, &st) < 0)
        st = (struct stat){0};
    if (st.st_ino == server->read_inode && st.st_mtim.tv_sec == server->read_time.tv_sec &&
        st.st_mtim.tv_nsec == server->read_time.tv_nsec)
        return;
    server->read_inode = st.st_ino;
    server->read_time = st.st_mtim;
    resolv_conf_read(&arena, server->resolv_conf, &conf);
    server->server_count = 0;
    for (size_t i = 0; i < conf.server_count && i < LOOKUP_SERVERS_MAX; i++)
        server->servers[server->server_count++] = conf.servers[i];
}

/* Whom to ask: the client's own servers or the machine's, but never ourselves. */
static size_t choose_servers(struct dns_server *server, const struct dns_reaction *reaction,
                             struct ip servers[LOOKUP_SERVERS_MAX])
{
    size_t count = 0;
    read_resolv_conf(server);
    const struct ip *from = reaction->server_count ? reaction->servers : server->servers;
    size_t from_count = reaction->server_count ? reaction->server_count : server->server_count;
    for (size_t i = 0; i < from_count && count < LOOKUP_SERVERS_MAX; i++)
        if (!is_own_address(server, &from[i]))
            servers[count++] = from[i];
    return count;
}

/* --- Questions */

static const struct names_client *who_asks(const struct dns_listener *listener, const struct ip *client)
{
    const struct names *names = listener->server->options.names;
    /* From the gateway's own address: the machine, which sees the network as its members do. */
    return ip_equal(client, &listener->address) ? names_member(names, listener->network) : names_client(names, client);
}

static size_t forward(struct dns_server *server, const struct lookup_params *asked, const struct dns_reaction *reaction,
                      const struct dns_message *question, struct lookup **ret_lookup)
{
    struct ip servers[LOOKUP_SERVERS_MAX];
    struct lookup_params params = *asked;
    params.servers = servers;
    params.server_count = choose_servers(server, reaction, servers);
    if (params.server_count && (*ret_lookup = lookup_start(&server->lookups, &params)))
        return 0;
    return dns_refuse(reaction->answer, reaction->max, asked->query, question, DNS_SERVFAIL);
}

size_t dns_server_ask(struct dns_listener *listener, const struct lookup_params *params, uint8_t *answer, size_t max,
                      struct lookup **ret_lookup)
{
    struct dns_server *server = listener->server;
    struct dns_message question;
    struct dns_reaction reaction = {.answer = answer, .max = max};
    const struct names_client *client = who_asks(listener, &params->client);
    *ret_lookup = NULL;
    if (!client)
        return 0;
    dns_react(server->options.names, client, params->query, params->size, &question, &reaction);
    if (reaction.verdict == DNS_FORWARD)
        return forward(server, params, &reaction, &question, ret_lookup);
    if (reaction.verdict == DNS_IGNORED)
        return 0;
    /* What the client cannot take by UDP it asks for again by TCP. */
    if (!params->long_answers && reaction.size > question.udp_size)
        return dns_truncate(answer, &question);
    return reaction.size;
}

/* --- UDP */

/* A client that waits for an answer from elsewhere. */
struct udp_client {
    struct dns_listener *listener;
    struct list link;
    struct lookup *lookup;
    struct sockaddr_storage address;
};

static void send_answer(const struct dns_listener *listener, const struct sockaddr_storage *to, const uint8_t *answer,
                        size_t size)
{
    socklen_t length = to->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
    (void)sendto(listener->udp.fd, answer, size, MSG_DONTWAIT | MSG_NOSIGNAL, (const struct sockaddr *)to, length);
}

static void udp_client_free(struct udp_client *client)
{
    list_remove(&client->link);
    free(client);
}

static void udp_answered(void *data, const uint8_t *answer, size_t size)
{
    struct udp_client *client = data;
    send_answer(client->listener, &client->address, answer, size);
    udp_client_free(client);
}

static void udp_ask(struct dns_listener *listener, const struct sockaddr_storage *from, const uint8_t *query,
                    size_t size)
{
    uint8_t answer[DNS_UDP_SIZE_MAX];
    struct udp_client *client = NEW(struct udp_client);
    client->listener = listener;
    client->address = *from;
    struct lookup_params params = {
        .query = query, .size = size, .client = ip_from_sockaddr(from).ip, .done = udp_answered, .data = client};
    list_push(&listener->waiting, &client->link);
    size_t answered = dns_server_ask(listener, &params, answer, sizeof(answer), &client->lookup);
    if (answered)
        send_answer(listener, from, answer, answered);
    if (!client->lookup)
        udp_client_free(client);
}

static void udp_ready(struct io *io, uint32_t events)
{
    struct dns_listener *listener = container_of(io, struct dns_listener, udp);
    for (int i = 0; i < QUERIES_A_TURN; i++) {
        uint8_t query[QUERY_MAX];
        struct sockaddr_storage from = {0};
        socklen_t length = sizeof(from);
        ssize_t n = recvfrom(io->fd, query, sizeof(query), MSG_DONTWAIT, (struct sockaddr *)&from, &length);
        if (n < 0)
            return;
        udp_ask(listener, &from, query, (size_t)n);
    }
}

static void tcp_ready(struct io *io, uint32_t events)
{
    dns_tcp_accept(container_of(io, struct dns_listener, tcp));
}

/* --- Listeners */

static int bind_socket(const struct ip *ip, uint16_t port, int type)
{
    static const int on = 1;
    struct sockaddr_storage address;
    struct ip_port to = {.ip = *ip, .port = port};
    socklen_t size = ip_to_sockaddr(&to, &address);
    cleanup_fd int fd = socket(address.ss_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    /* Beside a server that has all addresses, where that one permits it (dnsmasq does). */
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
        bind(fd, (struct sockaddr *)&address, size) < 0 || (type == SOCK_STREAM && listen(fd, BACKLOG) < 0))
        return -errno;
    return take_fd(&fd);
}

static int open_socket(struct dns_listener *listener, struct io *io, int type, int kept, struct err *err)
{
    char text[IP_TEXT_MAX];
    int fd = kept >= 0 ? kept : bind_socket(&listener->address, DNS_PORT, type);
    if (fd == -EADDRINUSE)
        fd = bind_socket(&listener->address, 0, type);
    if (fd < 0)
        return err_errno(err, fd, "cannot listen for DNS on %s", ip_format(&listener->address, text));
    io->fd = fd;
    return io_add(io, listener->server->options.loop, fd, EPOLLIN, err);
}

int dns_listen(struct dns_server *server, const struct dns_listen_options *options, struct dns_listener **ret,
               struct err *err)
{
    struct dns_listener *listener = NEW(struct dns_listener);
    listener->server = server;
    listener->network = mem_strdup(options->network);
    listener->address = options->address;
    listener->udp = (struct io){.ready = udp_ready, .fd = -1};
    listener->tcp = (struct io){.ready = tcp_ready, .fd = options->tcp_fd};
    listener->retry.expired = dns_tcp_retry;
    list_init(&listener->waiting);
    list_init(&listener->connections);
    list_push(&server->listeners, &listener->link);
    if (open_socket(listener, &listener->udp, SOCK_DGRAM, options->udp_fd, err) < 0 ||
        open_socket(listener, &listener->tcp, SOCK_STREAM, options->tcp_fd, err) < 0) {
        dns_unlisten(listener);
        return -1;
    }
    *ret = listener;
    return 0;
}

void dns_unlisten(struct dns_listener *listener)
{
    struct udp_client *client;
    list_foreach (client, &listener->waiting, link) {
        lookup_cancel(client->lookup);
        udp_client_free(client);
    }
    dns_tcp_end(listener);
    timer_stop(&listener->retry);
    io_remove(&listener->udp);
    io_remove(&listener->tcp);
    close_fd(&listener->udp.fd);
    close_fd(&listener->tcp.fd);
    list_remove(&listener->link);
    free(listener->network);
    free(listener);
}

static uint16_t port_of(int fd)
{
    struct sockaddr_storage address = {0};
    socklen_t size = sizeof(address);
    return getsockname(fd, (struct sockaddr *)&address, &size) < 0 ? 0 : ip_from_sockaddr(&address).port;
}

uint16_t dns_listener_udp_port(const struct dns_listener *listener)
{
    return port_of(listener->udp.fd);
}

uint16_t dns_listener_tcp_port(const struct dns_listener *listener)
{
    return port_of(listener->tcp.fd);
}

int dns_listener_udp_fd(const struct dns_listener *listener)
{
    return listener->udp.fd;
}

int dns_listener_tcp_fd(const struct dns_listener *listener)
{
    return listener->tcp.fd;
}

/* --- The server */

struct dns_server *dns_server_new(const struct dns_server_options *options)
{
    struct dns_server *server = NEW(struct dns_server);
    server->options = *options;
    server->resolv_conf = mem_strdup(options->resolv_conf);
    list_init(&server->listeners);
    lookups_init(&server->lookups, options->loop);
    return server;
}

void dns_server_free(struct dns_server *server)
{
    if (!server)
        return;
    struct dns_listener *listener;
    if (!server)
        return;
    list_foreach (listener, &server->listeners, link)
        dns_unlisten(listener);
    lookups_done(&server->lookups);
    free(server->resolv_conf);
    free(server);
}
