#pragma once
/* Inside of network/: what the objects of network.h and port.h are made of. */
#include "event/loop.h"
#include "network/instance.h"
#include "network/network.h"
#include "network/port.h"
#include "network/slots.h"

struct networks {
    struct instance instance;
    struct loop *loop;
    const struct subnet_pool *pools;
    size_t pool_count;
    bool ports_behind_input;
    bool started; /* before that, what is adopted is only noted */
    bool table;   /* the rules are in place */
    struct netlink route, nft;
    struct list list;  /* of struct network, owned */
    struct list ports; /* of struct port; who opened a port owns it */
    uint32_t next_link;
};

struct network {
    struct networks *networks;
    struct list link;
    struct network_record record;
    struct ipam v4, v6;         /* v6.subnet unset: no IPv6 */
    uint16_t resolver_ports[2]; /* UDP's, TCP's */
    struct list endpoints;
    size_t endpoint_count;
};

struct endpoint {
    struct network *network;
    struct list link;
    struct endpoint_record record;
};

struct relay_udp;

struct port {
    struct networks *networks;
    struct list link;
    struct port_options options; /* host_port: the real one */
    struct io io;                /* the bound socket, owned */
    int family;                  /* its; AF_INET6 serves both where no address was given */
    struct timer retry;          /* accepts again after descriptors ran out */
    struct ip_port *backends;    /* owned */
    size_t backend_count;
    struct slots v4, v6;     /* what the rules have of them, or will have */
    unsigned turn;           /* which backend a relayed connection gets next */
    struct list connections; /* of struct relay_tcp */
    size_t connection_count;
    struct relay_udp *flows; /* owned; UDP only */
};

static inline bool network_has_ipv6(const struct network *network)
{
    return ip_is_set(&network->record.v6.subnet.ip);
}

/* networks.c: the table with its rules, made when the first network is. */
int networks_need_table(struct networks *networks, struct err *err);
/* An error of a netlink call, with the kernel's words where it has any: "WHAT WHICH"; which may be NULL. */
int networks_kernel_error(const struct netlink *nl, int errnum, struct err *err, const char *what, const char *which);

/* network.c: gives the machine what the network needs, again where it has it. */
int network_apply(struct network *network, struct err *err);
/* Frees the record of it; nothing changes on the machine. */
void network_free(struct network *network);
DEFINE_CLEANUP(struct network *, network_free);

/* port.c: closes the sockets; rules stay. */
void port_forget(struct port *port);
