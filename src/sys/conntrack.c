#include "sys/conntrack.h"

#include "base/cleanup.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <string.h>

#define CT_TYPE(message) ((uint16_t)(NFNL_SUBSYS_CTNETLINK << 8 | (message)))

/* Which of a tuple's fields a dump is filtered by; the kernel's own names for the bits are in no header of its
 * interface. */
#define FILTER_PROTOCOL         (1U << 3)
#define FILTER_DESTINATION_PORT (1U << 5)

struct dump {
    struct netlink_batch deletions;
    int family;
    uint8_t protocol;
    uint16_t port;
    bool (*doomed)(const struct conntrack_flow *flow, void *data);
    void *data;
    int count;
};

/* Sorts the attributes nested in one. */
static void parse_nested(const struct nlattr *nest, const struct nlattr **attributes, uint16_t max)
{
    const struct nlattr *attribute;
    memset(attributes, 0, sizeof(*attributes) * ((size_t)max + 1));
    if (nest)
        mnl_attr_for_each_nested(attribute, nest)
        {
            if (mnl_attr_get_type(attribute) <= max)
                attributes[mnl_attr_get_type(attribute)] = attribute;
        }
}

static struct ip get_ip(const struct nlattr *v4, const struct nlattr *v6)
{
    struct ip ip = {.family = v4 ? IP_V4 : IP_V6};
    const struct nlattr *attribute = v4 ? v4 : v6;
    if (!attribute || mnl_attr_get_payload_len(attribute) < ip_size(&ip))
        return (struct ip){0};
    memcpy(ip.bytes, mnl_attr_get_payload(attribute), ip_size(&ip));
    return ip;
}

static uint16_t get_port(const struct nlattr *attribute)
{
    return attribute && mnl_attr_get_payload_len(attribute) >= 2 ? ntohs(mnl_attr_get_u16(attribute)) : 0;
}

/* Returns the tuple's protocol. */
static uint8_t read_tuple(const struct nlattr *tuple, struct ip_port *source, struct ip_port *destination)
{
    const struct nlattr *parts[CTA_TUPLE_PROTO + 1], *ip[CTA_IP_V6_DST + 1], *proto[CTA_PROTO_DST_PORT + 1];
    parse_nested(tuple, parts, CTA_TUPLE_PROTO);
    parse_nested(parts[CTA_TUPLE_IP], ip, CTA_IP_V6_DST);
    parse_nested(parts[CTA_TUPLE_PROTO], proto, CTA_PROTO_DST_PORT);
    *source = (struct ip_port){get_ip(ip[CTA_IP_V4_SRC], ip[CTA_IP_V6_SRC]), get_port(proto[CTA_PROTO_SRC_PORT])};
    *destination = (struct ip_port){get_ip(ip[CTA_IP_V4_DST], ip[CTA_IP_V6_DST]), get_port(proto[CTA_PROTO_DST_PORT])};
    return proto[CTA_PROTO_NUM] ? mnl_attr_get_u8(proto[CTA_PROTO_NUM]) : 0;
}

static void begin(struct netlink_batch *batch, uint16_t message, int family)
{
    struct nfgenmsg header = {.nfgen_family = (uint8_t)family, .version = NFNETLINK_V0};
    netlink_request(batch, CT_TYPE(message), 0, &header, sizeof(header));
}

static void see_flow(const struct nlmsghdr *message, void *data)
{
    struct dump *dump = data;
    struct conntrack_flow flow;
    const struct nlattr *attributes[CTA_ID + 1];
    netlink_parse(message, sizeof(struct nfgenmsg), attributes, CTA_ID);
    const struct nlattr *tuple = attributes[CTA_TUPLE_ORIG];
    /* Kernels before 5.8 filter nothing. */
    if (!tuple || read_tuple(tuple, &flow.source, &flow.destination) != dump->protocol ||
        flow.destination.port != dump->port)
        return;
    (void)read_tuple(attributes[CTA_TUPLE_REPLY], &flow.answer_source, &flow.answer_destination);
    if (!dump->doomed(&flow, dump->data))
        return;
    begin(&dump->deletions, IPCTNL_MSG_CT_DELETE, dump->family);
    netlink_put(&dump->deletions, CTA_TUPLE_ORIG | NLA_F_NESTED, mnl_attr_get_payload(tuple),
                mnl_attr_get_payload_len(tuple));
    /* Its id: a flow that took this one's place meanwhile stays. */
    if (attributes[CTA_ID])
        netlink_put(&dump->deletions, CTA_ID, mnl_attr_get_payload(attributes[CTA_ID]),
                    mnl_attr_get_payload_len(attributes[CTA_ID]));
    dump->count++;
}

static void put_filter(struct netlink_batch *batch, uint8_t protocol, uint16_t port)
{
    uint16_t network_port = htons(port);
    size_t tuple = netlink_nest(batch, CTA_TUPLE_ORIG);
    size_t proto = netlink_nest(batch, CTA_TUPLE_PROTO);
    netlink_put_u8(batch, CTA_PROTO_NUM, protocol);
    netlink_put(batch, CTA_PROTO_DST_PORT, &network_port, sizeof(network_port));
    netlink_nest_end(batch, proto);
    netlink_nest_end(batch, tuple);
    size_t filter = netlink_nest(batch, CTA_FILTER);
    netlink_put_u32(batch, CTA_FILTER_ORIG_FLAGS, FILTER_PROTOCOL | FILTER_DESTINATION_PORT);
    netlink_put_u32(batch, CTA_FILTER_REPLY_FLAGS, 0);
    netlink_nest_end(batch, filter);
}

int conntrack_forget(struct netlink *nl, int family, uint8_t protocol, uint16_t port,
                     bool (*doomed)(const struct conntrack_flow *flow, void *data), void *data)
{
    struct netlink_batch batch cleanup(netlink_batch_done) = {0};
    struct dump dump = {.family = family, .protocol = protocol, .port = port, .doomed = doomed, .data = data};
    begin(&batch, IPCTNL_MSG_CT_GET, family);
    put_filter(&batch, protocol, port);
    int r = netlink_dump(nl, &batch, see_flow, &dump);
    /* Those that ended by themselves meanwhile are as good as forgotten. */
    if (dump.count)
        (void)netlink_talk(nl, &dump.deletions, NULL, NULL);
    netlink_batch_done(&dump.deletions);
    return r < 0 && r != -EINTR ? r : dump.count;
}
