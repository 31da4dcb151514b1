#pragma once
/*
 * Published ports. Opening one binds a socket, which reserves the port on this machine: taken is told at once, before
 * anything is started. Traffic goes three ways:
 *
 *   - from outside, and from this machine to one of its own addresses: nftables rewrites the destination (DNAT), and
 * the client's address stays. Several backends take turns, connection by connection.
 *   - to 127.0.0.1 and ::1, to IPv6 addresses where the container has none, and wherever DNAT did not happen: the bound
 *     socket gets it, and the daemon relays it (network/relay_tcp.h, relay_udp.h). The container sees the gateway's
 * address.
 *   - from a container to an address of this machine: as from outside. Within one network the answer must come back the
 *     same way, so there the container sees the gateway's address.
 *
 * The socket can be kept by somebody else across a restart: port_fd() is what to keep, and options.fd takes it back.
 * Without that, the port is bound again.
 */
#include "network/network.h"

#define PORT_NAME_MAX     (IP_TEXT_MAX + 24)
#define PORT_BACKENDS_MAX 1024

struct port;

struct port_options {
    uint8_t protocol;   /* IPPROTO_TCP or IPPROTO_UDP */
    struct ip host_ip;  /* unset: all addresses of both families; 0.0.0.0 or :: all of one */
    uint16_t host_port; /* 0: one that is free, see port_number() */
    int fd;             /* a socket that was kept (owned by the port from here on), or -1 */
};

/* ERR_CONFLICT: "port 8080 (tcp) is already in use"; ERR_INVALID where the address is not this machine's. */
int port_open(struct networks *networks, const struct port_options *options, struct port **ret, struct err *err);

/* Stops traffic, closes the socket, frees it. Connections that are relayed end. */
void port_close(struct port *port);

/*
 * Where it leads to from now on, all of it: addresses of containers and their ports, 1,024 at most. New connections are
 * balanced over them; those that exist keep theirs. With none, connections are refused or reset. An address may be of
 * either family: each serves clients of its own, and the relay serves everybody.
 */
int port_set_backends(struct port *port, const struct ip_port *backends, size_t count, struct err *err);

uint16_t port_number(const struct port *port);
int port_fd(const struct port *port);
/* "port/tcp/0.0.0.0/8080", with "*" for all addresses of both families. Returns name. */
const char *port_name(const struct port *port, char name[PORT_NAME_MAX]);
