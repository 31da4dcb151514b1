#include "engine/ports.h"

#include "engine/kept.h"

#include "engine/private.h"

#include "base/log.h"
#include "base/str.h"

#include <netinet/in.h>
#include <sys/socket.h>

#define KEPT_PREFIX "port/tcp/"

struct backend {
    struct container *container;
    struct ip_port address;
};

/* One open port of this machine. */
struct published {
    struct port *port;
    char *key;   /* "port/tcp/IP/PORT", with the port that was asked for; the keeper has its socket by that name */
    char *owner; /* "stack/service", or a container's ID */
    VEC(struct backend) backends;
};

/* Of UDP nobody waits for anything, and a duplicate would be in the way of whoever binds the port next. */
static bool is_kept(const struct published *p)
{
    return str_starts(p->key, KEPT_PREFIX);
}

static void published_free(struct engine *engine, struct published *p)
{
    map_remove(&engine->ports, p->key);
    port_close(p->port);
    vec_done(&p->backends);
    free(p->key);
    free(p->owner);
    free(p);
}

static int tell_backends(struct published *p, struct err *err)
{
    struct ip_port addresses[PORT_BACKENDS_MAX];
    size_t count = 0;
    vec_foreach (backend, &p->backends)
        if (count < PORT_BACKENDS_MAX)
            addresses[count++] = backend->address;
    return port_set_backends(p->port, addresses, count, err);
}

static char *owner_of(const struct container *c)
{
    const char *stack = pairs_get(&c->outline.labels, LABEL_STACK),
               *service = pairs_get(&c->outline.labels, LABEL_SERVICE);
    return stack && service ? mem_printf("%s/%s", stack, service) : mem_strdup(c->id);
}

/* --- Opening */

struct wanted_port {
    const char *port; /* "80/tcp" */
    uint8_t protocol;
    uint16_t container_port;
    struct ip host_ip;
};

static int parse_port(const char *text, struct wanted_port *ret, struct err *err)
{
    char *copy cleanup(freep) = mem_strdup(text), *rest = copy;
    int number;
    const char *port = str_split(&rest, '/');
    if (!str_to_int(port, 1, 65535, &number) || (rest && !str_eq(rest, "tcp") && !str_eq(rest, "udp")))
        return err_set(err, ERR_INVALID,
                       "invalid port %s: expected a number from 1 to 65535 and tcp or udp, like 80/tcp", text);
    ret->port = text;
    ret->container_port = (uint16_t)number;
    ret->protocol = rest && str_eq(rest, "udp") ? IPPROTO_UDP : IPPROTO_TCP;
    return 0;
}

static int parse_range(const char *text, int *ret_first, int *ret_last, struct err *err)
{
    char *copy cleanup(freep) = mem_strdup(str_empty(text) ? "0" : text), *rest = copy;
    const char *first = str_split(&rest, '-');
    if (!str_to_int(first, 0, 65535, ret_first) || (rest && !str_to_int(rest, *ret_first, 65535, ret_last)))
        return err_set(err, ERR_INVALID,
                       "invalid host port %s: expected a number up to 65535, or a range like 8080-8090", text);
    if (!rest)
        *ret_last = *ret_first;
    return 0;
}

/* A port that the machine chooses is one for each container and port of it. */
static char *key_of(const struct container *c, const struct wanted_port *wanted, int host_port)
{
    char ip[IP_TEXT_MAX];
    const char *protocol = wanted->protocol == IPPROTO_UDP ? "udp" : "tcp";
    (void)ip_format(&wanted->host_ip, ip);
    if (host_port)
        return mem_printf("port/%s/%s/%d", protocol, ip, host_port);
    return mem_printf("port/%s/%s/0/%s/%d", protocol, ip, c->id, wanted->container_port);
}

static struct published *open_one(struct container *c, const struct wanted_port *wanted, int host_port, struct err *err)
{
    struct engine *engine = c->engine;
    char *owner cleanup(freep) = owner_of(c);
    char *key cleanup(freep) = key_of(c, wanted, host_port);
    struct published *p = map_get(&engine->ports, key);
    if (p && !str_eq(p->owner, owner)) {
        err_set(err, ERR_CONFLICT, "port is already allocated: %d, by %s", host_port, p->owner);
        return NULL;
    }
    if (p)
        return p;
    struct port_options options = {.protocol = wanted->protocol,
                                   .host_ip = wanted->host_ip,
                                   .host_port = (uint16_t)host_port,
                                   .fd = kept_claim(engine, key)};
    struct port *port;
    if (port_open(engine->net, &options, &port, err) < 0) {
        kept_drop(engine, key);
        return NULL;
    }
    p = NEW(struct published);
    p->port = port;
    p->key = TAKE(key);
    p->owner = TAKE(owner);
    map_put(&engine->ports, p->key, p);
    if (is_kept(p))
        kept_put(engine, p->key, port_fd(port));
    return p;
}

