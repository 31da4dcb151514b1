#include "api/api.h"

#include "api/stream.h"
#include "api/version.h"
#include "base/str.h"
#include "codec/json.h"

#include <limits.h>
#include <stdlib.h>

static const struct api_route *const tables[] = {
    api_system_routes,
    api_events_routes,
    api_container_list_routes,
    api_container_create_routes,
    api_container_inspect_routes,
    api_container_life_routes,
    api_container_attach_routes,
    api_container_logs_routes,
    api_container_top_routes,
    api_exec_routes,
    api_image_routes,
    api_image_transfer_routes,
    api_network_routes,
    api_volume_routes,
    api_stack_routes,
    api_unoffered_routes,
};

/* --- What holds for every route */

static int admit(struct http_request *request, struct err *err)
{
    http_reply_header(request, "Api-Version", "%s", API_VERSION);
    http_reply_header(request, "Docker-Experimental", "false");
    http_reply_header(request, "Ostype", "linux");
    return api_version_check(request->version, err);
}

/* Is word one of the words of list, which blanks separate? */
static bool is_listed(const char *list, const char *word)
{
    size_t size = strlen(word);
    for (const char *p = list; p && size && (p = strstr(p, word)); p += size)
        if ((p == list || p[-1] == ' ') && (p[size] == ' ' || !p[size]))
            return true;
    return false;
}

/* A parameter that is off asks for nothing: clients send "only_ids=0" to say that they want all. */
static bool is_off(const char *value)
{
    return str_empty(value) || str_eq(value, "0") || str_eq(value, "false");
}

static int check_query(const struct api_route *route, const struct http_request *request, struct err *err)
{
    vec_foreach (parameter, &request->query)
        if (!is_listed(route->query, parameter->name) && !is_off(parameter->value))
            return err_set(err, ERR_INVALID, "the parameter '%.60s' is not known for %s %s%s%s", parameter->name,
                           http_method_name(route->method), route->pattern, route->query ? "; known: " : "",
                           route->query ? route->query : "");
    return 0;
}

static int handle(struct api *api, const struct api_route *route, struct http_request *request, struct err *err)
{
    if (!route->handle)
        return err_set(err, ERR_UNSUPPORTED, "%s %s is not offered by this engine yet", http_method_name(route->method),
                       route->pattern);
    return check_query(route, request, err) < 0 ? -1 : route->handle(api, request, err);
}

static void dispatch(struct http_request *request)
{
    struct api *api = request->context;
    struct err err;
    if (handle(api, api->tables[request->route - api->routes], request, &err) < 0)
        http_reply_err(request, &err);
}

/* --- Joining the tables */

static size_t count_routes(void)
{
    size_t count = 0;
    for (size_t i = 0; i < ARRAY_SIZE(tables); i++)
        for (const struct api_route *route = tables[i]; route->pattern; route++)
            count++;
    return count;
}

struct api *api_new(const struct api_options *options)
{
    struct api *api = NEW(struct api);
    api->options = *options;
    list_init(&api->streams);
    size_t count = count_routes();
    api->routes = mem_alloc_array(count, sizeof(*api->routes));
    api->tables = mem_alloc_array(count, sizeof(*api->tables));
    for (size_t i = 0; i < ARRAY_SIZE(tables); i++)
        for (const struct api_route *route = tables[i]; route->pattern; route++) {
            api->routes[api->route_count] = (struct http_route){
                .method = route->method,
                .pattern = route->pattern,
                .handler = dispatch,
                .body_max = route->body_max,
                .flags = route->flags | (str_starts(route->pattern, "/shoal/") ? 0 : HTTP_ROUTE_VERSIONED),
            };
            api->tables[api->route_count++] = route;
        }
    return api;
}

void api_free(struct api *api)
{
    if (!api)
        return;
    streams_done(api);
    free(api->routes);
    free(api->tables);
    free(api);
}

void api_serve(struct api *api, struct http_server_options *options)
{
    options->routes = api->routes;
    options->route_count = api->route_count;
    options->context = api;
    options->admit = admit;
}

/* --- Answers and bodies */

int api_reply(struct http_request *request, int status, struct api_json *json)
{
    buf_addc(&json->buf, '\n');
    http_reply_json(request, status, &json->buf);
    return 0;
}

int api_reply_empty(struct http_request *request, int status)
{
    http_reply_empty(request, status);
    return 0;
}

json_value *api_parse(const struct http_request *request, struct err *err)
{
    if (request->body.size == 0)
        return json_parse("{}", 2, "the request's body", err);
    return json_parse(request->body.data, request->body.size, "the request's body", err);
}

struct unknown_fields {
    struct arena *arena;
    const char *also;
    struct strings *ignored;
};

static bool asks_for_nothing(const json_value *value)
{
    switch (json_type_of(value)) {
    case JSON_TYPE_NULL:
        return true;
    case JSON_TYPE_BOOL:
        return !json_as_bool(value, false);
    case JSON_TYPE_INT:
    case JSON_TYPE_DOUBLE:
        return json_as_double(value, 0) == 0;
    case JSON_TYPE_STRING:
        return str_empty(json_as_text(value));
    case JSON_TYPE_ARRAY:
    case JSON_TYPE_OBJECT:
        return json_count(value) == 0;
    }
    return false;
}

static int unknown_field(void *data, const char *path, const json_value *value, struct err *err)
{
    const struct unknown_fields *unknown = data;
    if (asks_for_nothing(value) || is_listed(unknown->also, path))
        return 0;
    if (!unknown->ignored)
        return err_set(err, ERR_INVALID, "unknown field: %s", path);
    vec_push_in(unknown->arena, unknown->ignored,
                arena_printf(unknown->arena, "The field %s is not known here and was ignored.", path));
    return 0;
}

int api_read(struct http_request *request, const json_value *body, const struct fields *table, void *out,
             const char *also, struct strings *ignored, struct err *err)
{
    struct unknown_fields unknown = {&request->arena, also, ignored};
    return fields_read(table, body, &request->arena, out, "", unknown_field, &unknown, err);
}

int api_terminal_size(const struct http_request *request, int *ret_rows, int *ret_columns, struct err *err)
{
    int64_t rows, columns;
    if (http_query_i64(request, "h", -1, &rows, err) < 0 || http_query_i64(request, "w", -1, &columns, err) < 0)
        return -1;
    if (rows < 0 || columns < 0 || rows > USHRT_MAX || columns > USHRT_MAX)
        return err_set(err, ERR_INVALID, "the parameters 'h' and 'w' must be there, from 0 to %d", USHRT_MAX);
    *ret_rows = (int)rows;
    *ret_columns = (int)columns;
    return 0;
}
