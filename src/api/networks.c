/* Networks (Docker Engine API, "Networks"). */
#include "api/api.h"
#include "api/filters.h"
#include "api/prune.h"
#include "base/clock.h"
#include "base/str.h"
#include "codec/json.h"
#include "engine/container.h"
#include "engine/network.h"

#include <stdio.h>

#define LIST_FILTERS "driver id label name scope type dangling"

/* --- JSON */

static void write_pairs(struct json_out *out, const char *key, const struct pairs *pairs)
{
    json_key(out, key);
    json_put_object(out);
    vec_foreach (pair, pairs)
        json_key_string(out, pair->key, pair->value ? pair->value : "");
    json_put_object_end(out);
}

static void write_ipam(const struct network_spec *spec, struct json_out *out)
{
    json_key(out, "IPAM");
    json_put_object(out);
    json_key_string(out, "Driver", spec->ipam.driver ? spec->ipam.driver : "default");
    json_key(out, "Options");
    json_put_null(out);
    json_key(out, "Config");
    json_put_array(out);
    vec_foreach (pool, &spec->ipam.pools) {
        json_put_object(out);
        json_key_string(out, "Subnet", pool->subnet ? pool->subnet : "");
        if (!str_empty(pool->ip_range))
            json_key_string(out, "IPRange", pool->ip_range);
        if (!str_empty(pool->gateway))
            json_key_string(out, "Gateway", pool->gateway);
        json_put_object_end(out);
    }
    json_put_array_end(out);
    json_put_object_end(out);
}

static void write_member(const struct container *container, const struct container_endpoint *endpoint,
                         struct json_out *out)
{
    char ipv4[64] = "", ipv6[64] = "";
    if (!str_empty(endpoint->ipv4))
        (void)snprintf(ipv4, sizeof(ipv4), "%s/%d", endpoint->ipv4, endpoint->prefix_length);
    if (!str_empty(endpoint->ipv6))
        (void)snprintf(ipv6, sizeof(ipv6), "%s/128", endpoint->ipv6);
    json_key(out, container->id);
    json_put_object(out);
    json_key_string(out, "Name", container->name);
    json_key_string(out, "EndpointID", endpoint->endpoint_id ? endpoint->endpoint_id : "");
    json_key_string(out, "MacAddress", endpoint->mac ? endpoint->mac : "");
    json_key_string(out, "IPv4Address", ipv4);
    json_key_string(out, "IPv6Address", ipv6);
    json_put_object_end(out);
}

static void write_members(struct engine *engine, const struct engine_network *network, struct json_out *out)
{
    json_key(out, "Containers");
    json_put_object(out);
    for (struct container *c = NULL; network && (c = engine_next_container(engine, c));)
        vec_foreach (endpoint, &c->endpoints)
            if (str_same(endpoint->network_id, network->id))
                write_member(c, endpoint, out);
    json_put_object_end(out);
}

/* Docker calls the driver of "none" null. */
static const char *driver_of(const struct engine_network *network)
{
    const char *driver = network->spec.driver ? network->spec.driver : "bridge";
    return str_eq(driver, "none") ? "null" : driver;
}

/* engine NULL: without its containers, as lists have it. */
static void write_network(struct engine *engine, const struct engine_network *network, struct json_out *out)
{
    const struct network_spec *spec = &network->spec;
    json_put_object(out);
    json_key_string(out, "Name", spec->name);
    json_key_string(out, "Id", network->id);
    json_key_time(out, "Created", network->created_ns);
    json_key_string(out, "Scope", "local");
    json_key_string(out, "Driver", driver_of(network));
    json_key_bool(out, "EnableIPv6", spec->enable_ipv6);
    write_ipam(spec, out);
    json_key_bool(out, "Internal", spec->internal);
    json_key_bool(out, "Attachable", spec->attachable);
    json_key_bool(out, "Ingress", spec->ingress);
    json_key(out, "ConfigFrom");
    json_put_raw(out, "{\"Network\":\"\"}");
    json_key_bool(out, "ConfigOnly", spec->config_only);
    write_members(engine, engine ? network : NULL, out);
    write_pairs(out, "Options", &spec->options);
    write_pairs(out, "Labels", &spec->labels);
    json_put_object_end(out);
}

/* --- Listing */

/* Nobody's: no running container hangs on it, and no container asks for it. */
static bool is_dangling(struct engine *engine, const struct engine_network *network)
{
    if (network->builtin)
        return false;
    for (struct container *c = NULL; (c = engine_next_container(engine, c));)
        vec_foreach (endpoint, &c->endpoints)
            if (str_same(endpoint->network_id, network->id))
                return false;
    return true;
}

