#pragma once
/*
 * Connection tracking (linux/netfilter/nfnetlink_conntrack.h): making the kernel forget flows. Rules decide over the
 * first packet of a flow, and a client that never stops sending datagrams keeps what was decided for it: after the
 * rules changed, its flow must be forgotten.
 */
#include "base/ip.h"
#include "sys/netlink.h"

#include <stdbool.h>

/* As the client began it, and as the answers look: where they differ, addresses were translated. */
struct conntrack_flow {
    struct ip_port source, destination;
    struct ip_port answer_source, answer_destination;
};

/*
 * Forgets the flows of a family (AF_INET, AF_INET6) and protocol to this port for which doomed() says so. nl is a
 * socket of NETLINK_NETFILTER. Returns how many, or -errno.
 */
int conntrack_forget(struct netlink *nl, int family, uint8_t protocol, uint16_t port,
                     bool (*doomed)(const struct conntrack_flow *flow, void *data), void *data);
