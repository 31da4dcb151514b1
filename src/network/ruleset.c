#include "network/ruleset.h"

#include "base/str.h"

#include <netinet/in.h>
#include <stdio.h>

#define DNS_PORT  53

#define FEW_TEXT  "64"
#define MANY_TEXT "1024"

_Static_assert(SLOTS_FEW == 64 && SLOTS_MANY == 1024, "the rules draw one of so many slots");
_Static_assert(PORT_BACKENDS_MAX <= SLOTS_MANY, "every backend needs a slot");

/* Sets exist twice, for IPv4 and for IPv6; @4 stands for the one's or the other's number, @ip and @addr for its words.
 */
static const char sets_text[] =
    /* Every network's subnet. */
    "    set subnets@4 { type @addr; flags interval; }\n"
    /* Who may talk to whom: each subnet with itself. */
    "    set same@4 { type @addr . @addr; flags interval; }\n"
    "    set internal@4 { type @addr; flags interval; }\n"
    "    set masquerade@4 { type @addr; flags interval; }\n"
    /* Where a gateway's questions for names go, when its own port 53 is somebody else's. */
    "    map names@4 { type @addr . inet_proto : @addr . inet_service; }\n"
    "    map gateways@4 { type @addr : @addr; flags interval; }\n"
    /* Published on every address, with one backend; with few, with many; and on one address, with few and with many. */
    "    map ports@4 { type inet_proto . inet_service : @addr . inet_service; }\n"
    "    map few@4 {\n"
    "        typeof meta l4proto . th dport . numgen inc mod " FEW_TEXT " : @ip daddr . th dport\n"
    "    }\n"
    "    map many@4 {\n"
    "        typeof meta l4proto . th dport . numgen inc mod " MANY_TEXT " : @ip daddr . th dport\n"
    "    }\n"
    "    map at_few@4 {\n"
    "        typeof @ip daddr . meta l4proto . th dport . numgen inc mod " FEW_TEXT " : @ip daddr . th dport\n"
    "    }\n"
    "    map at_many@4 {\n"
    "        typeof @ip daddr . meta l4proto . th dport . numgen inc mod " MANY_TEXT " : @ip daddr . th dport\n"
    "    }\n";

/* @links stands for the names of the machine's ends of all containers' links. */
static const char chains_text[] =
    /* A container sends from its own address alone: the way back must be the way it came. And nobody else claims one.
     */
    "    chain check_source {\n"
    "        type filter hook prerouting priority raw; policy accept;\n"
    "        iifname \"@links\" fib saddr . iif oif missing drop\n"
    "        iifname \"@links\" accept\n"
    "        iifname \"lo\" accept\n"
    "        ip saddr @subnets4 drop\n"
    "        ip6 saddr @subnets6 drop\n"
    "    }\n"
    "    chain forward {\n"
    "        type filter hook forward priority filter; policy accept;\n"
    "        iifname \"@links\" jump from_container\n"
    "        oifname \"@links\" jump to_container\n"
    "    }\n"
    "    chain from_container {\n"
    "        ct state vmap { established : accept, related : accept, invalid : drop }\n"
    "        ip saddr . ip daddr @same4 accept\n"
    "        ip6 saddr . ip6 daddr @same6 accept\n"
    "        ip saddr @internal4 reject with icmpx admin-prohibited\n"
    "        ip6 saddr @internal6 reject with icmpx admin-prohibited\n"
    "        ip daddr @internal4 reject with icmpx admin-prohibited\n"
    "        ip6 daddr @internal6 reject with icmpx admin-prohibited\n"
    "        oifname \"@links\" ct status dnat accept\n"
    "        oifname \"@links\" reject with icmpx admin-prohibited\n"
    "        accept\n"
    "    }\n"
    /* From outside only what was published gets in. */
    "    chain to_container {\n"
    "        ct state vmap { established : accept, related : accept, invalid : drop }\n"
    "        ip daddr @internal4 drop\n"
    "        ip6 daddr @internal6 drop\n"
    "        ct status dnat accept\n"
    "        drop\n"
    "    }\n"
    /* Of the machine itself, an internal network's containers reach their gateway and nothing else. */
    "    chain input {\n"
    "        type filter hook input priority filter; policy accept;\n"
    "        iifname \"@links\" ip saddr @internal4 ip saddr . ip daddr != @same4 drop\n"
    "        iifname \"@links\" ip6 saddr @internal6 ip6 saddr . ip6 daddr != @same6 drop\n"
    "    }\n"
    "    chain publish {\n"
    "        dnat ip to ip daddr . meta l4proto . th dport . numgen inc mod " FEW_TEXT " map @at_few4\n"
    "        dnat ip to ip daddr . meta l4proto . th dport . numgen inc mod " MANY_TEXT " map @at_many4\n"
    "        dnat ip to meta l4proto . th dport map @ports4\n"
    "        dnat ip to meta l4proto . th dport . numgen inc mod " FEW_TEXT " map @few4\n"
    "        dnat ip to meta l4proto . th dport . numgen inc mod " MANY_TEXT " map @many4\n"
    "        dnat ip6 to ip6 daddr . meta l4proto . th dport . numgen inc mod " FEW_TEXT " map @at_few6\n"
    "        dnat ip6 to ip6 daddr . meta l4proto . th dport . numgen inc mod " MANY_TEXT " map @at_many6\n"
    "        dnat ip6 to meta l4proto . th dport map @ports6\n"
    "        dnat ip6 to meta l4proto . th dport . numgen inc mod " FEW_TEXT " map @few6\n"
    "        dnat ip6 to meta l4proto . th dport . numgen inc mod " MANY_TEXT " map @many6\n"
    "    }\n"
    "    chain nat_prerouting {\n"
    "        type nat hook prerouting priority dstnat; policy accept;\n"
    "        iifname \"@links\" meta l4proto { tcp, udp } th dport 53 dnat ip to ip daddr . meta l4proto map @names4\n"
    "        iifname \"@links\" meta l4proto { tcp, udp } th dport 53 dnat ip6 to ip6 daddr . meta l4proto map "
    "@names6\n"
    "        fib daddr type local jump publish\n"
    "    }\n"
    /* What goes to localhost is the relay's: DNAT of it would need route_localnet, and does not work for ::1 at all. */
    "    chain nat_output {\n"
    "        type nat hook output priority -100; policy accept;\n"
    "        ip daddr 127.0.0.0/8 accept\n"
    "        ip6 daddr ::1 accept\n"
    "        fib daddr type local jump publish\n"
    "    }\n"
    /* Within one network, or to itself, the answer would not come by here if the client's address stayed. */
    "    chain nat_postrouting {\n"
    "        type nat hook postrouting priority srcnat; policy accept;\n"
    "        iifname \"@links\" oifname \"@links\" ct status dnat ip saddr . ip daddr @same4 snat ip to ip saddr map "
    "@gateways4\n"
    "        iifname \"@links\" oifname \"@links\" ct status dnat ip6 saddr . ip6 daddr @same6 snat ip6 to ip6 saddr "
    "map @gateways6\n"
    "        iifname \"@links\" oifname != \"@links\" ip saddr @masquerade4 masquerade\n"
    "        iifname \"@links\" oifname != \"@links\" ip6 saddr @masquerade6 masquerade\n"
    "    }\n";

