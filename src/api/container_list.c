/* GET /containers/json (Docker Engine API, "List containers"). */
#include "api/api.h"
#include "api/container_json.h"
#include "api/filters.h"
#include "api/human.h"
#include "base/clock.h"
#include "base/str.h"
#include "codec/json.h"
#include "image/image.h"

#include <stdio.h>
#include <stdlib.h>

#define FILTERS                                                                                                        \
    "id name label status ancestor health network volume exited before since publish expose is-task isolation"

struct list_query {
    struct engine *engine;
    bool all;
    int64_t limit; /* 0: no limit */
    struct filters filters;
    struct container *before, *since;
    int64_t now_ns;
    struct strings ancestors; /* image IDs */
};

/* --- What is asked for */

static int find_bound(struct list_query *query, const char *filter, struct container **ret, struct err *err)
{
    const struct strings *values = filters_get(&query->filters, filter);
    *ret = NULL;
    if (!values)
        return 0;
    *ret = engine_find_container(query->engine, values->items[0], err);
    return *ret ? 0 : -1;
}

static void find_ancestors(struct list_query *query, struct arena *arena)
{
    const struct strings *values = filters_get(&query->filters, "ancestor");
    struct image_store *store = images_store(engine_images(query->engine));
    if (!values)
        return;
    vec_foreach (name, values) {
        struct err ignored;
        struct image *image = image_store_find(store, *name, &ignored);
        if (image)
            vec_push_in(arena, &query->ancestors, arena_strdup(arena, image->id));
    }
}

static int read_query(struct http_request *request, struct list_query *query, struct err *err)
{
    if (filters_of(request, FILTERS, &query->filters, err) < 0 ||
        http_query_i64(request, "limit", 0, &query->limit, err) < 0 ||
        find_bound(query, "before", &query->before, err) < 0 || find_bound(query, "since", &query->since, err) < 0)
        return -1;
    if (query->limit < 0)
        query->limit = 0;
    if (http_query_bool(request, "size"))
        return err_set(err, ERR_UNSUPPORTED, "the sizes of containers are not offered by this engine yet");
    query->all = http_query_bool(request, "all") || query->limit || query->before || query->since ||
                 filters_get(&query->filters, "status") || filters_get(&query->filters, "exited");
    query->now_ns = clock_realtime_ns();
    find_ancestors(query, &request->arena);
    return 0;
}

/* --- Filters */

static bool match_name(const struct container *c, const struct filters *filters)
{
    char slashed[300];
    (void)snprintf(slashed, sizeof(slashed), "/%s", c->name);
    return filters_match_pattern(filters, "name", c->name) || filters_match_pattern(filters, "name", slashed);
}

static bool match_health(const struct container *c, const struct filters *filters)
{
    const char *word = c->health == HEALTH_NONE ? "none" : health_status_name(c->health);
    return filters_match(filters, "health", word);
}

static bool match_ancestor(const struct container *c, const struct list_query *query)
{
    if (!filters_get(&query->filters, "ancestor") || filters_match(&query->filters, "ancestor", c->outline.image))
        return true;
    vec_foreach (id, &query->ancestors)
        if (str_same(*id, c->image_id))
            return true;
    return false;
}

static bool match_network(const struct container *c, const struct filters *filters)
{
    if (!filters_get(filters, "network"))
        return true;
    vec_foreach (endpoint, &c->endpoints)
        if (filters_match(filters, "network", endpoint->network) ||
            (endpoint->network_id && filters_match_prefix(filters, "network", endpoint->network_id)))
            return true;
    return c->endpoints.count == 0 && filters_match(filters, "network", c->outline.network_mode);
}

static bool match_volume(const struct container *c, const struct filters *filters)
{
    if (!filters_get(filters, "volume"))
        return true;
    vec_foreach (mount, &c->mounts)
        if ((mount->name && filters_match(filters, "volume", mount->name)) ||
            filters_match(filters, "volume", mount->destination))
            return true;
    return false;
}

static bool match_exited(const struct container *c, const struct filters *filters)
{
    char code[16];
    if (!filters_get(filters, "exited"))
        return true;
    (void)snprintf(code, sizeof(code), "%d", c->state.exit_code);
    return !container_is_running(c) && c->state.finished_ns && filters_match(filters, "exited", code);
}

/* "80/tcp", or "80" for tcp; "8000-8010/udp" for a range. */
static bool port_fits(const char *wanted, const char *port)
{
    char *end, *port_end;
    long low = strtol(wanted, &end, 10);
    long high = *end == '-' ? strtol(end + 1, &end, 10) : low;
    long number = strtol(port, &port_end, 10);
    return number >= low && number <= high && str_eq(*end ? end : "/tcp", *port_end ? port_end : "/tcp");
}

