/* Published ports: the socket that reserves one, and the rules that carry its traffic. */
#include "network/port.h"

#include "base/str.h"
#include "network/relay_tcp.h"
#include "network/relay_udp.h"
#include "network/ruleset.h"
#include "sys/conntrack.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>

#define BACKLOG 4096

static const char *protocol_name(uint8_t protocol)
{
    return protocol == IPPROTO_UDP ? "udp" : "tcp";
}

/* --- The socket */

static int bind_error(const struct port_options *options, int errnum, struct err *err)
{
    char text[IP_TEXT_MAX];
    const char *protocol = protocol_name(options->protocol);
    const char *ip = ip_format(&options->host_ip, text);
    if (errnum == EADDRINUSE && *ip)
        return err_set(err, ERR_CONFLICT, "port %u is already in use (%s, on %s)", options->host_port, protocol, ip);
    if (errnum == EADDRINUSE)
        return err_set(err, ERR_CONFLICT, "port %u is already in use (%s)", options->host_port, protocol);
    if (errnum == EADDRNOTAVAIL)
        return err_set(err, ERR_INVALID, "cannot publish port %u on %s: this machine has no such address",
                       options->host_port, ip);
    return err_errno(err, errnum, "cannot bind port %u (%s)", options->host_port, protocol);
}

static int set_options(int fd, int family, bool both, uint8_t protocol)
{
    static const int on = 1, off = 0;
    if (family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, both ? &off : &on, sizeof(on)) < 0)
        return -errno;
    /* With a listener there, SO_REUSEADDR lets nobody else in; connections that linger from an earlier one it ignores.
     */
    if (protocol == IPPROTO_TCP && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0)
        return -errno;
    if (protocol == IPPROTO_UDP && family == AF_INET6 &&
        setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof(on)) < 0)
        return -errno;
    if (protocol == IPPROTO_UDP && family == AF_INET && setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on)) < 0)
        return -errno;
    return 0;
}

/* A bound (and listening) socket of this family; both: of IPv6, for IPv4 too. -errno. */
static int bind_socket(const struct port_options *options, int family, bool both)
{
    int type = options->protocol == IPPROTO_UDP ? SOCK_DGRAM : SOCK_STREAM;
    struct sockaddr_storage address;
    struct ip_port to = {.ip = options->host_ip, .port = options->host_port};
    if (!ip_is_set(&to.ip))
        to.ip.family = family == AF_INET6 ? IP_V6 : IP_V4;
    socklen_t size = ip_to_sockaddr(&to, &address);
    cleanup_fd int fd = socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    int r = set_options(fd, family, both, options->protocol);
    if (r < 0)
        return r;
    if (bind(fd, (struct sockaddr *)&address, size) < 0)
        return -errno;
    if (type == SOCK_STREAM && listen(fd, BACKLOG) < 0)
        return -errno;
    return take_fd(&fd);
}

static int open_socket(const struct port_options *options)
{
    if (ip_is_set(&options->host_ip))
        return bind_socket(options, ip_af(&options->host_ip), false);
    int fd = bind_socket(options, AF_INET6, true);
    /* A machine without IPv6 has the IPv4 half of every address. */
    return fd == -EAFNOSUPPORT || fd == -EADDRNOTAVAIL ? bind_socket(options, AF_INET, false) : fd;
}

static int socket_integer(int fd, int option)
{
    int value = -1;
    socklen_t size = sizeof(value);
    return getsockopt(fd, SOL_SOCKET, option, &value, &size) < 0 ? -1 : value;
}

/* Is a socket that was kept the one that would be opened now? */
static bool is_usable(const struct port_options *options)
{
    struct sockaddr_storage address = {0};
    socklen_t size = sizeof(address);
    int type = options->protocol == IPPROTO_UDP ? SOCK_DGRAM : SOCK_STREAM;
    if (options->fd < 0 || socket_integer(options->fd, SO_TYPE) != type ||
        getsockname(options->fd, (struct sockaddr *)&address, &size) < 0)
        return false;
    struct ip_port bound = ip_from_sockaddr(&address);
    if (options->host_port && bound.port != options->host_port)
        return false;
    if (type == SOCK_STREAM && socket_integer(options->fd, SO_ACCEPTCONN) != 1)
        return false;
    return ip_is_set(&options->host_ip) ? ip_equal(&bound.ip, &options->host_ip) : ip_is_unspecified(&bound.ip);
}

