/* Networks: their subnets, and what the machine has for each whether containers are attached or not. */
#include "base/str.h"
#include "network/forwarding.h"
#include "network/ruleset.h"

#include <errno.h>
#include <stdio.h>

#define LOOPBACK_INDEX 1

/* --- Subnets */

struct prefixes {
    const struct networks *networks;
    VEC(struct ip_prefix) items;
};

static bool is_own(const struct prefixes *prefixes, uint8_t protocol, uint32_t metric)
{
    return protocol == INSTANCE_PROTOCOL && metric == prefixes->networks->instance.number;
}

static void note_route(const struct rtnl_route *route, void *data)
{
    struct prefixes *prefixes = data;
    if (route->destination.bits > 0 && !is_own(prefixes, route->protocol, route->metric))
        vec_push(&prefixes->items, route->destination);
}

static void note_address(const struct rtnl_address *address, void *data)
{
    struct prefixes *prefixes = data;
    if (!is_own(prefixes, address->protocol, address->metric))
        vec_push(&prefixes->items, address->address);
}

/* What the machine itself uses: the destinations of its routes, but the default ones, and the subnets it is in. */
static int machine_prefixes(struct networks *networks, struct prefixes *ret, struct err *err)
{
    ret->networks = networks;
    int r = rtnl_routes(&networks->route, note_route, ret);
    if (r >= 0)
        r = rtnl_addresses(&networks->route, note_address, ret);
    return r < 0 ? networks_kernel_error(&networks->route, r, err, "cannot read the machine's routes", NULL) : 0;
}

static int choose_subnet(struct networks *networks, const struct subnet_pool *pools, size_t pool_count,
                         struct network_subnet *subnet, const struct prefixes *machine, struct err *err)
{
    struct prefixes taken = {0};
    const struct network *other;
    vec_foreach (prefix, &machine->items)
        vec_push(&taken.items, *prefix);
    list_foreach (other, &networks->list, link) {
        vec_push(&taken.items, other->v4.subnet);
        if (network_has_ipv6(other))
            vec_push(&taken.items, other->v6.subnet);
    }
    int r = subnet_choose(pools, pool_count, taken.items.items, taken.items.count, &subnet->subnet, err);
    vec_done(&taken.items);
    return r;
}

