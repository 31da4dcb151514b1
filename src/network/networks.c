/* The instance on its machine: opening, bringing up to date after a restart, clearing away. */
#include "base/log.h"
#include "base/str.h"
#include "network/forwarding.h"
#include "network/ruleset.h"

#include <errno.h>
#include <linux/netlink.h>
#include <stdio.h>

#define RULESET_MAX ((size_t)64 * 1024)

int networks_kernel_error(const struct netlink *nl, int errnum, struct err *err, const char *what, const char *which)
{
    const char *space = which ? " " : "";
    which = which ? which : "";
    if (nl->reason[0])
        return err_errno(err, errnum, "%s%s%s (the kernel says: %s)", what, space, which, nl->reason);
    return err_errno(err, errnum, "%s%s%s", what, space, which);
}

struct networks *networks_new(const struct networks_options *options, struct err *err)
{
    struct networks *networks cleanup(networks_freep) = NEW(struct networks);
    list_init(&networks->list);
    list_init(&networks->ports);
    networks->route.fd = networks->nft.fd = -1;
    networks->loop = options->loop;
    networks->ports_behind_input = options->ports_behind_input;
    networks->pools = options->pool_count ? options->pools : subnet_pools_default;
    networks->pool_count = options->pool_count ? options->pool_count : SUBNET_POOLS_DEFAULT;
    if (instance_init(&networks->instance, options->data_dir, err) < 0)
        return NULL;
    int r = netlink_open(&networks->route, NETLINK_ROUTE);
    if (r >= 0)
        r = netlink_open(&networks->nft, NETLINK_NETFILTER);
    if (r < 0) {
        err_errno(err, r, "cannot open a netlink socket");
        return NULL;
    }
    return TAKE(networks);
}

void networks_free(struct networks *networks)
{
    struct network *network;
    struct port *port;
    list_foreach (port, &networks->ports, link)
        port_forget(port);
    list_foreach (network, &networks->list, link)
        network_free(network);
    netlink_close(&networks->route);
    netlink_close(&networks->nft);
    free(networks);
}

const char *networks_instance(const struct networks *networks)
{
    return networks->instance.text;
}

/* --- The table */

struct table_search {
    const struct instance *instance;
    const char *mark;
    bool found, current;
};

static void see_chain(const struct nft_chain *chain, void *data)
{
    struct table_search *search = data;
    if (chain->family != NFT_FAMILY_INET || !str_eq(chain->table, search->instance->table))
        return;
    search->found = true;
    search->current = search->current || str_eq(chain->name, search->mark);
}

static int find_table(struct networks *networks, struct table_search *search, struct err *err)
{
    int r = nft_chains(&networks->nft, see_chain, search);
    if (r < 0)
        return networks_kernel_error(&networks->nft, r, err, "cannot read the machine's nftables", NULL);
    return 0;
}

int networks_need_table(struct networks *networks, struct err *err)
{
    if (networks->table)
        return 0;
    char mark[RULESET_MARK_MAX], reason[400];
    struct buf text cleanup(buf_done) = BUF(RULESET_MAX);
    ruleset_write(&networks->instance, &text, mark);
    struct table_search search = {.instance = &networks->instance, .mark = mark};
    if (find_table(networks, &search, err) < 0)
        return -1;
    int r = search.current ? 0 : nft_load(text.data, text.size, reason, sizeof(reason));
    if (r == -ENOENT)
        return err_set(err, ERR_UNAVAILABLE, "networks need nft(8), which is not installed: apt-get install nftables");
    if (r < 0)
        return err_errno(err, r, "cannot load the table %s: nft says: %s", networks->instance.table, str_trim(reason));
    networks->table = true;
    return 0;
}

static int fill_table(struct networks *networks, struct err *err)
{
    static const struct slots none;
    struct netlink_batch batch cleanup(netlink_batch_done) = {0};
    const struct network *network;
    const struct port *port;
    nft_begin(&batch);
    ruleset_flush(&batch, &networks->instance);
    list_foreach (network, &networks->list, link)
        ruleset_network(&batch, NFT_ADD, network);
    list_foreach (port, &networks->ports, link) {
        ruleset_port(&batch, port, &none, &port->v4);
        ruleset_port(&batch, port, &none, &port->v6);
    }
    int r = nft_commit(&networks->nft, &batch);
    return r < 0 ? networks_kernel_error(&networks->nft, r, err, "cannot fill the table", networks->instance.table) : 0;
}

