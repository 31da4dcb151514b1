#include "network/relay_udp.h"

#include "base/clock.h"
#include "base/map.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>

#define FLOWS_MAX        1024
#define SILENCE_MS       60000
#define DATAGRAMS_A_TURN 64
#define DATAGRAM_MAX     ((size_t)65536)
#define KEY_MAX          (2 * IP_TEXT_MAX + 16)

/* Who sent a datagram, and to which address of this machine: the answer must come from there. */
struct sender {
    struct sockaddr_storage address;
    struct ip local;
};

struct flow {
    struct relay_udp *relay;
    struct list link; /* the one silent longest first */
    struct io io;     /* towards the backend; the socket is owned */
    struct sender client;
    struct ip_port backend;
    int64_t last_ms;
    char key[KEY_MAX];
};

struct relay_udp {
    struct port *port;
    struct map flows; /* of struct flow, by key; owned */
    struct list list;
    struct timer expiry;
};

/* --- Flows */

static void flow_free(struct flow *flow)
{
    io_remove(&flow->io);
    close_fd(&flow->io.fd);
    list_remove(&flow->link);
    (void)map_remove(&flow->relay->flows, flow->key);
    free(flow);
}

static struct flow *oldest(struct relay_udp *relay)
{
    return list_empty(&relay->list) ? NULL : container_of(relay->list.next, struct flow, link);
}

static void flow_touch(struct flow *flow)
{
    flow->last_ms = clock_monotonic_ms();
    list_remove(&flow->link);
    list_push(&flow->relay->list, &flow->link);
}

static void expire(struct timer *timer)
{
    struct relay_udp *relay = container_of(timer, struct relay_udp, expiry);
    int64_t now = clock_monotonic_ms();
    struct flow *flow;
    while ((flow = oldest(relay)) && now - flow->last_ms >= SILENCE_MS)
        flow_free(flow);
    if (flow)
        timer_start(timer, relay->port->networks->loop, flow->last_ms + SILENCE_MS - now);
}

/* --- Messages with the local address (ip(7) IP_PKTINFO, ipv6(7) IPV6_PKTINFO) */

static socklen_t mapped_or_not(const struct port *port, const struct ip_port *from, struct sockaddr_storage *ret)
{
    return port->family == AF_INET6 ? ip_to_mapped_sockaddr(from, ret) : ip_to_sockaddr(from, ret);
}

static struct ip local_address(struct msghdr *message)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
        struct sockaddr_storage address = {0};
        if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
            address.ss_family = AF_INET;
            ((struct sockaddr_in *)&address)->sin_addr = ((struct in_pktinfo *)CMSG_DATA(c))->ipi_spec_dst;
        } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
            address.ss_family = AF_INET6;
            ((struct sockaddr_in6 *)&address)->sin6_addr = ((struct in6_pktinfo *)CMSG_DATA(c))->ipi6_addr;
        } else {
            continue;
        }
        return ip_from_sockaddr(&address).ip;
    }
    return (struct ip){0};
}

static ssize_t receive(struct relay_udp *relay, char *datagram, struct sender *ret)
{
    _Alignas(struct cmsghdr) char control[128];
    struct iovec data = {.iov_base = datagram, .iov_len = DATAGRAM_MAX};
    *ret = (struct sender){0};
    struct msghdr message = {.msg_name = &ret->address,
                             .msg_namelen = sizeof(ret->address),
                             .msg_iov = &data,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = sizeof(control)};
    ssize_t n = recvmsg(relay->port->io.fd, &message, MSG_DONTWAIT);
    if (n >= 0)
        ret->local = local_address(&message);
    return n;
}

/* The control message that makes the datagram leave from this local address. */
static void put_local(struct msghdr *message, const struct port *port, const struct ip *local)
{
    struct sockaddr_storage address;
    struct ip_port from = {.ip = *local};
    struct cmsghdr *c = CMSG_FIRSTHDR(message);
    (void)mapped_or_not(port, &from, &address);
    if (port->family == AF_INET6) {
        struct in6_pktinfo info = {.ipi6_addr = ((struct sockaddr_in6 *)&address)->sin6_addr};
        c->cmsg_level = IPPROTO_IPV6;
        c->cmsg_type = IPV6_PKTINFO;
        c->cmsg_len = CMSG_LEN(sizeof(info));
        memcpy(CMSG_DATA(c), &info, sizeof(info));
    } else {
        struct in_pktinfo info = {.ipi_spec_dst = ((struct sockaddr_in *)&address)->sin_addr};
        c->cmsg_level = IPPROTO_IP;
        c->cmsg_type = IP_PKTINFO;
        c->cmsg_len = CMSG_LEN(sizeof(info));
        memcpy(CMSG_DATA(c), &info, sizeof(info));
    }
    message->msg_controllen = CMSG_ALIGN(c->cmsg_len);
}

