#include "api/container_json.h"

#include "api/api.h"
#include "api/shown.h"
#include "base/str.h"

#include <stdlib.h>

/* --- State */

static void write_health(const struct container *container, struct json_out *out)
{
    json_put_object(out);
    json_key_string(out, "Status", health_status_name(container->health));
    json_key_int(out, "FailingStreak", container->health_failing_streak);
    json_key(out, "Log");
    json_put_array(out);
    vec_foreach (probe, &container->health_log) {
        json_put_object(out);
        json_key_time(out, "Start", probe->started_ns);
        json_key_time(out, "End", probe->ended_ns);
        json_key_int(out, "ExitCode", probe->exit_code);
        json_key_string(out, "Output", probe->output ? probe->output : "");
        json_put_object_end(out);
    }
    json_put_array_end(out);
    json_put_object_end(out);
}

void container_json_state(const struct container *container, struct json_out *out)
{
    const struct container_state *state = &container->state;
    bool restarting = state->status == CONTAINER_RESTARTING;
    json_put_object(out);
    json_key_string(out, "Status", container_status_name((enum container_status)state->status));
    json_key_bool(out, "Running", container_is_running(container) || restarting);
    json_key_bool(out, "Paused", state->status == CONTAINER_PAUSED);
    json_key_bool(out, "Restarting", restarting);
    json_key_bool(out, "OOMKilled", state->oom_killed);
    json_key_bool(out, "Dead", state->status == CONTAINER_DEAD);
    json_key_int(out, "Pid", container->pid);
    json_key_int(out, "ExitCode", state->exit_code);
    json_key_string(out, "Error", state->error ? state->error : "");
    json_key_time(out, "StartedAt", state->started_ns);
    json_key_time(out, "FinishedAt", state->finished_ns);
    if (container->health != HEALTH_NONE) {
        json_key(out, "Health");
        write_health(container, out);
    }
    json_put_object_end(out);
}

/* --- Mounts and networks */

static const char *or_empty(const char *s)
{
    return s ? s : "";
}

void container_json_mounts(const struct container *container, struct json_out *out)
{
    json_put_array(out);
    vec_foreach (mount, &container->mounts) {
        json_put_object(out);
        json_key_string(out, "Type", or_empty(mount->type));
        if (!str_empty(mount->name))
            json_key_string(out, "Name", mount->name);
        json_key_string(out, "Source", or_empty(mount->source));
        json_key_string(out, "Destination", or_empty(mount->destination));
        if (!str_empty(mount->driver))
            json_key_string(out, "Driver", mount->driver);
        json_key_string(out, "Mode", or_empty(mount->mode));
        json_key_bool(out, "RW", mount->read_write);
        json_key_string(out, "Propagation", or_empty(mount->propagation));
        json_put_object_end(out);
    }
    json_put_array_end(out);
}

static void write_strings(struct json_out *out, const char *key, const struct strings *strings)
{
    json_key(out, key);
    if (!strings->items) {
        json_put_null(out);
        return;
    }
    json_put_array(out);
    vec_foreach (s, strings)
        json_put_string(out, *s);
    json_put_array_end(out);
}

static void write_endpoint(const struct container_endpoint *endpoint, struct json_out *out)
{
    json_put_object(out);
    json_key(out, "IPAMConfig");
    json_put_null(out);
    write_strings(out, "Links", &endpoint->links);
    write_strings(out, "Aliases", &endpoint->aliases);
    json_key_string(out, "MacAddress", or_empty(endpoint->mac));
    json_key_string(out, "NetworkID", or_empty(endpoint->network_id));
    json_key_string(out, "EndpointID", or_empty(endpoint->endpoint_id));
    json_key_string(out, "Gateway", or_empty(endpoint->gateway));
    json_key_string(out, "IPAddress", or_empty(endpoint->ipv4));
    json_key_int(out, "IPPrefixLen", endpoint->prefix_length);
    json_key_string(out, "IPv6Gateway", "");
    json_key_string(out, "GlobalIPv6Address", or_empty(endpoint->ipv6));
    json_key_int(out, "GlobalIPv6PrefixLen", str_empty(endpoint->ipv6) ? 0 : 128);
    json_key(out, "DriverOpts");
    json_put_null(out);
    json_put_object_end(out);
}

