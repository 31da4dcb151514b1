#include "engine/endpoints.h"

#include "engine/ports.h"
#include "engine/private.h"
#include "engine/record.h"

#include "base/log.h"
#include "base/str.h"
#include "network/network.h"

struct endpoints {
    VEC(struct endpoint *) list;
};

/* --- Which networks */

static bool has_own_networks(const struct container *c)
{
    const char *mode = c->outline.network_mode;
    return !str_eq(mode, "host") && !str_eq(mode, "none") && !str_starts(mode, "container:");
}

static const char *network_name(const char *mode)
{
    return str_eq(mode, "default") ? NETWORK_DEFAULT : mode;
}

#define ENDPOINTS_MAX 64

struct wanted {
    struct engine_network *network;
    const struct endpoint_spec *spec; /* NULL: nothing is said about it */
    const char *mac;                  /* "", NULL: any */
};

struct wanted_list {
    struct wanted items[ENDPOINTS_MAX];
    size_t count;
};

static int want(struct container *c, const char *name, const struct endpoint_spec *spec, struct wanted_list *list,
                struct err *err)
{
    struct engine_network *n = engine_find_network(c->engine, network_name(name), err);
    if (!n)
        return -1;
    for (size_t i = 0; i < list->count; i++)
        if (list->items[i].network == n) { /* by name and by ID, or as the mode and with its details */
            list->items[i].spec = spec;
            return 0;
        }
    if (!network_has_mechanism(n))
        return err_set(err, ERR_INVALID, "network %s cannot be one of several: use it as the network mode, alone",
                       n->spec.name);
    if (list->count == ENDPOINTS_MAX)
        return err_set(err, ERR_LIMIT, "a container may be on %d networks", ENDPOINTS_MAX);
    list->items[list->count++] = (struct wanted){.network = n, .spec = spec};
    return 0;
}

/* The network of the mode first, then the others that the definition names. */
static int wanted_networks(struct container *c, const struct container_spec *spec, struct wanted_list *list,
                           struct err *err)
{
    list->count = 0;
    if (!has_own_networks(c))
        return 0;
    if (want(c, c->outline.network_mode, NULL, list, err) < 0)
        return -1;
    list->items[0].mac = spec->mac_address;
    vec_foreach (endpoint, &spec->networking.endpoints)
        if (want(c, endpoint->network, endpoint, list, err) < 0)
            return -1;
    for (struct wanted *wanted = list->items; wanted < list->items + list->count; wanted++)
        if (wanted->spec && !str_empty(wanted->spec->mac_address))
            wanted->mac = wanted->spec->mac_address;
    return 0;
}

int endpoints_check(struct container *c, const struct container_spec *spec, struct err *err)
{
    struct wanted_list networks;
    const char *other = str_after(c->outline.network_mode, "container:");
    if (other && !engine_find_container(c->engine, other, err))
        return -1;
    if (!has_own_networks(c) && spec->host.port_bindings.count && other)
        return err_set(err, ERR_INVALID, "conflicting options: port publishing and the container type network mode");
    return wanted_networks(c, spec, &networks, err);
}

/* --- Attaching */

static struct strings copy_strings(struct arena *arena, const struct strings *from)
{
    struct strings copy = {0};
    if (!from->items)
        return copy;
    copy.items = arena_alloc_array(arena, from->count, sizeof(*copy.items)); /* an empty list is one, too */
    copy.capacity = from->count;
    vec_foreach (s, from)
        copy.items[copy.count++] = arena_strdup(arena, *s);
    return copy;
}

static void remember(struct container *c, const struct wanted *wanted, const struct endpoint *endpoint)
{
    static const struct endpoint_spec nothing;
    const struct engine_network *n = wanted->network;
    const struct endpoint_spec *spec = wanted->spec ? wanted->spec : &nothing;
    struct arena *arena = &c->private->run;
    const struct endpoint_record *record = endpoint_record(endpoint);
    const struct network_record *network = network_record(n->mechanism);
    char ip[IP_TEXT_MAX], mac[MAC_TEXT_MAX], id[ID_SIZE];
    id_new(id);
    vec_push_in(arena, &c->endpoints,
                (struct container_endpoint){
                    .network = arena_strdup(arena, n->spec.name),
                    .network_id = arena_strdup(arena, n->id),
                    .endpoint_id = arena_strdup(arena, id),
                    .ipv4 = arena_strdup(arena, ip_format(&record->ipv4, ip)),
                    .ipv6 = arena_strdup(arena, ip_format(&record->ipv6, ip)),
                    .mac = arena_strdup(arena, mac_format(&record->mac, mac)),
                    .gateway = arena_strdup(arena, ip_format(&network->v4.gateway, ip)),
                    .interface = arena_strdup(arena, record->interface),
                    .link = arena_strdup(arena, record->link),
                    .prefix_length = network->v4.subnet.bits,
                    .aliases = copy_strings(arena, &spec->aliases),
                    .links = copy_strings(arena, &spec->links),
                });
}

static int static_addresses(const struct endpoint_spec *spec, struct endpoint_options *options, struct err *err)
{
    if (!spec || !spec->ipam)
        return 0;
    if (!str_empty(spec->ipam->ipv4_address) && !ip_parse(spec->ipam->ipv4_address, &options->ipv4))
        return err_set(err, ERR_INVALID, "invalid IPv4 address: %s", spec->ipam->ipv4_address);
    if (!str_empty(spec->ipam->ipv6_address) && !ip_parse(spec->ipam->ipv6_address, &options->ipv6))
        return err_set(err, ERR_INVALID, "invalid IPv6 address: %s", spec->ipam->ipv6_address);
    return 0;
}

