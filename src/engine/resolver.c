/* Names: what the DNS server of discovery/ is told of containers, and the files that make a container ask it. */
#include "engine/endpoints.h"
#include "engine/kept.h"
#include "engine/ports.h"
#include "engine/private.h"

#include "base/log.h"
#include "base/str.h"
#include "discovery/dns_server.h"
#include "discovery/names.h"
#include "discovery/resolv_conf.h"
#include "network/network.h"

#define RESOLV_CONF "/etc/resolv.conf"
#define FILE_MAX    ((size_t)256 * 1024)

static void make_server(struct engine *engine)
{
    if (engine->dns)
        return;
    engine->names = names_new();
    engine->dns = dns_server_new(&(struct dns_server_options){engine->config.loop, engine->names, RESOLV_CONF});
}

enum { KEPT_UDP, KEPT_TCP };

/* Under which names the keeper has a network's two sockets. */
static const char *kept_name(const struct engine_network *n, int which, char name[KEPT_NAME_MAX])
{
    (void)snprintf(name, KEPT_NAME_MAX, "dns/%s/%s", which == KEPT_TCP ? "tcp" : "udp", n->id);
    return name;
}

static void listen_on(struct engine *engine, struct engine_network *n)
{
    struct err err;
    char udp[KEPT_NAME_MAX], tcp[KEPT_NAME_MAX];
    if (n->resolver)
        return;
    kept_name(n, KEPT_UDP, udp);
    kept_name(n, KEPT_TCP, tcp);
    struct dns_listen_options options = {.network = n->id,
                                         .address = network_record(n->mechanism)->v4.gateway,
                                         .udp_fd = kept_claim(engine, udp),
                                         .tcp_fd = kept_claim(engine, tcp)};
    if (dns_listen(engine->dns, &options, &n->resolver, &err) < 0 ||
        network_set_resolver(n->mechanism, dns_listener_udp_port(n->resolver), dns_listener_tcp_port(n->resolver),
                             &err) < 0)
        log_warning("network %s: names do not resolve: %s", n->spec.name, err.message);
    if (!n->resolver) {
        kept_drop(engine, udp);
        kept_drop(engine, tcp);
        return;
    }
    kept_put(engine, udp, dns_listener_udp_fd(n->resolver));
    kept_put(engine, tcp, dns_listener_tcp_fd(n->resolver));
}

/* --- Names of a container */

/* Its name, its short ID, its hostname, its aliases; those of a stack's replica also with the stack's name behind them.
 */
static struct strings names_of(struct container *c, const char *hostname, const struct container_endpoint *endpoint,
                               struct arena *arena)
{
    struct strings names = {0};
    const char *stack = pairs_get(&c->outline.labels, LABEL_STACK);
    vec_push_in(arena, &names, c->name);
    vec_push_in(arena, &names, arena_strndup(arena, c->id, 12));
    if (!str_empty(hostname))
        vec_push_in(arena, &names, (char *)hostname);
    vec_foreach (alias, &endpoint->aliases) {
        vec_push_in(arena, &names, *alias);
        if (stack)
            vec_push_in(arena, &names, arena_printf(arena, "%s.%s", *alias, stack));
    }
    return names;
}

static size_t own_servers(const struct container_spec *spec, struct ip servers[NAMES_SERVERS_MAX])
{
    size_t count = 0;
    vec_foreach (server, &spec->host.dns)
        if (count < NAMES_SERVERS_MAX && ip_parse(*server, &servers[count]))
            count++;
    return count;
}

static void put_place(struct container *c, const struct container_spec *spec, const struct container_endpoint *endpoint)
{
    struct arena arena cleanup(arena_done) = {0};
    struct engine_network *n = map_get(&c->engine->networks, endpoint->network_id);
    struct strings names = names_of(c, spec->hostname, endpoint, &arena);
    struct ip servers[NAMES_SERVERS_MAX];
    struct names_place place = {
        .container = c->id,
        .network = endpoint->network_id,
        .names = (const char *const *)names.items,
        .name_count = names.count,
        .outside = n && !n->spec.internal,
        .servers = servers,
        .server_count = own_servers(spec, servers),
    };
    (void)ip_parse(endpoint->ipv4, &place.ipv4);
    (void)ip_parse(endpoint->ipv6, &place.ipv6);
    if (n && n->mechanism) {
        listen_on(c->engine, n);
        names_put(c->engine->names, &place);
    }
}