void container_json_networks(const struct container *container, struct json_out *out)
{
    json_put_object(out);
    vec_foreach (endpoint, &container->endpoints) {
        json_key(out, endpoint->network);
        write_endpoint(endpoint, out);
    }
    json_put_object_end(out);
}

/* --- Ports */

/* "80/tcp" → 80 and "tcp". */
static int port_number(const char *port)
{
    return (int)strtol(port, NULL, 10);
}

static const char *port_protocol(const char *port)
{
    const char *slash = strchr(port, '/');
    return slash ? slash + 1 : "tcp";
}

static bool is_published(const struct container *container, const char *port)
{
    vec_foreach (published, &container->ports)
        if (str_eq(published->port, port))
            return true;
    return false;
}

void container_json_port_list(const struct container *container, struct json_out *out)
{
    json_put_array(out);
    vec_foreach (published, &container->ports) {
        json_put_object(out);
        json_key_string(out, "IP", or_empty(published->host_ip));
        json_key_int(out, "PrivatePort", port_number(published->port));
        json_key_int(out, "PublicPort", port_number(or_empty(published->host_port)));
        json_key_string(out, "Type", port_protocol(published->port));
        json_put_object_end(out);
    }
    vec_foreach (port, &container->outline.exposed_ports) {
        if (is_published(container, *port) || !container_is_running(container))
            continue;
        json_put_object(out);
        json_key_int(out, "PrivatePort", port_number(*port));
        json_key_string(out, "Type", port_protocol(*port));
        json_put_object_end(out);
    }
    json_put_array_end(out);
}

static void write_bindings(const struct container *container, const char *port, struct json_out *out)
{
    json_put_array(out);
    vec_foreach (published, &container->ports) {
        if (!str_eq(published->port, port))
            continue;
        json_put_object(out);
        json_key_string(out, "HostIp", or_empty(published->host_ip));
        json_key_string(out, "HostPort", or_empty(published->host_port));
        json_put_object_end(out);
    }
    json_put_array_end(out);
}

/* Is this the first of the container's published ports with its name? One port may be bound several times. */
static bool is_first(const struct container *container, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (str_eq(container->ports.items[i].port, container->ports.items[index].port))
            return false;
    return true;
}

void container_json_port_map(const struct container *container, struct json_out *out)
{
    json_put_object(out);
    for (size_t i = 0; i < container->ports.count; i++) {
        if (!is_first(container, i))
            continue;
        json_key(out, container->ports.items[i].port);
        write_bindings(container, container->ports.items[i].port, out);
    }
    vec_foreach (port, &container->outline.exposed_ports) {
        if (is_published(container, *port) || !container_is_running(container))
            continue;
        json_key(out, *port);
        json_put_null(out);
    }
    json_put_object_end(out);
}

/* --- Definitions */

void container_json_config(const struct container_spec *spec, struct json_out *out)
{
    static const char *const spared[] = {"ExposedPorts",    "Healthcheck", "ArgsEscaped",
                                         "NetworkDisabled", "MacAddress",  "StopSignal",
                                         "StopTimeout",     "Shell",       NULL};
    static const char *const hidden[] = {"HostConfig", "NetworkingConfig", NULL};
    shown_write(&container_spec_table, spec, spared, hidden, out);
}

void container_json_host_config(const struct host_config *host, struct json_out *out)
{
    static const char *const spared[] = {"Annotations", "StorageOpt", "Tmpfs",           "Sysctls", "Init",
                                         "Mounts",      "Runtime",    "KernelMemoryTCP", NULL};
    static const char *const hidden[] = {NULL};
    shown_write(&host_config_table, host, spared, hidden, out);
}

int container_json_reply_created(struct http_request *request, const struct container *container,
                                 const struct strings *warnings)
{
    struct api_json json cleanup(api_json_done) = API_JSON(json);
    json_put_object(&json.out);
    json_key_string(&json.out, "Id", container->id);
    json_key(&json.out, "Warnings");
    json_put_array(&json.out);
    vec_foreach (warning, warnings)
        json_put_string(&json.out, *warning);
    json_put_array_end(&json.out);
    json_put_object_end(&json.out);
    return api_reply(request, 201, &json);
}