/* Which of the networks leads outside: the first that is not internal. */
static size_t outward_network(const struct wanted_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        if (!list->items[i].network->spec.internal)
            return i;
    return 0;
}

static int attach_one(struct container *c, struct netns *netns, const struct wanted *wanted, size_t index, bool outward,
                      struct err *err)
{
    struct engine_network *n = wanted->network;
    char interface[LINK_NAME_MAX];
    struct mac mac;
    (void)snprintf(interface, sizeof(interface), "eth%zu", index % ENDPOINTS_MAX);
    struct endpoint_options options = {
        .container = c->id, .netns = netns, .interface = interface, .default_route = outward};
    if (!str_empty(wanted->mac)) {
        if (!mac_parse(wanted->mac, &mac))
            return err_set(err, ERR_INVALID, "invalid MAC address: %s", wanted->mac);
        options.mac = &mac;
    }
    struct endpoint *endpoint;
    if (static_addresses(wanted->spec, &options, err) < 0 || network_make(c->engine, n, err) < 0 ||
        network_attach(n->mechanism, &options, &endpoint, err) < 0)
        return -1;
    vec_push(&c->private->endpoints->list, endpoint);
    remember(c, wanted, endpoint);
    return 0;
}

static int publish(struct container *c, const struct container_spec *spec, size_t outward, struct err *err)
{
    const struct endpoint_record *record = endpoint_record(c->private->endpoints->list.items[outward]);
    return ports_open(c, spec, &record->ipv4, &record->ipv6, err);
}

static int attach_all(struct container *c, const struct container_spec *spec, struct netns *netns, struct err *err)
{
    struct wanted_list networks;
    if (wanted_networks(c, spec, &networks, err) < 0)
        return -1;
    size_t outward = outward_network(&networks);
    for (size_t i = 0; i < networks.count; i++)
        if (attach_one(c, netns, &networks.items[i], i, i == outward, err) < 0)
            return -1;
    if (publish(c, spec, outward, err) < 0)
        return -1;
    resolver_add(c, spec);
    return record_update_endpoints(c, err);
}

int endpoints_attach(struct container *c, const struct container_spec *spec, int *ret_netns, struct err *err)
{
    struct netns netns;
    *ret_netns = -1;
    if (!has_own_networks(c))
        return 0;
    int r = netns_new(&netns);
    if (r < 0)
        return err_errno(err, r, "cannot make a network namespace");
    c->private->endpoints = NEW(struct endpoints);
    r = attach_all(c, spec, &netns, err);
    if (r == 0)
        *ret_netns = take_fd(&netns.fd);
    netns_close(&netns);
    return r;
}

/* --- Adopting */

static int adopt_one(struct container *c, const struct container_endpoint *stored, struct wanted_list *list,
                     struct err *err)
{
    struct engine_network *n = engine_find_network(c->engine, stored->network_id, err);
    struct endpoint_record record = {0};
    struct endpoint *endpoint;
    if (!n || !n->mechanism)
        return n ? err_set(err, ERR_NOT_FOUND, "network %s was never made", stored->network) : -1;
    if (list->count == ENDPOINTS_MAX)
        return err_set(err, ERR_LIMIT, "it is on more than %d networks", ENDPOINTS_MAX);
    (void)snprintf(record.network, sizeof(record.network), "%s", n->id);
    (void)snprintf(record.container, sizeof(record.container), "%s", c->id);
    (void)snprintf(record.interface, sizeof(record.interface), "%s", stored->interface);
    (void)snprintf(record.link, sizeof(record.link), "%s", stored->link);
    (void)ip_parse(stored->ipv4 ? stored->ipv4 : "", &record.ipv4);
    (void)ip_parse(stored->ipv6 ? stored->ipv6 : "", &record.ipv6);
    (void)mac_parse(stored->mac ? stored->mac : "", &record.mac);
    if (network_adopt_endpoint(n->mechanism, &record, &endpoint, err) < 0)
        return -1;
    vec_push(&c->private->endpoints->list, endpoint);
    list->items[list->count++] = (struct wanted){.network = n};
    return 0;
}

int endpoints_adopt(struct container *c, struct err *err)
{
    if (!c->endpoints.count)
        return 0;
    struct arena arena cleanup(arena_done) = {0};
    const struct container_spec *spec = container_definition(c, &arena, err);
    if (!spec)
        return -1;
    c->private->endpoints = NEW(struct endpoints);
    struct wanted_list networks = {.count = 0};
    vec_foreach (stored, &c->endpoints)
        if (adopt_one(c, stored, &networks, err) < 0)
            return -1;
    if (publish(c, spec, outward_network(&networks), err) < 0)
        return -1;
    resolver_add(c, spec);
    return 0;
}

/* --- Giving back */

void endpoints_release(struct container *c)
{
    struct endpoints *endpoints = c->private->endpoints;
    if (!endpoints)
        return;
    c->private->endpoints = NULL;
    resolver_remove(c);
    ports_close(c);
    vec_foreach (endpoint, &endpoints->list)
        endpoint_detach(*endpoint, false);
    vec_done(&endpoints->list);
    free(endpoints);
}

void endpoints_forget(struct container *c)
{
    if (!c->private->endpoints)
        return;
    vec_done(&c->private->endpoints->list);
    free(c->private->endpoints);
    c->private->endpoints = NULL;
}

void endpoints_renamed(struct container *c)
{
    struct arena arena cleanup(arena_done) = {0};
    struct err err;
    if (!c->private->endpoints)
        return;
    const struct container_spec *spec = container_definition(c, &arena, &err);
    if (!spec) {
        log_error("container %.12s: its new name does not resolve: %s", c->id, err.message);
        return;
    }
    resolver_remove(c);
    resolver_add(c, spec);
}