/* IPv6 subnets come from a /48 of the instance's own (RFC 4193). */
static struct subnet_pool own_ipv6_pool(const struct instance *instance)
{
    uint32_t n = instance->number;
    struct ip ip = {.family = IP_V6,
                    .bytes = {0xfd, (uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n, 0x53}};
    return (struct subnet_pool){.base = {.ip = ip, .bits = 48}, .bits = 64};
}

static int check_overlap(struct networks *networks, const struct ip_prefix *subnet, const struct prefixes *machine,
                         struct err *err)
{
    char text[IP_PREFIX_TEXT_MAX], other_text[IP_PREFIX_TEXT_MAX];
    const struct network *other;
    ip_prefix_format(subnet, text);
    list_foreach (other, &networks->list, link) {
        const struct ip_prefix *theirs = subnet->ip.family == IP_V6 ? &other->v6.subnet : &other->v4.subnet;
        if (ip_is_set(&theirs->ip) && ip_prefix_overlaps(subnet, theirs))
            return err_set(err, ERR_CONFLICT, "subnet %s overlaps %s of network %s", text,
                           ip_prefix_format(theirs, other_text), other->record.name);
    }
    /* A wider route of the machine (a VPN's 10.0.0.0/8) does not hinder: the network is the more specific one. */
    vec_foreach (prefix, &machine->items)
        if (ip_prefix_within(prefix, subnet))
            return err_set(err, ERR_CONFLICT, "subnet %s overlaps %s, which this machine itself uses", text,
                           ip_prefix_format(prefix, other_text));
    return 0;
}

/* Completes one family of a wanted network: checks what was given, chooses what was not. */
static int complete_subnet(struct network *network, struct network_subnet *subnet, const struct prefixes *machine,
                           struct err *err)
{
    struct networks *networks = network->networks;
    struct subnet_pool own = own_ipv6_pool(&networks->instance);
    bool v6 = subnet == &network->record.v6, chosen = !ip_is_set(&subnet->subnet.ip);
    if (chosen && (ip_is_set(&subnet->range.ip) || ip_is_set(&subnet->gateway)))
        return err_set(err, ERR_INVALID, "network %s has a gateway or an IP range, and no subnet: give it the subnet",
                       network->record.name);
    if (chosen)
        return choose_subnet(networks, v6 ? &own : networks->pools, v6 ? 1 : networks->pool_count, subnet, machine,
                             err);
    if (subnet->subnet.ip.family != (v6 ? IP_V6 : IP_V4))
        return err_set(err, ERR_INVALID, "network %s has a subnet of the wrong family", network->record.name);
    subnet->subnet.ip = ip_prefix_first(&subnet->subnet);
    return check_overlap(networks, &subnet->subnet, machine, err);
}

static int complete_subnets(struct network *network, struct err *err)
{
    struct prefixes machine = {0};
    int r = machine_prefixes(network->networks, &machine, err);
    if (r >= 0)
        r = complete_subnet(network, &network->record.v4, &machine, err);
    if (r >= 0 && (network->record.ipv6 || network_has_ipv6(network)))
        r = complete_subnet(network, &network->record.v6, &machine, err);
    vec_done(&machine.items);
    return r;
}

/* Makes the pool of one family, without the gateway's address and the reserved ones. */
static int open_pool(struct network *network, struct ipam *ipam, struct network_subnet *subnet, struct err *err)
{
    if (ipam_init(ipam, &subnet->subnet, &subnet->range, err) < 0)
        return -1;
    if (!ip_is_set(&subnet->gateway))
        subnet->gateway = ip_plus(&ipam->subnet.ip, 1);
    if (ipam_take(ipam, &subnet->gateway, err) < 0)
        return err_wrap(err, "gateway of network %s", network->record.name);
    for (size_t i = 0; i < NETWORK_RESERVED_MAX; i++) {
        const struct ip *ip = &network->record.reserved[i];
        if (ip->family == subnet->subnet.ip.family && ipam_take(ipam, ip, err) < 0)
            return err_wrap(err, "reserved address of network %s", network->record.name);
    }
    return 0;
}

static int open_pools(struct network *network, struct err *err)
{
    if (open_pool(network, &network->v4, &network->record.v4, err) < 0)
        return -1;
    if (!network_has_ipv6(network))
        return 0;
    network->record.ipv6 = true;
    return open_pool(network, &network->v6, &network->record.v6, err);
}

/* --- On the machine */

static void put_subnet(struct netlink_batch *batch, const struct network *network, const struct network_subnet *subnet,
                       bool add)
{
    const struct instance *instance = &network->networks->instance;
    struct rtnl_address gateway = {.link = LOOPBACK_INDEX,
                                   .address = {.ip = subnet->gateway, .bits = ip_bits(&subnet->gateway)},
                                   .never_source = true,
                                   .protocol = INSTANCE_PROTOCOL,
                                   .metric = instance->number};
    /* What is sent to an address of the subnet that no container has must not leave by the default route. */
    struct rtnl_route nobody = {.type = RTN_UNREACHABLE,
                                .destination = subnet->subnet,
                                .protocol = INSTANCE_PROTOCOL,
                                .metric = instance->number};
    if (!ip_is_set(&subnet->subnet.ip))
        return;
    (add ? rtnl_address_add : rtnl_address_remove)(batch, &gateway);
    (add ? rtnl_route_set : rtnl_route_remove)(batch, &nobody);
}

static int set_subnets(struct network *network, bool add, struct err *err)
{
    struct netlink_batch batch cleanup(netlink_batch_done) = {0};
    put_subnet(&batch, network, &network->record.v4, add);
    put_subnet(&batch, network, &network->record.v6, add);
    int r = netlink_talk(&network->networks->route, &batch, NULL, NULL);
    if (r < 0)
        return networks_kernel_error(&network->networks->route, r, err, "cannot set up the gateway of network",
                                     network->record.name);
    return 0;
}

int network_apply(struct network *network, struct err *err)
{
    if (forwarding_enable(false, err) < 0)
        return -1;
    if (network_has_ipv6(network) && forwarding_enable(true, err) < 0)
        return -1;
    return set_subnets(network, true, err);
}

static int commit(struct network *network, struct netlink_batch *batch, struct err *err)
{
    struct netlink *nft = &network->networks->nft;
    int r = nft_commit(nft, batch);
    if (r < 0)
        return networks_kernel_error(nft, r, err, "cannot change the rules for network", network->record.name);
    return 0;
}

static int set_elements(struct network *network, enum nft_operation operation, struct err *err)
{
    struct netlink_batch batch cleanup(netlink_batch_done) = {0};
    nft_begin(&batch);
    ruleset_network(&batch, operation, network);
    return commit(network, &batch, err);
}

int network_set_resolver(struct network *network, uint16_t udp_port, uint16_t tcp_port, struct err *err)
{
    struct netlink_batch batch cleanup(netlink_batch_done) = {0};
    nft_begin(&batch);
    ruleset_resolver(&batch, NFT_DELETE, network);
    network->resolver_ports[0] = udp_port;
    network->resolver_ports[1] = tcp_port;
    ruleset_resolver(&batch, NFT_ADD, network);
    return network->networks->started ? commit(network, &batch, err) : 0;
}

/* --- Networks */

static struct network *network_new(struct networks *networks, const struct network_record *record)
{
    struct network *network = NEW(struct network);
    network->networks = networks;
    network->record = *record;
    list_init(&network->endpoints);
    return network;
}

void network_free(struct network *network)
{
    struct endpoint *endpoint;
    list_foreach (endpoint, &network->endpoints, link)
        free(endpoint);
    list_remove(&network->link);
    ipam_done(&network->v4);
    ipam_done(&network->v6);
    free(network);
}

int network_create(struct networks *networks, const struct network_record *wanted, struct network **ret,
                   struct err *err)
{
    struct network *network cleanup(network_freep) = network_new(networks, wanted);
    if (complete_subnets(network, err) < 0 || open_pools(network, err) < 0 || networks_need_table(networks, err) < 0)
        return -1;
    if (set_elements(network, NFT_ADD, err) < 0)
        return -1;
    if (network_apply(network, err) < 0) {
        struct err ignored;
        (void)set_subnets(network, false, &ignored);
        (void)set_elements(network, NFT_DELETE, &ignored);
        return -1;
    }
    list_push(&networks->list, &network->link);
    *ret = TAKE(network);
    return 0;
}

int network_adopt(struct networks *networks, const struct network_record *record, struct network **ret, struct err *err)
{
    struct network *network cleanup(network_freep) = network_new(networks, record);
    if (open_pools(network, err) < 0)
        return -1;
    list_push(&networks->list, &network->link);
    *ret = TAKE(network);
    return 0;
}

int network_remove(struct network *network, struct err *err)
{
    if (network->endpoint_count > 0) {
        const struct endpoint *first = container_of(network->endpoints.next, struct endpoint, link);
        return err_set(err, ERR_CONFLICT, "network %s is in use by %zu containers, one of them %.12s",
                       network->record.name, network->endpoint_count, first->record.container);
    }
    struct err ignored;
    if (set_elements(network, NFT_DELETE, err) < 0)
        return -1;
    /* An address or a route that is missing already is as good as removed. */
    (void)set_subnets(network, false, &ignored);
    network_free(network);
    return 0;
}

const struct network_record *network_record(const struct network *network)
{
    return &network->record;
}

struct network *network_find(const struct networks *networks, const char *id)
{
    struct network *network;
    list_foreach (network, &networks->list, link)
        if (str_eq(network->record.id, id))
            return network;
    return NULL;
}