void resolver_add(struct container *c, const struct container_spec *spec)
{
    make_server(c->engine);
    vec_foreach (endpoint, &c->endpoints)
        put_place(c, spec, endpoint);
}

void resolver_remove(struct container *c)
{
    if (!c->engine->names)
        return;
    vec_foreach (endpoint, &c->endpoints)
        names_remove(c->engine->names, c->id, endpoint->network_id);
}

void resolver_leave_network(struct engine *engine, struct engine_network *n)
{
    char name[KEPT_NAME_MAX];
    if (!n->resolver)
        return;
    kept_drop(engine, kept_name(n, KEPT_UDP, name));
    kept_drop(engine, kept_name(n, KEPT_TCP, name));
    dns_unlisten(n->resolver);
    n->resolver = NULL;
}

void resolver_free(struct engine *engine)
{
    dns_server_free(engine->dns);
    if (engine->names)
        names_free(engine->names);
}

/* --- /etc/hosts and /etc/resolv.conf */

static struct ip gateway_of(const struct container *c)
{
    struct ip gateway = {0};
    if (c->endpoints.count)
        (void)ip_parse(c->endpoints.items[0].gateway, &gateway);
    return gateway;
}

/* "name:address" and "name=address"; an IPv6 address has colons of its own. */
static struct extra_host parse_extra_host(const char *text, struct arena *arena)
{
    char *name = arena_strdup(arena, text);
    size_t n = strcspn(name, "=:");
    struct extra_host host = {name, name + n + (name[n] != '\0')};
    name[n] = '\0';
    return host;
}

const char *endpoints_hosts_file(struct container *c, const struct container_spec *spec, struct arena *arena)
{
    struct buf text cleanup(buf_done) = BUF(FILE_MAX);
    struct ip addresses[16];
    size_t count = 0, extra_count = 0;
    if (str_starts(c->outline.network_mode, "container:"))
        return NULL;
    vec_foreach (endpoint, &c->endpoints)
        if (count < ARRAY_SIZE(addresses) && ip_parse(endpoint->ipv4, &addresses[count]))
            count++;
    struct extra_host *extra = arena_alloc_array(arena, spec->host.extra_hosts.count, sizeof(*extra));
    vec_foreach (host, &spec->host.extra_hosts)
        extra[extra_count++] = parse_extra_host(*host, arena);
    struct ip gateway = gateway_of(c);
    hosts_write(&text, &(struct hosts_params){
                           .hostname = spec->hostname,
                           .domainname = str_empty(spec->domainname) ? NULL : spec->domainname,
                           .addresses = addresses,
                           .address_count = count,
                           .extra = extra,
                           .extra_count = extra_count,
                           .host_gateway = ip_is_set(&gateway) ? gateway : ip_v4(127, 0, 0, 1),
                       });
    return arena_strdup(arena, buf_str(&text));
}

const char *endpoints_resolv_file(struct container *c, const struct container_spec *spec, struct arena *arena)
{
    struct buf text cleanup(buf_done) = BUF(FILE_MAX);
    struct resolv_conf machine;
    struct ip servers[NAMES_SERVERS_MAX], gateway = gateway_of(c);
    bool own_server = ip_is_set(&gateway);
    const char *mode = c->outline.network_mode;
    if (str_starts(mode, "container:") || str_eq(mode, "none"))
        return NULL;
    resolv_conf_read(arena, RESOLV_CONF, &machine);
    resolv_conf_write(&text, &(struct resolv_params){
                                 .servers = own_server ? &gateway : servers,
                                 .server_count = own_server ? 1 : own_servers(spec, servers),
                                 .search = spec->host.dns_search.count ? &spec->host.dns_search : NULL,
                                 .options = spec->host.dns_options.count ? &spec->host.dns_options : NULL,
                                 .machine = &machine,
                                 .own_server = own_server,
                             });
    return arena_strdup(arena, buf_str(&text));
}
