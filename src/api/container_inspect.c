/* GET /containers/{id}/json (Docker Engine API, "Inspect a container"). */
#include "api/api.h"
#include "api/container_json.h"
#include "base/str.h"
#include "codec/json.h"
#include "engine/exec.h"

#include <stdio.h>

static const char *const no_text[] = {"ResolvConfPath", "HostnamePath", "HostsPath"};

/* Path and Args: the command that runs, entrypoint first. */
static void write_command(const struct container_spec *spec, struct json_out *out)
{
    const struct strings *parts[] = {&spec->entrypoint, &spec->cmd};
    bool first = true;
    for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
        vec_foreach (word, parts[i]) {
            if (first) {
                json_key_string(out, "Path", *word);
                json_key(out, "Args");
                json_put_array(out);
            } else {
                json_put_string(out, *word);
            }
            first = false;
        }
    if (first) {
        json_key_string(out, "Path", "");
        json_key(out, "Args");
        json_put_array(out);
    }
    json_put_array_end(out);
}

static void write_log_path(struct container *container, struct json_out *out)
{
    struct arena arena cleanup(arena_done) = {0};
    struct err ignored;
    const char *folder = container_log_folder(container, &arena, &ignored);
    json_key_string(out, "LogPath", folder ? arena_printf(&arena, "%s/%s-json.log", folder, container->id) : "");
}

static void write_exec_ids(struct container *container, struct json_out *out)
{
    json_key(out, "ExecIDs");
    bool any = false;
    for (struct exec *exec = NULL; (exec = container_next_exec(container, exec));) {
        if (!any)
            json_put_array(out);
        any = true;
        json_put_string(out, exec->id);
    }
    if (any)
        json_put_array_end(out);
    else
        json_put_null(out);
}

/* Docker's own graph driver of the same construction; what it consists of is not for others to rely on. */
static void write_graph_driver(struct json_out *out)
{
    json_key(out, "GraphDriver");
    json_put_object(out);
    json_key(out, "Data");
    json_put_null(out);
    json_key_string(out, "Name", "overlay2");
    json_put_object_end(out);
}

/* The members beside Networks tell of the default network alone, as in Docker. */
static void write_default_endpoint(const struct container *container, struct json_out *out)
{
    static const struct container_endpoint none = {0};
    const struct container_endpoint *shown = &none;
    vec_foreach (endpoint, &container->endpoints)
        if (str_same(endpoint->network, "bridge"))
            shown = endpoint;
    json_key_string(out, "EndpointID", shown->endpoint_id ? shown->endpoint_id : "");
    json_key_string(out, "Gateway", shown->gateway ? shown->gateway : "");
    json_key_string(out, "GlobalIPv6Address", shown->ipv6 ? shown->ipv6 : "");
    json_key_int(out, "GlobalIPv6PrefixLen", shown->ipv6 && *shown->ipv6 ? 128 : 0);
    json_key_string(out, "IPAddress", shown->ipv4 ? shown->ipv4 : "");
    json_key_int(out, "IPPrefixLen", shown->prefix_length);
    json_key_string(out, "IPv6Gateway", "");
    json_key_string(out, "MacAddress", shown->mac ? shown->mac : "");
}

static void write_network_settings(const struct container *container, struct json_out *out)
{
    json_put_object(out);
    json_key_string(out, "Bridge", "");
    json_key_string(out, "SandboxID", "");
    json_key_string(out, "SandboxKey", "");
    json_key(out, "Ports");
    container_json_port_map(container, out);
    json_key_bool(out, "HairpinMode", false);
    json_key_string(out, "LinkLocalIPv6Address", "");
    json_key_int(out, "LinkLocalIPv6PrefixLen", 0);
    json_key(out, "SecondaryIPAddresses");
    json_put_null(out);
    json_key(out, "SecondaryIPv6Addresses");
    json_put_null(out);
    write_default_endpoint(container, out);
    json_key(out, "Networks");
    container_json_networks(container, out);
    json_put_object_end(out);
}

static void write_identity(struct container *container, const struct container_spec *spec, struct json_out *out)
{
    char name[300];
    (void)snprintf(name, sizeof(name), "/%s", container->name);
    json_key_string(out, "Id", container->id);
    json_key_time(out, "Created", container->created_ns);
    write_command(spec, out);
    json_key(out, "State");
    container_json_state(container, out);
    json_key_string(out, "Image", container->image_id ? container->image_id : "");
    for (size_t i = 0; i < ARRAY_SIZE(no_text); i++)
        json_key_string(out, no_text[i], "");
    write_log_path(container, out);
    json_key_string(out, "Name", name);
    json_key_int(out, "RestartCount", container->state.restart_count);
    json_key_string(out, "Driver", "overlay2");
    json_key_string(out, "Platform", "linux");
    json_key_string(out, "MountLabel", "");
    json_key_string(out, "ProcessLabel", "");
    json_key_string(out, "AppArmorProfile", "");
}

static void container_json_inspect(struct container *container, const struct container_spec *spec, struct json_out *out)
{
    json_put_object(out);
    write_identity(container, spec, out);
    write_exec_ids(container, out);
    json_key(out, "HostConfig");
    container_json_host_config(&spec->host, out);
    write_graph_driver(out);
    json_key(out, "Mounts");
    container_json_mounts(container, out);
    json_key(out, "Config");
    container_json_config(spec, out);
    json_key(out, "NetworkSettings");
    write_network_settings(container, out);
    json_put_object_end(out);
}

static int inspect_container(struct api *api, struct http_request *request, struct err *err)
{
    struct container *container = engine_find_container(api->options.engine, http_param(request, "id"), err);
    if (!container)
        return -1;
    if (http_query_bool(request, "size"))
        return err_set(err, ERR_UNSUPPORTED, "the sizes of containers are not offered by this engine yet");
    const struct container_spec *spec = container_definition(container, &request->arena, err);
    if (!spec)
        return -1;
    struct api_json json cleanup(api_json_done) = API_JSON(json);
    container_json_inspect(container, spec, &json.out);
    return api_reply(request, 200, &json);
}

const struct api_route api_container_inspect_routes[] = {
    {HTTP_METHOD_GET, "/containers/{id}/json", inspect_container, "size"},
    {0},
};
