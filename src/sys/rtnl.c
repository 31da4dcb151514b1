#include "sys/rtnl.h"

#include "base/cleanup.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/veth.h>
#include <net/if.h>
#include <string.h>

#ifndef IFA_PROTO
#define IFA_PROTO 11 /* Linux 5.18 */
#endif

static void put_ip(struct netlink_batch *batch, uint16_t type, const struct ip *ip)
{
    if (ip_is_set(ip))
        netlink_put(batch, type, ip->bytes, ip_size(ip));
}

/* --- Links */

static void put_veth_end(struct netlink_batch *batch, const char *name, const struct mac *mac, int mtu)
{
    netlink_put_text(batch, IFLA_IFNAME, name);
    netlink_put(batch, IFLA_ADDRESS, mac->bytes, MAC_SIZE);
    /* Unasked, the kernel gives each end a queue for each processor of the machine. */
    netlink_put_u32(batch, IFLA_NUM_TX_QUEUES, 1);
    netlink_put_u32(batch, IFLA_NUM_RX_QUEUES, 1);
    if (mtu)
        netlink_put_u32(batch, IFLA_MTU, (uint32_t)mtu);
}

void rtnl_veth_add(struct netlink_batch *batch, const struct rtnl_veth *veth)
{
    static const struct ifinfomsg none;
    netlink_request(batch, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &none, sizeof(none));
    put_veth_end(batch, veth->name, &veth->mac, veth->mtu);
    size_t info = netlink_nest(batch, IFLA_LINKINFO);
    netlink_put_text(batch, IFLA_INFO_KIND, "veth");
    size_t data = netlink_nest(batch, IFLA_INFO_DATA);
    size_t peer = netlink_nest(batch, VETH_INFO_PEER);
    netlink_put_raw(batch, &none, sizeof(none));
    put_veth_end(batch, veth->peer_name, &veth->peer_mac, veth->mtu);
    netlink_put_u32(batch, IFLA_NET_NS_FD, (uint32_t)veth->peer_netns);
    netlink_nest_end(batch, peer);
    netlink_nest_end(batch, data);
    netlink_nest_end(batch, info);
}

static void put_set_link(struct netlink_batch *batch, const struct rtnl_link *link, unsigned flags)
{
    struct ifinfomsg header = {.ifi_index = link->index, .ifi_change = flags, .ifi_flags = flags};
    netlink_request(batch, RTM_SETLINK, 0, &header, sizeof(header));
    if (!link->index)
        netlink_put_text(batch, IFLA_IFNAME, link->name);
}

