/* Containers' places: addresses, the pair of links, routes and neighbours at both ends. */
#include "base/str.h"
#include "network/state.h"

#include <errno.h>
#include <stdio.h>

#define LINK_ATTEMPTS 1000

/* The machine's end of every link: each link is a world of its own, so one address does for all. 02: made here. */
static const struct mac machine_mac = {{0x02, 's', 'h', 'o', 'a', 'l'}};

/* --- Addresses */

static int take_address(struct ipam *ipam, const struct ip *wanted, struct ip *ret, struct err *err)
{
    if (!ip_is_set(wanted))
        return ipam_take_any(ipam, ret, err);
    if (ipam_take(ipam, wanted, err) < 0)
        return -1;
    *ret = *wanted;
    return 0;
}

static void give_addresses_back(struct endpoint *endpoint)
{
    ipam_give_back(&endpoint->network->v4, &endpoint->record.ipv4);
    if (ip_is_set(&endpoint->record.ipv6))
        ipam_give_back(&endpoint->network->v6, &endpoint->record.ipv6);
}

static int take_addresses(struct endpoint *endpoint, const struct ip *ipv4, const struct ip *ipv6, struct err *err)
{
    struct network *network = endpoint->network;
    if (ip_is_set(ipv6) && !network_has_ipv6(network))
        return err_set(err, ERR_INVALID, "network %s has no IPv6 subnet, and an IPv6 address was asked for",
                       network->record.name);
    if (take_address(&network->v4, ipv4, &endpoint->record.ipv4, err) < 0)
        return err_wrap(err, "network %s", network->record.name);
    if (network_has_ipv6(network) && take_address(&network->v6, ipv6, &endpoint->record.ipv6, err) < 0) {
        ipam_give_back(&network->v4, &endpoint->record.ipv4);
        return err_wrap(err, "network %s", network->record.name);
    }
    return 0;
}

/* --- Links */

static void keep_index(const struct nlmsghdr *message, void *data)
{
    *(int *)data = rtnl_message_index(message);
}

/* Makes the pair; returns the index of the machine's end, or -errno. */
static int make_pair(struct endpoint *endpoint, const struct endpoint_options *options)
{
    struct networks *networks = endpoint->network->networks;
    struct netlink_batch batch cleanup(netlink_batch_done) = {0};
    int index = -ENODEV;
    rtnl_veth_add(&batch, &(struct rtnl_veth){.name = endpoint->record.link,
                                              .mac = machine_mac,
                                              .peer_name = endpoint->record.interface,
                                              .peer_mac = endpoint->record.mac,
                                              .peer_netns = options->netns->fd,
                                              .mtu = endpoint->network->record.mtu});
    rtnl_link_get(&batch, endpoint->record.link);
    int r = netlink_talk(&networks->route, &batch, keep_index, &index);
    return r < 0 ? r : index;
}

/* Names of links that are still on their way out are taken, so the next one is tried. */
static int make_links(struct endpoint *endpoint, const struct endpoint_options *options, struct err *err)
{
    struct networks *networks = endpoint->network->networks;
    if (rtnl_link_index(&options->netns->link, endpoint->record.interface) >= 0)
        return err_set(err, ERR_CONFLICT, "the container has an interface %s already", endpoint->record.interface);
    int index = -EEXIST;
    for (int i = 0; index == -EEXIST && i < LINK_ATTEMPTS; i++) {
        instance_link_name(&networks->instance, networks->next_link, endpoint->record.link);
        networks->next_link = (networks->next_link + 1) % INSTANCE_LINKS;
        index = make_pair(endpoint, options);
    }
    if (index < 0)
        return networks_kernel_error(&networks->route, index, err, "cannot make the link", endpoint->record.link);
    return index;
}

static void remove_link(struct networks *networks, int index)
{
    struct netlink_batch batch cleanup(netlink_batch_done) = {0};
    rtnl_link_remove(&batch, index);
    (void)netlink_talk(&networks->route, &batch, NULL, NULL);
}

/* --- Routes */

static void put_machine_family(struct netlink_batch *batch, const struct endpoint *endpoint, int index,
                               const struct ip *ip, const struct network_subnet *subnet)
{
    if (!ip_is_set(ip))
        return;
    rtnl_neighbour_set(batch, index, ip, &endpoint->record.mac);
    rtnl_route_set(batch, &(struct rtnl_route){.type = RTN_UNICAST,
                                               .destination = {.ip = *ip, .bits = ip_bits(ip)},
                                               .source = subnet->gateway,
                                               .link = index,
                                               .protocol = INSTANCE_PROTOCOL});
}

static int set_up_machine_end(const struct endpoint *endpoint, int index, struct err *err)
{
    const struct network *network = endpoint->network;
    struct netlink *route = &network->networks->route;
    struct netlink_batch batch cleanup(netlink_batch_done) = {0};
    rtnl_link_set(&batch, &(struct rtnl_link){.index = index, .up = true, .no_ipv6_address = true});
    put_machine_family(&batch, endpoint, index, &endpoint->record.ipv4, &network->record.v4);
    put_machine_family(&batch, endpoint, index, &endpoint->record.ipv6, &network->record.v6);
    int r = netlink_talk(route, &batch, NULL, NULL);
    return r < 0 ? networks_kernel_error(route, r, err, "cannot set up the link", endpoint->record.link) : 0;
}

/*
 * The container's end has its address with the subnet's length, as programs that look for their neighbours expect it,
 * and yet reaches everybody through the gateway, the subnet's others too.
 */
