/*
 * network/ and discovery/ at the other end of a pipe, for system tests: reads a command from each line of standard
 * input, answers each with one line, "ok …" or "error KIND: …". Its containers are namespaces that it holds open; the
 * test reaches them by /proc/PID/fd/N.
 *
 *     network_box DATA_DIR
 */
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/map.h"
#include "base/str.h"
#include "discovery/dns_server.h"
#include "event/loop.h"
#include "network/network.h"
#include "network/port.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#define WORDS_MAX 160
#define KEY_MAX   400

struct box {
    struct networks *networks;
    struct loop *loop;
    struct io input;
    struct map network; /* of struct network, by name */
    struct map place;   /* of struct endpoint, by "container network" */
    struct map netns;   /* of struct netns, by container; owned */
    struct map port;    /* of struct port, by name */
    struct names *names;
    struct dns_server *dns;
    struct map listener; /* of struct dns_listener, by network */
    struct buf line;
    char *words[WORDS_MAX];
    size_t word_count;
};

static const char *word(const struct box *box, size_t i)
{
    return i < box->word_count ? box->words[i] : "";
}

/* The value of "key=value" among the words, or NULL. */
static const char *option(const struct box *box, const char *key)
{
    for (size_t i = 1; i < box->word_count; i++) {
        const char *value = str_after(box->words[i], key);
        if (value && *value == '=')
            return value + 1;
    }
    return NULL;
}

static int option_number(const struct box *box, const char *key)
{
    const char *value = option(box, key);
    return value ? atoi(value) : 0;
}

static int option_ip(const struct box *box, const char *key, struct ip *ret, struct err *err)
{
    const char *value = option(box, key);
    return !value || ip_parse(value, ret) ? 0 : err_set(err, ERR_INVALID, "%s is no address", value);
}

static int option_prefix(const struct box *box, const char *key, struct ip_prefix *ret, struct err *err)
{
    const char *value = option(box, key);
    return !value || ip_prefix_parse(value, ret) ? 0 : err_set(err, ERR_INVALID, "%s is no subnet", value);
}

static int find(const struct map *map, const char *name, void *ret, struct err *err)
{
    void *found = map_get(map, name);
    if (!found)
        return err_set(err, ERR_NOT_FOUND, "no %s", name);
    *(void **)ret = found;
    return 0;
}

static const char *place_key(char key[KEY_MAX], const char *container, const char *network)
{
    (void)snprintf(key, KEY_MAX, "%s %s", container, network);
    return key;
}

/* --- Commands: what they return is text behind "ok" (to be freed), or NULL */

static char *do_start(struct box *box, struct err *err)
{
    return networks_start(box->networks, err) < 0 ? NULL : mem_strdup(networks_instance(box->networks));
}

static char *do_network(struct box *box, struct err *err)
{
    struct network_record wanted = {.internal = option_number(box, "internal"),
                                    .no_masquerade = option_number(box, "no_masquerade"),
                                    .ipv6 = option_number(box, "ipv6"),
                                    .mtu = option_number(box, "mtu")};
    struct network *network;
    char subnet[IP_PREFIX_TEXT_MAX], gateway[IP_TEXT_MAX], subnet6[IP_PREFIX_TEXT_MAX], gateway6[IP_TEXT_MAX];
    id_new(wanted.id);
    (void)snprintf(wanted.name, sizeof(wanted.name), "%s", word(box, 1));
    if (option_prefix(box, "subnet", &wanted.v4.subnet, err) < 0 ||
        option_ip(box, "gateway", &wanted.v4.gateway, err) < 0 ||
        option_prefix(box, "range", &wanted.v4.range, err) < 0 ||
        option_prefix(box, "subnet6", &wanted.v6.subnet, err) < 0)
        return NULL;
    if (network_create(box->networks, &wanted, &network, err) < 0)
        return NULL;
    (void)map_put(&box->network, wanted.name, network);
    const struct network_record *record = network_record(network);
    return mem_printf("subnet=%s gateway=%s subnet6=%s gateway6=%s", ip_prefix_format(&record->v4.subnet, subnet),
                      ip_format(&record->v4.gateway, gateway), ip_prefix_format(&record->v6.subnet, subnet6),
                      ip_format(&record->v6.gateway, gateway6));
}

static char *do_remove(struct box *box, struct err *err)
{
    struct network *network;
    if (find(&box->network, word(box, 1), &network, err) < 0 || network_remove(network, err) < 0)
        return NULL;
    (void)map_remove(&box->network, word(box, 1));
    return mem_strdup("");
}

static struct netns *need_netns(struct box *box, const char *container, struct err *err)
{
    struct netns *netns = map_get(&box->netns, container);
    if (netns)
        return netns;
    netns = NEW(struct netns);
    int r = netns_new(netns);
    if (r < 0) {
        err_errno(err, r, "cannot make a namespace");
        free(netns);
        return NULL;
    }
    (void)map_put(&box->netns, container, netns);
    return netns;
}