static bool match_ports(const struct container *c, const struct filters *filters)
{
    const struct strings *publish = filters_get(filters, "publish"), *expose = filters_get(filters, "expose");
    bool published = !publish, exposed = !expose;
    if (publish)
        vec_foreach (wanted, publish)
            vec_foreach (port, &c->ports)
                published |= port_fits(*wanted, port->port);
    if (expose)
        vec_foreach (wanted, expose)
            vec_foreach (port, &c->outline.exposed_ports)
                exposed |= port_fits(*wanted, *port);
    return published && exposed;
}

static bool is_wanted(const struct container *c, const struct list_query *query)
{
    const struct filters *filters = &query->filters;
    if (!query->all && !container_is_running(c) && c->state.status != CONTAINER_RESTARTING)
        return false;
    return filters_match_prefix(filters, "id", c->id) && match_name(c, filters) &&
           filters_match(filters, "status", container_status_name((enum container_status)c->state.status)) &&
           filters_match_labels(filters, "label", &c->outline.labels) && match_health(c, filters) &&
           match_ancestor(c, query) && match_network(c, filters) && match_volume(c, filters) &&
           match_exited(c, filters) && match_ports(c, filters) && filters_match(filters, "is-task", "false") &&
           filters_match(filters, "isolation", "default");
}

/* --- The answer */

static void write_names(const struct container *c, struct json_out *out)
{
    char name[300];
    (void)snprintf(name, sizeof(name), "/%s", c->name);
    json_key(out, "Names");
    json_put_array(out);
    json_put_string(out, name);
    json_put_array_end(out);
}

static void write_labels(const struct pairs *labels, struct json_out *out)
{
    json_key(out, "Labels");
    json_put_object(out);
    vec_foreach (label, labels)
        json_key_string(out, label->key, label->value ? label->value : "");
    json_put_object_end(out);
}

/* The name it was made from, or the image's ID where that name means another image by now. */
static const char *image_of(const struct container *c, struct engine *engine, struct map *meanings)
{
    const char *name = c->outline.image ? c->outline.image : "";
    const char *id = map_get(meanings, name);
    if (!id) {
        struct err ignored;
        struct image *image = image_store_find(images_store(engine_images(engine)), name, &ignored);
        id = image ? image->id : "gone";
        map_put(meanings, name, (void *)id);
    }
    return str_same(id, c->image_id) || !c->image_id ? name : c->image_id;
}

static void write_container(const struct container *c, const struct list_query *query, struct map *meanings,
                            struct json_out *out)
{
    char status[HUMAN_STATUS_MAX];
    human_status(c, query->now_ns, status);
    json_put_object(out);
    json_key_string(out, "Id", c->id);
    write_names(c, out);
    json_key_string(out, "Image", image_of(c, query->engine, meanings));
    json_key_string(out, "ImageID", c->image_id ? c->image_id : "");
    json_key_string(out, "Command", c->outline.command);
    json_key_int(out, "Created", c->created_ns / NS_PER_S);
    json_key(out, "Ports");
    container_json_port_list(c, out);
    write_labels(&c->outline.labels, out);
    json_key_string(out, "State", container_status_name((enum container_status)c->state.status));
    json_key_string(out, "Status", status);
    json_key(out, "HostConfig");
    json_put_object(out);
    json_key_string(out, "NetworkMode", c->outline.network_mode);
    json_put_object_end(out);
    json_key(out, "NetworkSettings");
    json_put_object(out);
    json_key(out, "Networks");
    container_json_networks(c, out);
    json_put_object_end(out);
    json_key(out, "Mounts");
    container_json_mounts(c, out);
    json_put_object_end(out);
}

static int list_containers(struct api *api, struct http_request *request, struct err *err)
{
    struct list_query query = {.engine = api->options.engine};
    if (read_query(request, &query, err) < 0)
        return -1;
    struct api_json json cleanup(api_json_done) = API_JSON(json);
    struct map meanings cleanup(map_done) = {0};
    int64_t written = 0;
    bool after = query.before != NULL; /* the newest come first: those before it come after it */
    json_put_array(&json.out);
    for (struct container *c = NULL; (c = engine_next_container(query.engine, c));) {
        if (c == query.since || (query.limit && written == query.limit))
            break;
        if (!after && is_wanted(c, &query)) {
            write_container(c, &query, &meanings, &json.out);
            written++;
        }
        after &= c != query.before;
    }
    json_put_array_end(&json.out);
    return api_reply(request, 200, &json);
}

const struct api_route api_container_list_routes[] = {
    {HTTP_METHOD_GET, "/containers/json", list_containers, "all limit size filters"},
    {0},
};