static void put_container_family(struct netlink_batch *batch, int index, const struct ip *ip,
                                 const struct network_subnet *subnet, bool default_route)
{
    if (!ip_is_set(ip))
        return;
    const struct ip *gateway = &subnet->gateway;
    struct rtnl_route to = {.type = RTN_UNICAST, .link = index, .protocol = RTPROT_STATIC};
    rtnl_address_add(
        batch,
        &(struct rtnl_address){.link = index, .address = {.ip = *ip, .bits = subnet->subnet.bits}, .own_routes = true});
    rtnl_neighbour_set(batch, index, gateway, &machine_mac);
    to.destination = (struct ip_prefix){.ip = *gateway, .bits = ip_bits(gateway)};
    rtnl_route_set(batch, &to);
    to.destination = subnet->subnet;
    to.gateway = *gateway;
    to.source = *ip;
    rtnl_route_set(batch, &to);
    to.destination = (struct ip_prefix){.ip = {.family = ip->family}};
    if (default_route)
        rtnl_route_set(batch, &to);
}

static int set_up_container_end(const struct endpoint *endpoint, const struct endpoint_options *options,
                                struct err *err)
{
    const struct network *network = endpoint->network;
    struct netlink *route = &options->netns->link;
    struct netlink_batch batch cleanup(netlink_batch_done) = {0};
    bool default_route = options->default_route && !network->record.internal;
    int index = -ENODEV;
    rtnl_link_set(&batch, &(struct rtnl_link){.name = endpoint->record.interface,
                                              .up = true,
                                              .no_ipv6_address = !ip_is_set(&endpoint->record.ipv6)});
    rtnl_link_get(&batch, endpoint->record.interface);
    int r = netlink_talk(route, &batch, keep_index, &index);
    if (r >= 0) {
        netlink_batch_reset(&batch);
        put_container_family(&batch, index, &endpoint->record.ipv4, &network->record.v4, default_route);
        put_container_family(&batch, index, &endpoint->record.ipv6, &network->record.v6, default_route);
        r = netlink_talk(route, &batch, NULL, NULL);
    }
    return r < 0 ? networks_kernel_error(route, r, err, "cannot set up the container's interface",
                                         endpoint->record.interface)
                 : 0;
}

/*
 * The end that came up first carries nothing before the kernel's link watch has seen that the other one did, up to a
 * second later. Asking for the link makes it look now (since Linux 6.8; before, nearly always at once).
 */
static void settle(const struct endpoint *endpoint)
{
    (void)rtnl_link_index(&endpoint->network->networks->route, endpoint->record.link);
}

/* --- Endpoints */

static struct mac mac_of(const struct ip *ip)
{
    return (struct mac){{0x02, 0x42, ip->bytes[0], ip->bytes[1], ip->bytes[2], ip->bytes[3]}};
}

static void join(struct network *network, struct endpoint *endpoint)
{
    list_push(&network->endpoints, &endpoint->link);
    network->endpoint_count++;
}

static int make_endpoint(struct endpoint *endpoint, const struct endpoint_options *options, struct err *err)
{
    endpoint->record.mac = options->mac ? *options->mac : mac_of(&endpoint->record.ipv4);
    int index = make_links(endpoint, options, err);
    if (index < 0)
        return -1;
    if (set_up_machine_end(endpoint, index, err) < 0 || set_up_container_end(endpoint, options, err) < 0) {
        remove_link(endpoint->network->networks, index);
        return -1;
    }
    settle(endpoint);
    return 0;
}

int network_attach(struct network *network, const struct endpoint_options *options, struct endpoint **ret,
                   struct err *err)
{
    struct endpoint *endpoint cleanup_free = NEW(struct endpoint);
    struct endpoint_record *record = &endpoint->record;
    endpoint->network = network;
    if (strlen(options->interface) >= sizeof(record->interface))
        return err_set(err, ERR_INVALID, "interface name %s is too long: %zu characters at most", options->interface,
                       sizeof(record->interface) - 1);
    (void)snprintf(record->network, sizeof(record->network), "%s", network->record.id);
    (void)snprintf(record->container, sizeof(record->container), "%s", options->container);
    (void)snprintf(record->interface, sizeof(record->interface), "%s", options->interface);
    if (take_addresses(endpoint, &options->ipv4, &options->ipv6, err) < 0)
        return -1;
    if (make_endpoint(endpoint, options, err) < 0) {
        give_addresses_back(endpoint);
        return err_wrap(err, "cannot attach to network %s", network->record.name);
    }
    join(network, endpoint);
    *ret = TAKE(endpoint);
    return 0;
}

int network_adopt_endpoint(struct network *network, const struct endpoint_record *record, struct endpoint **ret,
                           struct err *err)
{
    struct endpoint *endpoint cleanup_free = NEW(struct endpoint);
    endpoint->network = network;
    if (take_addresses(endpoint, &record->ipv4, &record->ipv6, err) < 0)
        return -1;
    endpoint->record = *record;
    int64_t serial = instance_link_serial(&network->networks->instance, record->link);
    if (serial >= network->networks->next_link)
        network->networks->next_link = (uint32_t)(serial + 1) % INSTANCE_LINKS;
    join(network, endpoint);
    *ret = TAKE(endpoint);
    return 0;
}

void endpoint_detach(struct endpoint *endpoint, bool alive)
{
    struct networks *networks = endpoint->network->networks;
    int index = alive ? rtnl_link_index(&networks->route, endpoint->record.link) : -1;
    if (index > 0)
        remove_link(networks, index);
    give_addresses_back(endpoint);
    list_remove(&endpoint->link);
    endpoint->network->endpoint_count--;
    free(endpoint);
}

const struct endpoint_record *endpoint_record(const struct endpoint *endpoint)
{
    return &endpoint->record;
}

struct network *endpoint_network(const struct endpoint *endpoint)
{
    return endpoint->network;
}
