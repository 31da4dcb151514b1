#pragma once
/* What lists and inspections of containers have in common, and the tables that write a container's definition as
 * inspect shows it. */
#include "codec/json.h"
#include "engine/container.h"
#include "http/request.h"

/* State, as inspect has it. */
void container_json_state(const struct container *container, struct json_out *out);
/* [{"Type":"bind","Source":…}] */
void container_json_mounts(const struct container *container, struct json_out *out);
/* {"bridge":{"IPAddress":…}} */
void container_json_networks(const struct container *container, struct json_out *out);
/* Of a list: [{"IP":"0.0.0.0","PrivatePort":80,"PublicPort":8080,"Type":"tcp"}] */
void container_json_port_list(const struct container *container, struct json_out *out);
/* Of inspect: {"80/tcp":[{"HostIp":…,"HostPort":…}],"443/tcp":null} */
void container_json_port_map(const struct container *container, struct json_out *out);
/* Config and HostConfig: the definition, with the fields that Docker writes always. */
void container_json_config(const struct container_spec *spec, struct json_out *out);
void container_json_host_config(const struct host_config *host, struct json_out *out);
/* The whole answer to a creation: 201 {"Id":…,"Warnings":[…]} */
int container_json_reply_created(struct http_request *request, const struct container *container,
                                 const struct strings *warnings);
