#include "engine/private.h"

#include "engine/names.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "network/network.h"

static struct engine_network *network_enter(struct engine *engine, const char *id, int64_t created_ns)
{
    struct engine_network *n = NEW(struct engine_network);
    (void)snprintf(n->id, sizeof(n->id), "%s", id);
    n->created_ns = created_ns;
    map_put(&engine->networks, n->id, n);
    list_push(&engine->network_list, &n->link);
    return n;
}

static void network_free(struct engine_network *n)
{
    list_remove(&n->link);
    arena_done(&n->arena);
    free(n);
}

static struct engine_network *find_by_name(struct engine *engine, const char *name)
{
    struct map_entry *entry;
    for (size_t i = 0; (entry = map_next(&engine->networks, &i));) {
        struct engine_network *n = entry->value;
        if (str_eq(n->spec.name, name))
            return n;
    }
    return NULL;
}

/* --- Between the API's form and the mechanism's */

static int parse_prefix(const char *text, const char *what, struct ip_prefix *ret, struct err *err)
{
    if (!str_empty(text) && !ip_prefix_parse(text, ret))
        return err_set(err, ERR_INVALID, "invalid %s %s: expected an address and its bits, like 172.28.0.0/16", what,
                       text);
    return 0;
}

static int parse_ip(const char *text, const char *what, struct ip *ret, struct err *err)
{
    struct ip_prefix prefix;
    if (str_empty(text) || ip_parse(text, ret))
        return 0;
    if (ip_prefix_parse(text, &prefix)) { /* Docker's inspect gives "fd00::1/64" at times */
        *ret = prefix.ip;
        return 0;
    }
    return err_set(err, ERR_INVALID, "invalid %s %s: expected an address like 172.28.0.1", what, text);
}

static int reserve_addresses(const struct ipam_pool *pool, struct network_record *record, size_t *count,
                             struct err *err)
{
    vec_foreach (address, &pool->auxiliary_addresses) {
        if (*count == NETWORK_RESERVED_MAX)
            return err_set(err, ERR_LIMIT, "a network may have %d auxiliary addresses", NETWORK_RESERVED_MAX);
        if (parse_ip(address->value, "auxiliary address", &record->reserved[(*count)++], err) < 0)
            return -1;
    }
    return 0;
}

static int to_record(const struct engine_network *n, struct network_record *record, struct err *err)
{
    const struct network_spec *spec = &n->spec;
    size_t reserved = 0;
    *record = (struct network_record){.internal = spec->internal, .ipv6 = spec->enable_ipv6};
    (void)snprintf(record->id, sizeof(record->id), "%s", n->id);
    (void)snprintf(record->name, sizeof(record->name), "%s", spec->name);
    record->no_masquerade =
        str_same(pairs_get(&spec->options, "com.docker.network.bridge.enable_ip_masquerade"), "false");
    const char *mtu = pairs_get(&spec->options, "com.docker.network.driver.mtu");
    if (mtu && !str_to_int(mtu, 1280, 65535, &record->mtu))
        return err_set(err, ERR_INVALID, "invalid mtu %s: expected 1280 to 65535", mtu);
    vec_foreach (pool, &spec->ipam.pools) {
        struct network_subnet subnet = {0};
        if (parse_prefix(pool->subnet, "subnet", &subnet.subnet, err) < 0 ||
            parse_prefix(pool->ip_range, "ip-range", &subnet.range, err) < 0 ||
            parse_ip(pool->gateway, "gateway", &subnet.gateway, err) < 0 ||
            reserve_addresses(pool, record, &reserved, err) < 0)
            return -1;
        *(subnet.subnet.ip.family == IP_V6 ? &record->v6 : &record->v4) = subnet;
    }
    return 0;
}