void rtnl_link_set(struct netlink_batch *batch, const struct rtnl_link *link)
{
    /* A request of its own: in one with IFF_UP, the link would come up first and have an address already. */
    if (link->no_ipv6_address) {
        put_set_link(batch, link, 0);
        size_t families = netlink_nest(batch, IFLA_AF_SPEC);
        size_t family = netlink_nest(batch, AF_INET6);
        netlink_put_u8(batch, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
        netlink_nest_end(batch, family);
        netlink_nest_end(batch, families);
    }
    if (link->up)
        put_set_link(batch, link, IFF_UP);
}

void rtnl_link_remove(struct netlink_batch *batch, int index)
{
    struct ifinfomsg header = {.ifi_index = index};
    netlink_request(batch, RTM_DELLINK, 0, &header, sizeof(header));
}

void rtnl_link_get(struct netlink_batch *batch, const char *name)
{
    static const struct ifinfomsg none;
    netlink_request(batch, RTM_GETLINK, 0, &none, sizeof(none));
    netlink_put_text(batch, IFLA_IFNAME, name);
    netlink_put_u32(batch, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
}

int rtnl_message_index(const struct nlmsghdr *message)
{
    return ((const struct ifinfomsg *)mnl_nlmsg_get_payload(message))->ifi_index;
}

static void keep_index(const struct nlmsghdr *message, void *data)
{
    *(int *)data = rtnl_message_index(message);
}

int rtnl_link_index(struct netlink *nl, const char *name)
{
    int index = -ENODEV;
    struct netlink_batch batch cleanup(netlink_batch_done) = {0};
    rtnl_link_get(&batch, name);
    int r = netlink_talk(nl, &batch, keep_index, &index);
    return r < 0 ? r : index;
}

/* --- Addresses */

static void put_address(struct netlink_batch *batch, uint16_t type, uint16_t flags, const struct rtnl_address *address)
{
    static const struct ifa_cacheinfo deprecated = {.ifa_prefered = 0, .ifa_valid = UINT32_MAX};
    const struct ip *ip = &address->address.ip;
    struct ifaddrmsg header = {.ifa_family = (uint8_t)ip_af(ip),
                               .ifa_prefixlen = address->address.bits,
                               .ifa_scope =
                                   address->never_source && ip->family == IP_V4 ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE,
                               .ifa_index = (uint32_t)address->link};
    netlink_request(batch, type, flags, &header, sizeof(header));
    put_ip(batch, IFA_LOCAL, ip);
    put_ip(batch, IFA_ADDRESS, ip);
    /* Addresses are handed out by us and used once, so IPv6 need not ask around before they work. */
    netlink_put_u32(batch, IFA_FLAGS, (address->own_routes ? IFA_F_NOPREFIXROUTE : 0) | IFA_F_NODAD);
    if (address->protocol)
        netlink_put_u8(batch, IFA_PROTO, address->protocol);
    if (address->metric)
        netlink_put_u32(batch, IFA_RT_PRIORITY, address->metric);
    if (address->never_source && ip->family == IP_V6)
        netlink_put(batch, IFA_CACHEINFO, &deprecated, sizeof(deprecated));
}

void rtnl_address_add(struct netlink_batch *batch, const struct rtnl_address *address)
{
    put_address(batch, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, address);
}

void rtnl_address_remove(struct netlink_batch *batch, const struct rtnl_address *address)
{
    put_address(batch, RTM_DELADDR, 0, address);
}

/* --- Routes */

static void put_route(struct netlink_batch *batch, uint16_t type, uint16_t flags, const struct rtnl_route *route)
{
    const struct ip *destination = &route->destination.ip;
    bool direct = !ip_is_set(&route->gateway) && route->type == RTN_UNICAST && destination->family == IP_V4;
    struct rtmsg header = {.rtm_family = (uint8_t)ip_af(destination),
                           .rtm_dst_len = route->destination.bits,
                           .rtm_table = RT_TABLE_MAIN,
                           .rtm_protocol = route->protocol,
                           .rtm_scope = direct ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE,
                           .rtm_type = route->type,
                           .rtm_flags = route->onlink ? RTNH_F_ONLINK : 0};
    netlink_request(batch, type, flags, &header, sizeof(header));
    if (route->destination.bits)
        put_ip(batch, RTA_DST, destination);
    put_ip(batch, RTA_GATEWAY, &route->gateway);
    put_ip(batch, RTA_PREFSRC, &route->source);
    if (route->link)
        netlink_put_u32(batch, RTA_OIF, (uint32_t)route->link);
    if (route->metric)
        netlink_put_u32(batch, RTA_PRIORITY, route->metric);
}

void rtnl_route_set(struct netlink_batch *batch, const struct rtnl_route *route)
{
    put_route(batch, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, route);
}

void rtnl_route_remove(struct netlink_batch *batch, const struct rtnl_route *route)
{
    put_route(batch, RTM_DELROUTE, 0, route);
}

void rtnl_neighbour_set(struct netlink_batch *batch, int link, const struct ip *ip, const struct mac *mac)
{
    struct ndmsg header = {.ndm_family = (uint8_t)ip_af(ip), .ndm_ifindex = link, .ndm_state = NUD_PERMANENT};
    netlink_request(batch, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, &header, sizeof(header));
    put_ip(batch, NDA_DST, ip);
    netlink_put(batch, NDA_LLADDR, mac->bytes, MAC_SIZE);
}