static const char *const sets[] = {"subnets", "same", "internal", "masquerade", "names",  "gateways",
                                   "ports",   "few",  "many",     "at_few",     "at_many"};

struct replacement {
    const char *word, *by;
};

/* Appends text with each word replaced; the list ends with an empty one. */
static void add_replaced(struct buf *to, const char *text, const struct replacement *list)
{
    while (*text) {
        const struct replacement *r = list;
        while (r->word && !str_starts(text, r->word))
            r++;
        if (r->word) {
            buf_adds(to, r->by);
            text += strlen(r->word);
        } else {
            buf_addc(to, *text++);
        }
    }
}

static uint32_t checksum(const char *s)
{
    uint32_t h = 2166136261U;
    for (; *s; s++)
        h = (h ^ (uint8_t)*s) * 16777619U;
    return h;
}

void ruleset_write(const struct instance *instance, struct buf *text, char mark[RULESET_MARK_MAX])
{
    buf_printf(text, "table inet %s\ndelete table inet %s\ntable inet %s {\n", instance->table, instance->table,
               instance->table);
    add_replaced(text, sets_text, (struct replacement[]){{"@4", "4"}, {"@ip", "ip"}, {"@addr", "ipv4_addr"}, {0}});
    add_replaced(text, sets_text, (struct replacement[]){{"@4", "6"}, {"@ip", "ip6"}, {"@addr", "ipv6_addr"}, {0}});
    add_replaced(text, chains_text, (struct replacement[]){{"@links", instance->link_pattern}, {0}});
    (void)snprintf(mark, RULESET_MARK_MAX, "version_%08x", checksum(buf_str(text)));
    buf_printf(text, "    chain %s { }\n}\n", mark);
}

/* "same" and an IPv4 address make "same4". */
static void set_name(char name[16], const char *base, const struct ip *ip)
{
    (void)snprintf(name, 16, "%s%c", base, ip->family == IP_V6 ? '6' : '4');
}

void ruleset_flush(struct netlink_batch *batch, const struct instance *instance)
{
    static const struct ip families[] = {{.family = IP_V4}, {.family = IP_V6}};
    char name[16];
    for (size_t i = 0; i < ARRAY_SIZE(sets); i++) {
        for (size_t family = 0; family < ARRAY_SIZE(families); family++) {
            set_name(name, sets[i], &families[family]);
            nft_flush(batch, instance->table, name);
        }
    }
}