/* The first free port of the range. */
static struct published *open_range(struct container *c, const struct wanted_port *wanted, const char *range,
                                    struct err *err)
{
    int first, last;
    if (parse_range(range, &first, &last, err) < 0)
        return NULL;
    for (int port = first; first < last && port <= last; port++) {
        char *key cleanup(freep) = key_of(c, wanted, port);
        if (kept_waits(c->engine, key)) /* the one that it had before the daemon was restarted */
            return open_one(c, wanted, port, err);
    }
    for (int port = first;; port++) {
        struct published *p = open_one(c, wanted, port, err);
        if (p || port >= last)
            return p;
    }
}

static int publish(struct container *c, const struct wanted_port *wanted, const char *host_port, const struct ip *ipv4,
                   const struct ip *ipv6, struct err *err)
{
    struct arena *arena = &c->private->run;
    char ip[IP_TEXT_MAX];
    struct published *p = open_range(c, wanted, host_port, err);
    if (!p)
        return err_wrap(err, "driver failed programming external connectivity on container %s", c->name);
    vec_push(&p->backends, (struct backend){c, {*ipv4, wanted->container_port}});
    if (ip_is_set(ipv6))
        vec_push(&p->backends, (struct backend){c, {*ipv6, wanted->container_port}});
    const char *shown = ip_is_set(&wanted->host_ip) ? ip_format(&wanted->host_ip, ip) : "0.0.0.0";
    vec_push_in(arena, &c->ports,
                (struct container_port){
                    .port = arena_strdup(arena, wanted->port),
                    .host_ip = arena_strdup(arena, shown),
                    .host_port = arena_printf(arena, "%d", port_number(p->port)),
                });
    return tell_backends(p, err);
}

static int publish_bindings(struct container *c, const struct container_spec *spec, const struct ip *ipv4,
                            const struct ip *ipv6, struct err *err)
{
    vec_foreach (bindings, &spec->host.port_bindings) {
        struct wanted_port wanted = {0};
        if (parse_port(bindings->port, &wanted, err) < 0)
            return -1;
        vec_foreach (binding, &bindings->list) {
            wanted.host_ip = (struct ip){0};
            if (!str_empty(binding->host_ip) && !ip_parse(binding->host_ip, &wanted.host_ip))
                return err_set(err, ERR_INVALID, "invalid host address %s of port %s", binding->host_ip,
                               bindings->port);
            if (publish(c, &wanted, binding->host_port, ipv4, ipv6, err) < 0)
                return -1;
        }
    }
    return 0;
}

/* --publish-all: those that are exposed and not published by name. */
static int publish_exposed(struct container *c, const struct container_spec *spec, const struct ip *ipv4,
                           const struct ip *ipv6, struct err *err)
{
    vec_foreach (exposed, &spec->exposed_ports) {
        struct wanted_port wanted = {0};
        bool named = false;
        vec_foreach (bindings, &spec->host.port_bindings)
            named |= str_eq(bindings->port, *exposed);
        if (!named && (parse_port(*exposed, &wanted, err) < 0 || publish(c, &wanted, "", ipv4, ipv6, err) < 0))
            return -1;
    }
    return 0;
}

int ports_open(struct container *c, const struct container_spec *spec, const struct ip *ipv4, const struct ip *ipv6,
               struct err *err)
{
    if (publish_bindings(c, spec, ipv4, ipv6, err) < 0 ||
        (spec->host.publish_all_ports && publish_exposed(c, spec, ipv4, ipv6, err) < 0)) {
        ports_close(c);
        return -1;
    }
    return 0;
}

/* --- Closing */

static bool leave(struct published *p, const struct container *c)
{
    bool was = false;
    for (size_t i = p->backends.count; i-- > 0;)
        if (p->backends.items[i].container == c) {
            vec_remove(&p->backends, i);
            was = true;
        }
    return was;
}

/* The port is free at once, not only when the keeper has closed its duplicate: a socket that does not listen is in
 * nobody's way. */
static void close_published(struct engine *engine, struct published *p)
{
    if (is_kept(p)) {
        (void)shutdown(port_fd(p->port), SHUT_RDWR);
        kept_drop(engine, p->key);
    }
    published_free(engine, p);
}

void ports_close(struct container *c)
{
    struct engine *engine = c->engine;
    VEC(struct published *) left = {0};
    struct map_entry *entry;
    if (!c->ports.count)
        return;
    c->ports.count = 0;
    for (size_t i = 0; (entry = map_next(&engine->ports, &i));)
        if (leave(entry->value, c))
            vec_push(&left, entry->value);
    vec_foreach (p, &left) {
        struct err err;
        if (!(*p)->backends.count)
            close_published(engine, *p);
        else if (tell_backends(*p, &err) < 0)
            log_warning("%s", err.message);
    }
    vec_done(&left);
}

void ports_free(struct engine *engine)
{
    struct map_entry *entry;
    while (engine->ports.count) {
        size_t i = 0;
        entry = map_next(&engine->ports, &i);
        published_free(engine, entry->value);
    }
    map_done(&engine->ports);
}