static bool is_wanted(struct engine *engine, const struct engine_network *network, const struct filters *filters,
                      bool dangling)
{
    if (filters_get(filters, "dangling") && is_dangling(engine, network) != dangling)
        return false;
    return filters_match(filters, "driver", driver_of(network)) && filters_match_prefix(filters, "id", network->id) &&
           filters_match_labels(filters, "label", &network->spec.labels) &&
           filters_match_pattern(filters, "name", network->spec.name) && filters_match(filters, "scope", "local") &&
           filters_match(filters, "type", network->builtin ? "builtin" : "custom");
}

static int list(struct api *api, struct http_request *request, struct err *err)
{
    struct engine *engine = api->options.engine;
    struct filters filters;
    bool dangling;
    if (filters_of(request, LIST_FILTERS, &filters, err) < 0 ||
        filters_bool(&filters, "dangling", false, &dangling, err) < 0)
        return -1;
    struct api_json json cleanup(api_json_done) = API_JSON(json);
    json_put_array(&json.out);
    for (struct engine_network *network = NULL; (network = engine_next_network(engine, network));)
        if (is_wanted(engine, network, &filters, dangling))
            write_network(NULL, network, &json.out);
    json_put_array_end(&json.out);
    return api_reply(request, 200, &json);
}

static int inspect(struct api *api, struct http_request *request, struct err *err)
{
    struct engine_network *network = engine_find_network(api->options.engine, http_param(request, "id"), err);
    const char *scope = http_query(request, "scope");
    if (!network)
        return -1;
    if (!str_empty(scope) && !str_eq(scope, "local"))
        return err_set(err, ERR_NOT_FOUND, "network %s not found", http_param(request, "id"));
    struct api_json json cleanup(api_json_done) = API_JSON(json);
    write_network(api->options.engine, network, &json.out);
    return api_reply(request, 200, &json);
}

/* --- Changing */

static int create(struct api *api, struct http_request *request, struct err *err)
{
    struct network_spec spec;
    struct engine_network *network;
    struct strings ignored = {0};
    json_value *body cleanup(json_freep) = api_parse(request, err);
    if (!body || api_read(request, body, &network_spec_table, &spec, NULL, &ignored, err) < 0 ||
        engine_network_create(api->options.engine, &spec, &network, err) < 0)
        return -1;
    struct buf warning cleanup(buf_done) = BUF(64 * 1024);
    vec_foreach (text, &ignored)
        buf_printf(&warning, "%s%s", warning.size ? " " : "", *text);
    struct api_json json cleanup(api_json_done) = API_JSON(json);
    json_put_object(&json.out);
    json_key_string(&json.out, "Id", network->id);
    json_key_string(&json.out, "Warning", buf_str(&warning));
    json_put_object_end(&json.out);
    return api_reply(request, 201, &json);
}

static int remove_it(struct api *api, struct http_request *request, struct err *err)
{
    struct engine *engine = api->options.engine;
    struct engine_network *network = engine_find_network(engine, http_param(request, "id"), err);
    if (!network || engine_network_remove(engine, network, err) < 0)
        return -1;
    return api_reply_empty(request, 204);
}

static int prune_all(struct api *api, struct http_request *request, struct err *err)
{
    struct engine *engine = api->options.engine;
    struct prune_filters filters;
    if (prune_filters_of(request, &filters, err) < 0)
        return -1;
    struct api_json json cleanup(api_json_done) = API_JSON(json);
    json_put_object(&json.out);
    json_key(&json.out, "NetworksDeleted");
    json_put_array(&json.out);
    for (struct engine_network *network = engine_next_network(engine, NULL), *next; network; network = next) {
        struct err ignored;
        char *name = arena_strdup(&request->arena, network->spec.name);
        next = engine_next_network(engine, network);
        bool due = is_dangling(engine, network) && prune_fits(&filters, network->created_ns, &network->spec.labels);
        if (due && engine_network_remove(engine, network, &ignored) >= 0)
            json_put_string(&json.out, name);
    }
    json_put_array_end(&json.out);
    json_put_object_end(&json.out);
    return api_reply(request, 200, &json);
}

const struct api_route api_network_routes[] = {
    {HTTP_METHOD_GET, "/networks", list, "filters"},
    {HTTP_METHOD_POST, "/networks/create", create},
    {HTTP_METHOD_POST, "/networks/prune", prune_all, "filters"},
    {HTTP_METHOD_GET, "/networks/{id}", inspect, "scope"},
    {HTTP_METHOD_DELETE, "/networks/{id}", remove_it},
    {0},
};