static void prefix_element(struct netlink_batch *batch, enum nft_operation operation, const struct network *network,
                           const char *set, const struct ip_prefix *prefix, const struct nft_value *value)
{
    char name[16];
    set_name(name, set, &prefix->ip);
    struct nft_elements elements = {batch, operation, network->networks->instance.table, name, 0};
    nft_element_prefix(&elements, prefix, value);
    nft_elements_end(&elements);
}

static void same_element(struct netlink_batch *batch, enum nft_operation operation, const struct network *network,
                         const struct ip_prefix *subnet)
{
    char name[16];
    struct nft_value from = {0}, to = {0};
    struct ip first = ip_prefix_first(subnet), last = ip_prefix_last(subnet);
    nft_value_ip(&from, &first);
    nft_value_ip(&from, &first);
    nft_value_ip(&to, &last);
    nft_value_ip(&to, &last);
    set_name(name, "same", &subnet->ip);
    struct nft_elements elements = {batch, operation, network->networks->instance.table, name, 0};
    nft_element(&elements, &from, &to, NULL);
    nft_elements_end(&elements);
}

static void subnet_elements(struct netlink_batch *batch, enum nft_operation operation, const struct network *network,
                            const struct network_subnet *subnet)
{
    struct nft_value gateway = {0};
    if (!ip_is_set(&subnet->subnet.ip))
        return;
    nft_value_ip(&gateway, &subnet->gateway);
    same_element(batch, operation, network, &subnet->subnet);
    prefix_element(batch, operation, network, "subnets", &subnet->subnet, NULL);
    prefix_element(batch, operation, network, "gateways", &subnet->subnet, &gateway);
    if (network->record.internal)
        prefix_element(batch, operation, network, "internal", &subnet->subnet, NULL);
    else if (!network->record.no_masquerade)
        prefix_element(batch, operation, network, "masquerade", &subnet->subnet, NULL);
}

void ruleset_resolver(struct netlink_batch *batch, enum nft_operation operation, const struct network *network)
{
    static const uint8_t protocols[] = {IPPROTO_UDP, IPPROTO_TCP};
    const struct ip *gateway = &network->record.v4.gateway;
    struct nft_elements elements = {batch, operation, network->networks->instance.table, "names4", 0};
    for (size_t i = 0; i < ARRAY_SIZE(protocols); i++) {
        struct nft_value key = {0}, value = {0};
        if (network->resolver_ports[i] == 0 || network->resolver_ports[i] == DNS_PORT)
            continue;
        nft_value_ip(&key, gateway);
        nft_value_u8(&key, protocols[i]);
        nft_value_ip(&value, gateway);
        nft_value_port(&value, network->resolver_ports[i]);
        nft_element(&elements, &key, NULL, &value);
    }
    nft_elements_end(&elements);
}

void ruleset_network(struct netlink_batch *batch, enum nft_operation operation, const struct network *network)
{
    subnet_elements(batch, operation, network, &network->record.v4);
    subnet_elements(batch, operation, network, &network->record.v6);
    ruleset_resolver(batch, operation, network);
}

/* --- Ports */

static bool is_at(const struct port *port)
{
    return ip_is_set(&port->options.host_ip) && !ip_is_unspecified(&port->options.host_ip);
}

static const char *map_of(const struct port *port, size_t slots)
{
    if (slots == 1)
        return "ports";
    if (is_at(port))
        return slots == SLOTS_FEW ? "at_few" : "at_many";
    return slots == SLOTS_FEW ? "few" : "many";
}

static void slot_element(struct nft_elements *elements, const struct port *port, const struct ip_port *backend,
                         size_t slot, size_t slots)
{
    struct nft_value key = {0}, value = {0};
    if (is_at(port))
        nft_value_ip(&key, &port->options.host_ip);
    nft_value_u8(&key, port->options.protocol);
    nft_value_port(&key, port->options.host_port);
    if (slots > 1)
        nft_value_host_u32(&key, (uint32_t)slot);
    nft_value_ip(&value, &backend->ip);
    nft_value_port(&value, backend->port);
    nft_element(elements, &key, NULL, &value);
}

/* The elements of slots that the other dealing does not have just so. */
static void differing_slots(struct netlink_batch *batch, enum nft_operation operation, const struct port *port,
                            const struct slots *slots, const struct slots *other)
{
    char name[16];
    if (slots->count == 0)
        return;
    set_name(name, map_of(port, slots->count), &slots->items[0].ip);
    struct nft_elements elements = {batch, operation, port->networks->instance.table, name, 0};
    for (size_t i = 0; i < slots->count; i++)
        if (other->count != slots->count || !ip_port_equal(&slots->items[i], &other->items[i]))
            slot_element(&elements, port, &slots->items[i], i, slots->count);
    nft_elements_end(&elements);
}

void ruleset_port(struct netlink_batch *batch, const struct port *port, const struct slots *before,
                  const struct slots *after)
{
    differing_slots(batch, NFT_DELETE, port, before, after);
    differing_slots(batch, NFT_ADD, port, after, before);
}
