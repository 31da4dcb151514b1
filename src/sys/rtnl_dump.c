/* The lists of rtnetlink: links, addresses, routes. */
#include "sys/rtnl.h"

#include "base/cleanup.h"

#include <errno.h>
#include <linux/if_link.h>
#include <string.h>

#ifndef IFA_PROTO
#define IFA_PROTO 11 /* Linux 5.18 */
#endif

#define ATTEMPTS 20

struct dump {
    union {
        void (*link)(int index, const char *name, void *data);
        void (*address)(const struct rtnl_address *address, void *data);
        void (*route)(const struct rtnl_route *route, void *data);
    } found;
    void *data;
};

static struct ip get_ip(const struct nlattr *attribute, int family)
{
    struct ip ip = {.family = family == AF_INET6 ? IP_V6 : IP_V4};
    if (!attribute || mnl_attr_get_payload_len(attribute) < ip_size(&ip))
        return (struct ip){0};
    memcpy(ip.bytes, mnl_attr_get_payload(attribute), ip_size(&ip));
    return ip;
}

static uint32_t get_u32(const struct nlattr *attribute)
{
    return attribute && mnl_attr_get_payload_len(attribute) >= sizeof(uint32_t) ? mnl_attr_get_u32(attribute) : 0;
}

static void link_entry(const struct nlmsghdr *message, void *data)
{
    struct dump *dump = data;
    const struct nlattr *attributes[IFLA_IFNAME + 1];
    netlink_parse(message, sizeof(struct ifinfomsg), attributes, IFLA_IFNAME);
    if (attributes[IFLA_IFNAME])
        dump->found.link(rtnl_message_index(message), mnl_attr_get_str(attributes[IFLA_IFNAME]), dump->data);
}

static void address_entry(const struct nlmsghdr *message, void *data)
{
    struct dump *dump = data;
    const struct ifaddrmsg *header = mnl_nlmsg_get_payload(message);
    const struct nlattr *attributes[IFA_PROTO + 1];
    netlink_parse(message, sizeof(*header), attributes, IFA_PROTO);
    /* IFA_ADDRESS is the other end's on links of two; IPv6 has no IFA_LOCAL on others. */
    const struct nlattr *local = attributes[IFA_LOCAL] ? attributes[IFA_LOCAL] : attributes[IFA_ADDRESS];
    struct rtnl_address address = {
        .link = (int)header->ifa_index,
        .address = {.ip = get_ip(local, header->ifa_family), .bits = header->ifa_prefixlen},
        .never_source = header->ifa_scope == RT_SCOPE_LINK && header->ifa_family == AF_INET,
        .protocol = attributes[IFA_PROTO] ? mnl_attr_get_u8(attributes[IFA_PROTO]) : 0,
        .metric = get_u32(attributes[IFA_RT_PRIORITY]),
    };
    dump->found.address(&address, dump->data);
}

static void route_entry(const struct nlmsghdr *message, void *data)
{
    struct dump *dump = data;
    const struct rtmsg *header = mnl_nlmsg_get_payload(message);
    const struct nlattr *attributes[RTA_TABLE + 1];
    netlink_parse(message, sizeof(*header), attributes, RTA_TABLE);
    uint32_t table = attributes[RTA_TABLE] ? get_u32(attributes[RTA_TABLE]) : header->rtm_table;
    if (table != RT_TABLE_MAIN || (header->rtm_family != AF_INET && header->rtm_family != AF_INET6))
        return;
    struct rtnl_route route = {
        .type = header->rtm_type,
        .destination = {.ip = get_ip(attributes[RTA_DST], header->rtm_family), .bits = header->rtm_dst_len},
        .gateway = get_ip(attributes[RTA_GATEWAY], header->rtm_family),
        .link = (int)get_u32(attributes[RTA_OIF]),
        .protocol = header->rtm_protocol,
        .metric = get_u32(attributes[RTA_PRIORITY]),
    };
    route.destination.ip.family = header->rtm_family == AF_INET6 ? IP_V6 : IP_V4;
    dump->found.route(&route, dump->data);
}

static int dump_all(struct netlink *nl, uint16_t type, const void *header, size_t size,
                    void (*entry)(const struct nlmsghdr *message, void *data), struct dump *dump)
{
    int r = -EINTR;
    for (int i = 0; r == -EINTR && i < ATTEMPTS; i++) {
        struct netlink_batch batch cleanup(netlink_batch_done) = {0};
        netlink_request(&batch, type, 0, header, size);
        if (type == RTM_GETLINK)
            netlink_put_u32(&batch, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
        r = netlink_dump(nl, &batch, entry, dump);
    }
    return r;
}

int rtnl_links(struct netlink *nl, void (*found)(int index, const char *name, void *data), void *data)
{
    struct dump dump = {.found.link = found, .data = data};
    static const struct ifinfomsg header;
    return dump_all(nl, RTM_GETLINK, &header, sizeof(header), link_entry, &dump);
}

int rtnl_addresses(struct netlink *nl, void (*found)(const struct rtnl_address *address, void *data), void *data)
{
    struct dump dump = {.found.address = found, .data = data};
    static const struct ifaddrmsg header;
    return dump_all(nl, RTM_GETADDR, &header, sizeof(header), address_entry, &dump);
}

int rtnl_routes(struct netlink *nl, void (*found)(const struct rtnl_route *route, void *data), void *data)
{
    struct dump dump = {.found.route = found, .data = data};
    static const struct rtmsg header;
    return dump_all(nl, RTM_GETROUTE, &header, sizeof(header), route_entry, &dump);
}