/* The subnets that were chosen, into spec. */
static void take_subnet(struct engine_network *n, const struct network_subnet *subnet)
{
    char prefix[IP_PREFIX_TEXT_MAX], ip[IP_TEXT_MAX];
    if (!ip_is_set(&subnet->subnet.ip))
        return;
    const char *text = ip_prefix_format(&subnet->subnet, prefix);
    vec_foreach (pool, &n->spec.ipam.pools)
        if (str_same(pool->subnet, text)) {
            pool->gateway = arena_strdup(&n->arena, ip_format(&subnet->gateway, ip));
            return;
        }
    struct ipam_pool *unset =
        n->spec.ipam.pools.count && str_empty(n->spec.ipam.pools.items[0].subnet) ? n->spec.ipam.pools.items : NULL;
    struct ipam_pool pool = {.subnet = arena_strdup(&n->arena, text),
                             .gateway = arena_strdup(&n->arena, ip_format(&subnet->gateway, ip))};
    if (unset)
        *unset = pool;
    else
        vec_push_in(&n->arena, &n->spec.ipam.pools, pool);
}

static int store_spec(struct engine_network *n, struct engine *engine, struct err *err)
{
    struct arena arena cleanup(arena_done) = {0};
    return db_run(engine->config.db, err, "INSERT OR REPLACE INTO networks VALUES (?, ?, ?, ?)", "ssis", n->id,
                  n->spec.name, n->created_ns, fields_to_text(&network_spec_table, &n->spec, &arena));
}

bool network_has_mechanism(const struct engine_network *n)
{
    return !str_eq(n->spec.driver, "host") && !str_eq(n->spec.driver, "null");
}

int network_make(struct engine *engine, struct engine_network *n, struct err *err)
{
    struct network_record record;
    if (n->mechanism || !network_has_mechanism(n))
        return 0;
    if (to_record(n, &record, err) < 0 || network_create(engine->net, &record, &n->mechanism, err) < 0)
        return err_wrap(err, "network %s", n->spec.name);
    take_subnet(n, &network_record(n->mechanism)->v4);
    take_subnet(n, &network_record(n->mechanism)->v6);
    return store_spec(n, engine, err);
}

/* --- Loading */

static int load_row(struct engine *engine, struct db_statement *row, struct err *err)
{
    struct engine_network *n = network_enter(engine, db_text(row, 0), db_int(row, 1));
    if (fields_read_text(&network_spec_table, db_text(row, 2), db_size(row, 2), &n->arena, &n->spec, "network", err) <
        0)
        return -1;
    n->builtin = str_eq(n->spec.name, NETWORK_DEFAULT) || !network_has_mechanism(n);
    return 0;
}

static int make_builtin(struct engine *engine, const char *name, const char *driver, struct err *err)
{
    char id[ID_SIZE];
    if (find_by_name(engine, name))
        return 0;
    id_new(id);
    struct engine_network *n = network_enter(engine, id, clock_realtime_ns());
    n->spec = (struct network_spec){.name = (char *)name, .driver = (char *)driver, .scope = (char *)"local"};
    n->builtin = true;
    return store_spec(n, engine, err);
}

int networks_load(struct engine *engine, struct err *err)
{
    struct db_statement *rows = db_query(engine->config.db, "SELECT id, created_ns, spec FROM networks", "");
    while (db_row(rows))
        if (load_row(engine, rows, err) < 0) {
            (void)db_end(rows, NULL);
            return -1;
        }
    if (db_end(rows, err) < 0)
        return -1;
    if (make_builtin(engine, NETWORK_DEFAULT, "bridge", err) < 0 || make_builtin(engine, "host", "host", err) < 0)
        return -1;
    return make_builtin(engine, "none", "null", err);
}

int networks_adopt(struct engine *engine, struct err *err)
{
    struct map_entry *entry;
    for (size_t i = 0; (entry = map_next(&engine->networks, &i));) {
        struct engine_network *n = entry->value;
        struct network_record record;
        bool made = n->spec.ipam.pools.count && !str_empty(n->spec.ipam.pools.items[0].gateway);
        if (!made || !network_has_mechanism(n))
            continue;
        if (to_record(n, &record, err) < 0 || network_adopt(engine->net, &record, &n->mechanism, err) < 0)
            return err_wrap(err, "network %s", n->spec.name);
    }
    return 0;
}

void networks_done(struct engine *engine)
{
    struct map_entry *entry;
    for (size_t i = 0; (entry = map_next(&engine->networks, &i));)
        network_free(entry->value);
    map_done(&engine->networks);
}

/* --- Creating, finding, removing */