static int remove_table(struct networks *networks, struct err *err)
{
    struct table_search search = {.instance = &networks->instance, .mark = ""};
    if (find_table(networks, &search, err) < 0 || !search.found)
        return search.found ? -1 : 0;
    struct netlink_batch batch cleanup(netlink_batch_done) = {0};
    nft_begin(&batch);
    nft_table_remove(&batch, networks->instance.table);
    int r = nft_commit(&networks->nft, &batch);
    networks->table = false;
    return r < 0 ? networks_kernel_error(&networks->nft, r, err, "cannot remove the table", networks->instance.table)
                 : 0;
}

/* --- What an earlier life left */

/* What is ours on the machine: requests that remove what no record names gather in batch. */
struct sweep {
    const struct networks *networks;
    struct netlink_batch batch;
    unsigned links, others;
};

static bool is_known_link(const struct networks *networks, const char *name)
{
    const struct network *network;
    const struct endpoint *endpoint;
    list_foreach (network, &networks->list, link)
        list_foreach (endpoint, &network->endpoints, link)
            if (str_eq(endpoint->record.link, name))
                return true;
    return false;
}

static void sweep_link(int index, const char *name, void *data)
{
    struct sweep *sweep = data;
    if (instance_link_serial(&sweep->networks->instance, name) < 0 || is_known_link(sweep->networks, name))
        return;
    rtnl_link_remove(&sweep->batch, index);
    sweep->links++;
}

static bool is_ours(const struct sweep *sweep, uint8_t protocol, uint32_t metric)
{
    return protocol == INSTANCE_PROTOCOL && metric == sweep->networks->instance.number;
}

static void sweep_address(const struct rtnl_address *address, void *data)
{
    struct sweep *sweep = data;
    const struct network *network;
    if (!is_ours(sweep, address->protocol, address->metric))
        return;
    list_foreach (network, &sweep->networks->list, link)
        if (ip_equal(&network->record.v4.gateway, &address->address.ip) ||
            ip_equal(&network->record.v6.gateway, &address->address.ip))
            return;
    rtnl_address_remove(&sweep->batch, address);
    sweep->others++;
}

static void sweep_route(const struct rtnl_route *route, void *data)
{
    struct sweep *sweep = data;
    const struct network *network;
    if (!is_ours(sweep, route->protocol, route->metric) || route->type != RTN_UNREACHABLE)
        return;
    list_foreach (network, &sweep->networks->list, link)
        if (ip_equal(&network->v4.subnet.ip, &route->destination.ip) ||
            ip_equal(&network->v6.subnet.ip, &route->destination.ip))
            return;
    rtnl_route_remove(&sweep->batch, route);
    sweep->others++;
}

/*
 * Removes the links, addresses and routes of this instance that belong to no network that is known. Whatever vanishes
 * between list and removal is as it should be, so answers are not looked at.
 */
static int sweep_machine(struct networks *networks, struct err *err)
{
    struct sweep sweep = {.networks = networks};
    int r = rtnl_links(&networks->route, sweep_link, &sweep);
    if (r >= 0)
        r = rtnl_addresses(&networks->route, sweep_address, &sweep);
    if (r >= 0)
        r = rtnl_routes(&networks->route, sweep_route, &sweep);
    if (sweep.links + sweep.others) {
        log_info("removing %u links and %u addresses and routes that an earlier life left", sweep.links, sweep.others);
        (void)netlink_talk(&networks->route, &sweep.batch, NULL, NULL);
    }
    netlink_batch_done(&sweep.batch);
    return r < 0 ? networks_kernel_error(&networks->route, r, err, "cannot list the machine's links and routes", NULL)
                 : 0;
}

/* Networks that were adopted get what they need again: a boot between two lives took it. */
static int restore_networks(struct networks *networks, struct err *err)
{
    struct network *network;
    list_foreach (network, &networks->list, link)
        if (network_apply(network, err) < 0)
            return -1;
    if (list_empty(&networks->list) && list_empty(&networks->ports))
        return remove_table(networks, err);
    if (networks_need_table(networks, err) < 0)
        return -1;
    return fill_table(networks, err);
}

int networks_start(struct networks *networks, struct err *err)
{
    if (sweep_machine(networks, err) < 0 || restore_networks(networks, err) < 0)
        return err_wrap(err, "cannot bring the machine's networks up to date");
    networks->started = true;
    return 0;
}

int networks_clear(struct networks *networks, struct err *err)
{
    struct network *network;
    list_foreach (network, &networks->list, link)
        network_free(network);
    if (sweep_machine(networks, err) < 0)
        return -1;
    return remove_table(networks, err);
}