/* attach CONTAINER NETWORK [interface=eth0] [ip=] [ip6=] [default=1] */
static char *do_attach(struct box *box, struct err *err)
{
    struct network *network;
    struct endpoint *endpoint;
    struct endpoint_options options = {.container = word(box, 1),
                                       .interface = option(box, "interface") ? option(box, "interface") : "eth0",
                                       .default_route = !option(box, "default") || option_number(box, "default")};
    char key[KEY_MAX], ip[IP_TEXT_MAX], ip6[IP_TEXT_MAX], mac[MAC_TEXT_MAX];
    struct mac wanted;
    if (option(box, "mac") && mac_parse(option(box, "mac"), &wanted))
        options.mac = &wanted;
    if (find(&box->network, word(box, 2), &network, err) < 0 || option_ip(box, "ip", &options.ipv4, err) < 0 ||
        option_ip(box, "ip6", &options.ipv6, err) < 0 || !(options.netns = need_netns(box, options.container, err)) ||
        network_attach(network, &options, &endpoint, err) < 0)
        return NULL;
    (void)map_put(&box->place, place_key(key, options.container, word(box, 2)), endpoint);
    const struct endpoint_record *record = endpoint_record(endpoint);
    return mem_printf("netns=%d ip=%s ip6=%s mac=%s link=%s", options.netns->fd, ip_format(&record->ipv4, ip),
                      ip_format(&record->ipv6, ip6), mac_format(&record->mac, mac), record->link);
}

/* detach CONTAINER NETWORK [alive=1] */
static char *do_detach(struct box *box, struct err *err)
{
    struct endpoint *endpoint;
    char key[KEY_MAX];
    place_key(key, word(box, 1), word(box, 2));
    if (find(&box->place, key, &endpoint, err) < 0)
        return NULL;
    endpoint_detach(endpoint, option_number(box, "alive"));
    (void)map_remove(&box->place, key);
    return mem_strdup("");
}

static char *do_drop(struct box *box, struct err *err)
{
    struct netns *netns = map_remove(&box->netns, word(box, 1));
    if (!netns) {
        err_set(err, ERR_NOT_FOUND, "no container %s", word(box, 1));
        return NULL;
    }
    netns_close(netns);
    free(netns);
    return mem_strdup("");
}

/* port NAME tcp|udp IP|* NUMBER */
static char *do_port(struct box *box, struct err *err)
{
    struct port_options options = {.protocol = str_eq(word(box, 2), "udp") ? IPPROTO_UDP : IPPROTO_TCP,
                                   .host_port = (uint16_t)atoi(word(box, 4)),
                                   .fd = -1};
    struct port *port;
    char name[PORT_NAME_MAX];
    if (!str_eq(word(box, 3), "*") && !ip_parse(word(box, 3), &options.host_ip)) {
        err_set(err, ERR_INVALID, "%s is no address", word(box, 3));
        return NULL;
    }
    struct port *kept = map_get(&box->port, word(box, 1));
    if (kept) /* given again: as after a restart, with the kept socket */
        options.fd = fcntl(port_fd(kept), F_DUPFD_CLOEXEC, 0);
    if (kept)
        port_close(kept);
    if (port_open(box->networks, &options, &port, err) < 0)
        return NULL;
    (void)map_put(&box->port, word(box, 1), port);
    return mem_printf("port=%u name=%s", port_number(port), port_name(port, name));
}

/* backends NAME IP PORT IP PORT … */
static char *do_backends(struct box *box, struct err *err)
{
    struct port *port;
    struct ip_port backends[WORDS_MAX];
    size_t count = 0;
    if (find(&box->port, word(box, 1), &port, err) < 0)
        return NULL;
    for (size_t i = 2; i + 1 < box->word_count; i += 2, count++) {
        backends[count].port = (uint16_t)atoi(word(box, i + 1));
        if (!ip_parse(word(box, i), &backends[count].ip)) {
            err_set(err, ERR_INVALID, "%s is no address", word(box, i));
            return NULL;
        }
    }
    return port_set_backends(port, backends, count, err) < 0 ? NULL : mem_strdup("");
}

static char *do_unpublish(struct box *box, struct err *err)
{
    struct port *port;
    if (find(&box->port, word(box, 1), &port, err) < 0)
        return NULL;
    port_close(port);
    (void)map_remove(&box->port, word(box, 1));
    return mem_strdup("");
}