static int check_options(const struct network_spec *spec, struct err *err)
{
    static const char *const drivers[] = {"bridge", "default", "", NULL}, *const ipam[] = {"default", "", NULL};
    static const char *const options[] = {"com.docker.network.bridge.enable_ip_masquerade",
                                          "com.docker.network.driver.mtu", "com.docker.network.enable_ipv6", NULL};
    if (spec->driver && !str_in(spec->driver, drivers))
        return err_set(err, ERR_UNSUPPORTED, "network driver \"%s\" is not offered: bridge is", spec->driver);
    if (spec->ipam.driver && !str_in(spec->ipam.driver, ipam))
        return err_set(err, ERR_UNSUPPORTED, "address management driver \"%s\" is not offered: default is",
                       spec->ipam.driver);
    vec_foreach (option, &spec->options)
        if (!str_in(option->key, options))
            return err_set(err, ERR_UNSUPPORTED, "network option \"%s\" is not offered", option->key);
    if (spec->ingress || spec->config_only)
        return err_set(err, ERR_UNSUPPORTED, "ingress and config-only networks are not offered");
    return 0;
}

int engine_network_create(struct engine *engine, const struct network_spec *spec, struct engine_network **ret,
                          struct err *err)
{
    struct arena arena cleanup(arena_done) = {0};
    char id[ID_SIZE];
    if (name_check(spec->name, "network", err) < 0 || check_options(spec, err) < 0)
        return -1;
    if (find_by_name(engine, spec->name))
        return err_set(err, ERR_CONFLICT, "network with name %s already exists", spec->name);
    id_new(id);
    struct engine_network *n = network_enter(engine, id, clock_realtime_ns());
    const char *text = fields_to_text(&network_spec_table, spec, &arena);
    int r = fields_read_text(&network_spec_table, text, strlen(text), &n->arena, &n->spec, "network", err);
    n->spec.driver = (char *)"bridge";
    n->spec.scope = (char *)"local";
    if (r < 0 || network_make(engine, n, err) < 0) {
        map_remove(&engine->networks, n->id);
        network_free(n);
        return -1;
    }
    emit_named(engine, "network", "create", n->id, "name", n->spec.name);
    *ret = n;
    return 0;
}

struct engine_network *engine_find_network(struct engine *engine, const char *reference, struct err *err)
{
    struct engine_network *n = map_get(&engine->networks, reference), *found = n ? n : find_by_name(engine, reference);
    struct map_entry *entry;
    if (found)
        return found;
    for (size_t i = 0; id_is_prefix(reference) && (entry = map_next(&engine->networks, &i));) {
        if (!str_starts(entry->key, reference))
            continue;
        if (found) {
            err_set(err, ERR_INVALID, "several networks' IDs start with %s: give more of it", reference);
            return NULL;
        }
        found = entry->value;
    }
    if (!found)
        err_set(err, ERR_NOT_FOUND, "network %s not found", reference);
    return found;
}

struct engine_network *engine_next_network(struct engine *engine, struct engine_network *after)
{
    struct list *next = after ? after->link.next : engine->network_list.next;
    return next == &engine->network_list ? NULL : container_of(next, struct engine_network, link);
}

static bool is_on(const struct container *c, const struct engine_network *n)
{
    vec_foreach (endpoint, &c->endpoints)
        if (str_eq(endpoint->network_id, n->id))
            return container_is_running(c);
    return false;
}

int engine_network_remove(struct engine *engine, struct engine_network *n, struct err *err)
{
    struct container *c = NULL;
    if (n->builtin)
        return err_set(err, ERR_DENIED, "%s is a pre-defined network and cannot be removed", n->spec.name);
    while ((c = engine_next_container(engine, c)))
        if (is_on(c, n))
            return err_set(err, ERR_CONFLICT,
                           "error while removing network: network %s has active endpoints: container %s", n->spec.name,
                           c->name);
    if ((n->mechanism && network_remove(n->mechanism, err) < 0) ||
        db_run(engine->config.db, err, "DELETE FROM networks WHERE id = ?", "s", n->id) < 0)
        return -1;
    resolver_leave_network(engine, n);
    emit_named(engine, "network", "destroy", n->id, "name", n->spec.name);
    map_remove(&engine->networks, n->id);
    network_free(n);
    return 0;
}
