/* POST /containers/create (Docker Engine API, "Create a container"). */
#include "api/api.h"
#include "api/container_json.h"
#include "base/str.h"
#include "codec/json.h"
#include "engine/container.h"

/* "/web" and "web" are one name. */
static const char *asked_name(const struct http_request *request)
{
    const char *name = http_query(request, "name");
    if (name && *name == '/')
        name++;
    return str_empty(name) ? NULL : name;
}

static const char *asked_platform(const struct http_request *request)
{
    const char *platform = http_query(request, "platform");
    return str_empty(platform) ? NULL : platform;
}

static int create_container(struct api *api, struct http_request *request, struct err *err)
{
    struct container_spec spec;
    struct container *container;
    struct strings warnings = {0};
    if (request->body.size == 0)
        return err_set(err, ERR_INVALID, "config cannot be empty in order to create a container");
    json_value *body cleanup(json_freep) = api_parse(request, err);
    if (!body || api_read(request, body, &container_spec_table, &spec, NULL, &warnings, err) < 0)
        return -1;
    struct container_create_options options = {
        .name = asked_name(request),
        .spec = &spec,
        .platform = asked_platform(request),
    };
    if (container_create(api->options.engine, &options, &container, &request->arena, &warnings, err) < 0)
        return -1;
    return container_json_reply_created(request, container, &warnings);
}

const struct api_route api_container_create_routes[] = {
    {HTTP_METHOD_POST, "/containers/create", create_container, "name platform"},
    {0},
};