/* listen NETWORK: names at its gateway */
static char *do_listen(struct box *box, struct err *err)
{
    struct network *network;
    struct dns_listener *listener;
    if (find(&box->network, word(box, 1), &network, err) < 0)
        return NULL;
    struct dns_listen_options options = {.network = network_record(network)->id,
                                         .address = network_record(network)->v4.gateway,
                                         .udp_fd = -1,
                                         .tcp_fd = -1};
    if (dns_listen(box->dns, &options, &listener, err) < 0 ||
        network_set_resolver(network, dns_listener_udp_port(listener), dns_listener_tcp_port(listener), err) < 0)
        return NULL;
    (void)map_put(&box->listener, word(box, 1), listener);
    return mem_strdup("");
}

static char *do_unlisten(struct box *box, struct err *err)
{
    struct dns_listener *listener = map_remove(&box->listener, word(box, 1));
    if (listener)
        dns_unlisten(listener);
    return mem_strdup("");
}

/* name CONTAINER NETWORK NAME… [hidden=1] [server=IP]; without names: the place is forgotten */
static char *do_name(struct box *box, struct err *err)
{
    struct endpoint *endpoint;
    struct ip server;
    const char *names[WORDS_MAX];
    size_t count = 0;
    char key[KEY_MAX];
    if (find(&box->place, place_key(key, word(box, 1), word(box, 2)), &endpoint, err) < 0)
        return NULL;
    const struct endpoint_record *record = endpoint_record(endpoint);
    for (size_t i = 3; i < box->word_count; i++)
        if (!strchr(word(box, i), '='))
            names[count++] = word(box, i);
    bool own = option(box, "server") && ip_parse(option(box, "server"), &server);
    struct names_place place = {.container = record->container,
                                .network = record->network,
                                .ipv4 = record->ipv4,
                                .ipv6 = record->ipv6,
                                .names = names,
                                .name_count = count,
                                .hidden = option_number(box, "hidden"),
                                .outside = !network_record(endpoint_network(endpoint))->internal,
                                .servers = &server,
                                .server_count = own};
    if (count)
        names_put(box->names, &place);
    else
        names_remove(box->names, record->container, record->network);
    return mem_strdup("");
}

/* many NETWORK COUNT: so many containers c0 …; says how long it took */
static char *do_many(struct box *box, struct err *err)
{
    struct network *network;
    int64_t start = clock_monotonic_ms();
    if (find(&box->network, word(box, 1), &network, err) < 0)
        return NULL;
    for (int i = 0; i < atoi(word(box, 2)); i++) {
        char name[32], key[KEY_MAX];
        struct endpoint *endpoint;
        (void)snprintf(name, sizeof(name), "c%d", i);
        struct endpoint_options options = {
            .container = name, .interface = "eth0", .default_route = true, .netns = need_netns(box, name, err)};
        if (!options.netns || network_attach(network, &options, &endpoint, err) < 0)
            return NULL;
        (void)map_put(&box->place, place_key(key, name, word(box, 1)), endpoint);
    }
    return mem_printf("ms=%lld", (long long)(clock_monotonic_ms() - start));
}

static void close_namespaces(struct box *box)
{
    struct map_entry *entry;
    for (size_t i = 0; (entry = map_next(&box->netns, &i));) {
        netns_close(entry->value);
        free(entry->value);
    }
    map_done(&box->netns);
}

/* none: detaches and drops every container */
static char *do_none(struct box *box, struct err *err)
{
    int64_t start = clock_monotonic_ms();
    struct map_entry *entry;
    for (size_t i = 0; (entry = map_next(&box->place, &i));)
        endpoint_detach(entry->value, false);
    map_done(&box->place);
    close_namespaces(box);
    return mem_printf("ms=%lld", (long long)(clock_monotonic_ms() - start));
}

/* --- Records in a file: networks, then places */

static char *do_save(struct box *box, struct err *err)
{
    cleanup_file FILE *f = fopen(word(box, 1), "w");
    struct map_entry *entry;
    if (!f) {
        err_errno(err, errno, "cannot write %s", word(box, 1));
        return NULL;
    }
    size_t counts[2] = {box->network.count, box->place.count};
    (void)fwrite(counts, sizeof(counts), 1, f);
    for (size_t i = 0; (entry = map_next(&box->network, &i));)
        (void)fwrite(network_record(entry->value), sizeof(struct network_record), 1, f);
    for (size_t i = 0; (entry = map_next(&box->place, &i));)
        (void)fwrite(endpoint_record(entry->value), sizeof(struct endpoint_record), 1, f);
    return mem_strdup("");
}

static int load_place(struct box *box, const struct endpoint_record *record, struct err *err)
{
    char key[KEY_MAX];
    struct endpoint *endpoint;
    struct network *network = network_find(box->networks, record->network);
    if (!network)
        return err_set(err, ERR_NOT_FOUND, "no network %s", record->network);
    if (network_adopt_endpoint(network, record, &endpoint, err) < 0)
        return -1;
    (void)map_put(&box->place, place_key(key, record->container, network_record(network)->name), endpoint);
    return 0;
}