static void answer(struct flow *flow, char *datagram, size_t size)
{
    struct relay_udp *relay = flow->relay;
    _Alignas(struct cmsghdr) char control[128] = {0};
    struct iovec data = {.iov_base = datagram, .iov_len = size};
    struct msghdr message = {.msg_name = &flow->client.address,
                             .msg_namelen = flow->client.address.ss_family == AF_INET6 ? sizeof(struct sockaddr_in6)
                                                                                       : sizeof(struct sockaddr_in),
                             .msg_iov = &data,
                             .msg_iovlen = 1};
    if (ip_is_set(&flow->client.local)) {
        message.msg_control = control;
        message.msg_controllen = sizeof(control);
        put_local(&message, relay->port, &flow->client.local);
    }
    /* A datagram that cannot be sent now is lost, as datagrams are. */
    (void)sendmsg(relay->port->io.fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void flow_ready(struct io *io, uint32_t events)
{
    struct flow *flow = container_of(io, struct flow, io);
    char datagram[DATAGRAM_MAX];
    for (int i = 0; i < DATAGRAMS_A_TURN; i++) {
        ssize_t n = recv(io->fd, datagram, DATAGRAM_MAX, MSG_DONTWAIT);
        if (n < 0 && errno != EAGAIN && errno != EINTR) {
            flow_free(flow); /* refused: the backend has nobody there */
            return;
        }
        if (n < 0)
            return;
        flow_touch(flow);
        answer(flow, datagram, (size_t)n);
    }
}

/* --- Clients */

static void write_key(char key[KEY_MAX], const struct sender *sender)
{
    char client[IP_TEXT_MAX], local[IP_TEXT_MAX];
    struct ip_port from = ip_from_sockaddr(&sender->address);
    (void)snprintf(key, KEY_MAX, "%s %u %s", ip_format(&from.ip, client), from.port, ip_format(&sender->local, local));
}

static int open_flow(struct flow *flow)
{
    struct port *port = flow->relay->port;
    struct sockaddr_storage address;
    struct err ignored;
    socklen_t size = ip_to_sockaddr(&flow->backend, &address);
    flow->io.fd = socket(address.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (flow->io.fd < 0 || connect(flow->io.fd, (struct sockaddr *)&address, size) < 0)
        return -1;
    return io_add(&flow->io, port->networks->loop, flow->io.fd, EPOLLIN, &ignored);
}

static struct flow *flow_new(struct relay_udp *relay, const struct sender *client, const char *key)
{
    struct port *port = relay->port;
    struct flow *flow = NEW(struct flow);
    *flow = (struct flow){.relay = relay,
                          .io = {.ready = flow_ready, .fd = -1},
                          .client = *client,
                          .backend = port->backends[port->turn++ % port->backend_count]};
    (void)snprintf(flow->key, sizeof(flow->key), "%s", key);
    if (relay->flows.count >= FLOWS_MAX)
        flow_free(oldest(relay));
    (void)map_put(&relay->flows, key, flow);
    flow_touch(flow);
    if (!relay->expiry.loop)
        timer_start(&relay->expiry, port->networks->loop, SILENCE_MS);
    if (open_flow(flow) == 0)
        return flow;
    flow_free(flow);
    return NULL;
}

void relay_udp_receive(struct relay_udp *relay)
{
    char datagram[DATAGRAM_MAX];
    for (int i = 0; i < DATAGRAMS_A_TURN; i++) {
        struct sender sender;
        char key[KEY_MAX];
        ssize_t n = receive(relay, datagram, &sender);
        if (n < 0)
            return;
        if (relay->port->backend_count == 0)
            continue;
        write_key(key, &sender);
        struct flow *flow = map_get(&relay->flows, key);
        if (!flow)
            flow = flow_new(relay, &sender, key);
        if (!flow)
            continue;
        flow_touch(flow);
        (void)send(flow->io.fd, datagram, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL);
    }
}

struct relay_udp *relay_udp_new(struct port *port)
{
    struct relay_udp *relay = NEW(struct relay_udp);
    relay->port = port;
    relay->expiry.expired = expire;
    list_init(&relay->list);
    return relay;
}

void relay_udp_free(struct relay_udp *relay)
{
    if (!relay)
        return;
    struct flow *flow;
    list_foreach (flow, &relay->list, link)
        flow_free(flow);
    timer_stop(&relay->expiry);
    map_done(&relay->flows);
    free(relay);
}

static bool is_backend(const struct port *port, const struct ip_port *backend)
{
    for (size_t i = 0; i < port->backend_count; i++)
        if (ip_port_equal(&port->backends[i], backend))
            return true;
    return false;
}

void relay_udp_backends_changed(struct relay_udp *relay)
{
    struct flow *flow;
    list_foreach (flow, &relay->list, link)
        if (!is_backend(relay->port, &flow->backend))
            flow_free(flow);
}