static int find_address(struct port *port, struct err *err)
{
    struct sockaddr_storage address = {0};
    socklen_t size = sizeof(address);
    if (getsockname(port->io.fd, (struct sockaddr *)&address, &size) < 0)
        return err_errno(err, errno, "cannot read a socket's address");
    port->family = address.ss_family;
    port->options.host_port = ip_from_sockaddr(&address).port;
    return 0;
}

/* --- Ports */

static void port_ready(struct io *io, uint32_t events)
{
    struct port *port = container_of(io, struct port, io);
    if (port->flows)
        relay_udp_receive(port->flows);
    else
        relay_tcp_accept(port);
}

/* Takes everything off the loop and closes it. */
void port_forget(struct port *port)
{
    relay_tcp_end(port);
    relay_udp_free(port->flows);
    io_remove(&port->io);
    close_fd(&port->io.fd);
    list_remove(&port->link);
    free(port->backends);
    slots_done(&port->v4);
    slots_done(&port->v6);
    free(port);
}

static struct port *port_new(struct networks *networks, const struct port_options *options)
{
    struct port *port = NEW(struct port);
    port->networks = networks;
    port->options = *options;
    port->io = (struct io){.ready = port_ready, .fd = -1};
    port->retry.expired = relay_tcp_retry;
    list_init(&port->connections);
    list_push(&networks->ports, &port->link);
    if (options->protocol == IPPROTO_UDP)
        port->flows = relay_udp_new(port);
    return port;
}

static int start(struct port *port, int fd, struct err *err)
{
    if (fd < 0)
        return bind_error(&port->options, -fd, err);
    port->io.fd = fd;
    if (find_address(port, err) < 0)
        return -1;
    return io_add(&port->io, port->networks->loop, fd, EPOLLIN, err);
}

int port_open(struct networks *networks, const struct port_options *options, struct port **ret, struct err *err)
{
    cleanup_fd int kept = options->fd;
    struct port *port = port_new(networks, options);
    int fd = is_usable(options) ? take_fd(&kept) : -1;
    if (fd < 0) {
        close_fd(&kept);
        fd = open_socket(options);
    }
    if (start(port, fd, err) < 0) {
        port_forget(port);
        return -1;
    }
    *ret = port;
    return 0;
}

static int commit(struct port *port, struct netlink_batch *batch, struct err *err)
{
    struct netlink *nft = &port->networks->nft;
    char name[PORT_NAME_MAX];
    int r = nft_commit(nft, batch);
    if (r < 0)
        return networks_kernel_error(nft, r, err, "cannot change the rules for", port_name(port, name));
    return 0;
}

static bool same_backends(const struct port *port, const struct ip_port *backends, size_t count)
{
    if (port->backend_count != count)
        return false;
    for (size_t i = 0; i < count; i++)
        if (!ip_port_equal(&port->backends[i], &backends[i]))
            return false;
    return true;
}

/* Does DNAT take what is sent to the port's addresses of this family? The rest is the relay's. */
static bool has_rules(const struct port *port, enum ip_family family)
{
    const struct ip *ip = &port->options.host_ip;
    if (port->networks->ports_behind_input || ip_is_loopback(ip))
        return false;
    return !ip_is_set(ip) || ip->family == family;
}

static void deal(const struct port *port, enum ip_family family, const struct ip_port *backends, size_t count,
                 const struct slots *before, struct slots *ret)
{
    struct ip_port *own cleanup_free = mem_alloc_array(count + 1, sizeof(*own));
    size_t own_count = 0;
    bool everywhere = !ip_is_set(&port->options.host_ip) || ip_is_unspecified(&port->options.host_ip);
    for (size_t i = 0; i < count; i++)
        if (backends[i].ip.family == family && has_rules(port, family))
            own[own_count++] = backends[i];
    slots_deal(before, own, own_count, everywhere, ret);
}