static char *do_load(struct box *box, struct err *err)
{
    cleanup_file FILE *f = fopen(word(box, 1), "r");
    size_t counts[2];
    struct network_record record;
    struct endpoint_record place;
    struct network *network;
    if (!f || fread(counts, sizeof(counts), 1, f) != 1) {
        err_errno(err, errno, "cannot read %s", word(box, 1));
        return NULL;
    }
    for (size_t i = 0; i < counts[0] && fread(&record, sizeof(record), 1, f) == 1; i++) {
        if (network_adopt(box->networks, &record, &network, err) < 0)
            return NULL;
        (void)map_put(&box->network, record.name, network);
    }
    for (size_t i = 0; i < counts[1] && fread(&place, sizeof(place), 1, f) == 1; i++)
        if (load_place(box, &place, err) < 0)
            return NULL;
    return mem_printf("networks=%zu places=%zu", counts[0], counts[1]);
}

static void add_problem(const char *problem, void *data)
{
    buf_printf(data, "%s; ", problem);
}

static char *do_check(struct box *box, struct err *err)
{
    struct buf problems cleanup(buf_done) = BUF(8192);
    int count = networks_check(box->networks, add_problem, &problems);
    return mem_printf("count=%d %s", count, buf_str(&problems));
}

static char *do_clear(struct box *box, struct err *err)
{
    return networks_clear(box->networks, err) < 0 ? NULL : mem_strdup("");
}

static const struct {
    const char *name;
    char *(*run)(struct box *box, struct err *err);
} commands[] = {
    {"start", do_start},   {"network", do_network}, {"remove", do_remove},       {"attach", do_attach},
    {"detach", do_detach}, {"drop", do_drop},       {"port", do_port},           {"backends", do_backends},
    {"many", do_many},     {"none", do_none},       {"unpublish", do_unpublish}, {"save", do_save},
    {"load", do_load},     {"listen", do_listen},   {"unlisten", do_unlisten},   {"name", do_name},
    {"check", do_check},   {"clear", do_clear},
};

static char *run(struct box *box, struct err *err)
{
    for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
        if (str_eq(commands[i].name, word(box, 0)))
            return commands[i].run(box, err);
    err_set(err, ERR_INVALID, "no such command: %s", word(box, 0));
    return NULL;
}

static void run_line(struct box *box, char *line)
{
    struct err err;
    char *piece;
    box->word_count = 0;
    while (box->word_count < WORDS_MAX && (piece = str_split(&line, ' ')))
        box->words[box->word_count++] = piece;
    char *said cleanup_free = run(box, &err);
    if (said)
        printf("ok %s\n", said);
    else
        printf("error %s: %s\n", err_kind_name(err.kind), err.message);
    (void)fflush(stdout);
}

static void input_ready(struct io *io, uint32_t events)
{
    struct box *box = container_of(io, struct box, input);
    char *end;
    ssize_t n = read(io->fd, buf_reserve(&box->line, 4096), 4096);
    if (n <= 0) {
        loop_stop(box->loop);
        return;
    }
    buf_claim(&box->line, (size_t)n);
    while ((end = memchr(box->line.data, '\n', box->line.size))) {
        size_t size = (size_t)(end - box->line.data) + 1;
        char *line cleanup_free = mem_strndup(box->line.data, size - 1);
        buf_consume(&box->line, size);
        run_line(box, line);
    }
}

int main(int argc, char **argv)
{
    struct err err;
    struct box box = {.input.ready = input_ready, .line = BUF(64 * 1024)};
    box.loop = loop_new(&err);
    struct networks_options options = {.data_dir = argc > 1 ? argv[1] : "/", .loop = box.loop};
    char *resolv_conf cleanup_free = mem_printf("%s/resolv.conf", options.data_dir);
    box.networks = box.loop ? networks_new(&options, &err) : NULL;
    box.names = names_new();
    box.dns =
        dns_server_new(&(struct dns_server_options){.loop = box.loop, .names = box.names, .resolv_conf = resolv_conf});
    if (!box.networks || io_add(&box.input, box.loop, STDIN_FILENO, EPOLLIN, &err) < 0 ||
        loop_run(box.loop, &err) < 0) {
        printf("error %s\n", err.message);
        return 1;
    }
    dns_server_free(box.dns);
    names_free(box.names);
    networks_free(box.networks);
    io_remove(&box.input);
    loop_free(box.loop);
    buf_done(&box.line);
    map_done(&box.network);
    map_done(&box.place);
    close_namespaces(&box);
    map_done(&box.port);
    map_done(&box.listener);
    return 0;
}
