#include "base/str.h"
#include "compose/spec_copy.h"
#include "compose/to_spec_parts.h"

static void add_once(struct arena *arena, struct strings *list, const char *text)
{
    vec_foreach (item, list) {
        if (str_eq(*item, text))
            return;
    }
    vec_push_in(arena, list, arena_strdup(arena, text));
}

static void add_binding(const struct spec_maker *m, struct host_config *host, const char *key,
                        struct port_binding binding)
{
    vec_foreach (bindings, &host->port_bindings) {
        if (str_eq(bindings->port, key)) {
            vec_push_in(m->arena, &bindings->list, binding);
            return;
        }
    }
    struct port_bindings bindings = {.port = arena_strdup(m->arena, key)};
    vec_push_in(m->arena, &bindings.list, binding);
    vec_push_in(m->arena, &host->port_bindings, bindings);
}

static void make_ports(const struct spec_maker *m, const struct yaml *from, struct container_spec *ret)
{
    const struct yaml *ports = yaml_get(from, "ports"), *expose = yaml_get(from, "expose");
    for (size_t i = 0; expose && i < expose->list.count; i++) {
        const char *text = expose->list.items[i]->string;
        add_once(m->arena, &ret->exposed_ports, strchr(text, '/') ? text : arena_printf(m->arena, "%s/tcp", text));
    }
    for (size_t i = 0; ports && i < ports->list.count; i++) {
        const struct yaml *port = ports->list.items[i];
        const char *published = yaml_get_string(port, "published"), *address = yaml_get_string(port, "host_ip");
        const char *key = arena_printf(m->arena, "%lld/%s", (long long)spec_number(port, "target"),
                                       yaml_get_string(port, "protocol"));
        add_once(m->arena, &ret->exposed_ports, key);
        add_binding(m, &ret->host, key,
                    (struct port_binding){arena_strdup(m->arena, address ? address : ""),
                                          arena_strdup(m->arena, published ? published : "")});
    }
}

static void make_endpoint(const struct spec_maker *m, const char *service, const char *key, const struct yaml *from,
                          struct endpoint_spec *ret)
{
    static const struct spec_copy table[] = {
        COPY(struct endpoint_spec, mac_address, "mac_address", TEXT),
        COPY(struct endpoint_spec, driver_options, "driver_opts", PAIRS),
        COPY(struct endpoint_spec, gateway_priority, "gw_priority", INT),
        {0},
    };
    static const struct spec_copy addresses[] = {
        COPY(struct endpoint_ipam, ipv4_address, "ipv4_address", TEXT),
        COPY(struct endpoint_ipam, ipv6_address, "ipv6_address", TEXT),
        COPY(struct endpoint_ipam, link_local_ips, "link_local_ips", TEXTS),
        {0},
    };
    const struct yaml *aliases = yaml_get(from, "aliases");
    spec_copy(m->arena, table, from, ret);
    ret->network = spec_real_name(m, "networks", key);
    if (yaml_get(from, "ipv4_address") || yaml_get(from, "ipv6_address") || yaml_get(from, "link_local_ips")) {
        ret->ipam = ARENA_NEW(m->arena, struct endpoint_ipam);
        spec_copy(m->arena, addresses, from, ret->ipam);
    }
    add_once(m->arena, &ret->aliases, service);
    for (size_t i = 0; aliases && i < aliases->list.count; i++)
        add_once(m->arena, &ret->aliases, aliases->list.items[i]->string);
}

/* The network with the highest priority is the one that network_mode names; the rest follow in the order of their
 * names. */
static const char *first_network(const struct yaml *networks)
{
    const char *first = NULL;
    int64_t best = 0;
    for (size_t i = 0; networks && i < networks->map.count; i++) {
        int64_t priority = spec_number(networks->map.items[i].value, "priority");
        if (!first || priority > best) {
            first = networks->map.items[i].key;
            best = priority;
        }
    }
    return first;
}

static void make_endpoints(const struct spec_maker *m, const char *service, const struct yaml *networks,
                           struct container_spec *ret)
{
    const char *first = first_network(networks);
    for (int turn = 0; first && turn < 2; turn++) {
        for (size_t i = 0; i < networks->map.count; i++) {
            struct endpoint_spec endpoint = {0};
            if (str_eq(networks->map.items[i].key, first) != (turn == 0))
                continue;
            make_endpoint(m, service, networks->map.items[i].key, networks->map.items[i].value, &endpoint);
            vec_push_in(m->arena, &ret->networking.endpoints, endpoint);
        }
    }
    if (first)
        ret->host.network_mode = spec_real_name(m, "networks", first);
}

void spec_make_network(const struct spec_maker *m, const char *name, const struct yaml *from,
                       struct container_spec *ret)
{
    const char *mode = yaml_get_string(from, "network_mode");
    make_ports(m, from, ret);
    if (mode && !str_starts(mode, "service:"))
        ret->host.network_mode = arena_strdup(m->arena, mode);
    if (!mode)
        make_endpoints(m, name, yaml_get(from, "networks"), ret);
}