/* The rules lead to the old backends in one instant and to the new ones in the next. */
static int change_rules(struct port *port, const struct slots *v4, const struct slots *v6, struct err *err)
{
    struct netlink_batch batch cleanup(netlink_batch_done) = {0};
    if (!port->networks->started)
        return 0;
    if ((v4->count || v6->count) && networks_need_table(port->networks, err) < 0)
        return -1;
    nft_begin(&batch);
    ruleset_port(&batch, port, &port->v4, v4);
    ruleset_port(&batch, port, &port->v6, v6);
    return commit(port, &batch, err);
}

static void put_backends(struct port *port, const struct ip_port *backends, size_t count, struct slots *v4,
                         struct slots *v6)
{
    free(port->backends);
    slots_done(&port->v4);
    slots_done(&port->v6);
    port->backends = count ? mem_memdup(backends, count * sizeof(*backends)) : NULL;
    port->backend_count = count;
    port->v4 = *v4;
    port->v6 = *v6;
    *v4 = *v6 = (struct slots){0};
}

/*
 * Does a flow to the port's number lead where the port does not lead? One whose destination stays and whose source is
 * masqueraded is a container's on its way to somebody else. Others that only pass by are remade by their next datagram.
 */
static bool is_stale(const struct conntrack_flow *flow, void *data)
{
    const struct port *port = data;
    bool translated = !ip_equal(&flow->answer_source.ip, &flow->destination.ip);
    bool masqueraded = !ip_equal(&flow->answer_destination.ip, &flow->source.ip);
    for (size_t i = 0; i < port->backend_count; i++)
        if (ip_equal(&flow->answer_source.ip, &port->backends[i].ip))
            return false;
    return translated || !masqueraded;
}

/* Clients that never stop sending would be led where they were led first, for good. */
static void forget_flows(struct port *port)
{
    struct netlink *nl = &port->networks->nft;
    (void)conntrack_forget(nl, AF_INET, IPPROTO_UDP, port->options.host_port, is_stale, port);
    if (port->family == AF_INET6)
        (void)conntrack_forget(nl, AF_INET6, IPPROTO_UDP, port->options.host_port, is_stale, port);
}

int port_set_backends(struct port *port, const struct ip_port *backends, size_t count, struct err *err)
{
    if (count > PORT_BACKENDS_MAX)
        return err_set(err, ERR_LIMIT, "port %u has %zu backends, %d at most", port->options.host_port, count,
                       PORT_BACKENDS_MAX);
    if (same_backends(port, backends, count))
        return 0;
    struct slots v4 cleanup(slots_done), v6 cleanup(slots_done);
    deal(port, IP_V4, backends, count, &port->v4, &v4);
    deal(port, IP_V6, backends, count, &port->v6, &v6);
    if (change_rules(port, &v4, &v6, err) < 0)
        return -1;
    put_backends(port, backends, count, &v4, &v6);
    if (port->flows && port->networks->started)
        forget_flows(port);
    if (port->flows)
        relay_udp_backends_changed(port->flows);
    return 0;
}

void port_close(struct port *port)
{
    struct err ignored;
    (void)port_set_backends(port, NULL, 0, &ignored);
    port_forget(port);
}

uint16_t port_number(const struct port *port)
{
    return port->options.host_port;
}

int port_fd(const struct port *port)
{
    return port->io.fd;
}

const char *port_name(const struct port *port, char name[PORT_NAME_MAX])
{
    char ip[IP_TEXT_MAX];
    (void)snprintf(name, PORT_NAME_MAX, "port/%s/%s/%u", protocol_name(port->options.protocol),
                   ip_is_set(&port->options.host_ip) ? ip_format(&port->options.host_ip, ip) : "*",
                   port->options.host_port);
    return name;
}
