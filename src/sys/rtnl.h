#pragma once
/*
 * Links, addresses, routes and neighbours (rtnetlink(7)): each function adds one request to a batch (sys/netlink.h),
 * which the caller sends. The lists are read with dumps, begun again where the table changed meanwhile.
 */
#include "base/ip.h"
#include "sys/netlink.h"

#include <linux/rtnetlink.h>
#include <stdbool.h>

#define LINK_NAME_MAX 16 /* IFNAMSIZ, with the NUL */

/* A pair of links, one of them in another namespace. Both are made down, with one queue, and with the addresses given.
 */
struct rtnl_veth {
    const char *name;
    struct mac mac;
    const char *peer_name;
    struct mac peer_mac;
    int peer_netns; /* a descriptor */
    int mtu;        /* 0: the kernel's (1500) */
};
void rtnl_veth_add(struct netlink_batch *batch, const struct rtnl_veth *veth);

struct rtnl_link {
    int index;        /* or 0 and a name */
    const char *name; /* where index is 0 */
    bool up;
    bool no_ipv6_address; /* no link-local address, so no multicast groups, no solicitations */
};
void rtnl_link_set(struct netlink_batch *batch, const struct rtnl_link *link);
void rtnl_link_remove(struct netlink_batch *batch, int index);
/* Asks for a link; the answer is an RTM_NEWLINK message. */
void rtnl_link_get(struct netlink_batch *batch, const char *name);

struct rtnl_address {
    int link;
    struct ip_prefix address; /* the link's own address, and how many bits of it the link's neighbours share */
    bool own_routes;          /* makes no route to the prefix: routes are made by hand */
    bool never_source;        /* not chosen as a source by itself: IPv4's scope link, IPv6's deprecated */
    uint8_t protocol;         /* who made it (IFA_PROTO), 0: unsaid */
    uint32_t metric;          /* of its routes (IFA_RT_PRIORITY) */
};
void rtnl_address_add(struct netlink_batch *batch, const struct rtnl_address *address);
void rtnl_address_remove(struct netlink_batch *batch, const struct rtnl_address *address);

struct rtnl_route {
    uint8_t type;                 /* RTN_UNICAST, RTN_UNREACHABLE */
    struct ip_prefix destination; /* family set; bits 0 for the default route */
    struct ip gateway, source;    /* or none */
    int link;                     /* or 0 */
    bool onlink;                  /* the gateway is on the link, whatever the routes say */
    uint8_t protocol;             /* RTPROT_…, who made it */
    uint32_t metric;
};
/* Replaces what the table has for the same destination and metric. */
void rtnl_route_set(struct netlink_batch *batch, const struct rtnl_route *route);
void rtnl_route_remove(struct netlink_batch *batch, const struct rtnl_route *route);

/* A permanent entry: never asked for, never aged, never counted against gc_thresh. */
void rtnl_neighbour_set(struct netlink_batch *batch, int link, const struct ip *ip, const struct mac *mac);

/*
 * What a dump shows, routes of the main table only. The callback's structs live as long as the call; an entry can come
 * twice.
 */
int rtnl_links(struct netlink *nl, void (*found)(int index, const char *name, void *data), void *data);
int rtnl_addresses(struct netlink *nl, void (*found)(const struct rtnl_address *address, void *data), void *data);
int rtnl_routes(struct netlink *nl, void (*found)(const struct rtnl_route *route, void *data), void *data);

/* The index of a link, or -ENODEV. */
int rtnl_link_index(struct netlink *nl, const char *name);
/* The index in an RTM_NEWLINK message. */
int rtnl_message_index(const struct nlmsghdr *message);
