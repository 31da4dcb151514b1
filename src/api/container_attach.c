/* POST /containers/{id}/attach (Docker Engine API, "Attach to a container"). */
#include "api/api.h"
#include "api/stream.h"
#include "engine/container.h"

static int attach(struct api *api, struct http_request *request, struct err *err)
{
    struct container *container = engine_find_container(api->options.engine, http_param(request, "id"), err);
    if (!container)
        return -1;
    if (http_query_bool(request, "logs"))
        return err_set(err, ERR_UNSUPPORTED,
                       "attach with logs=1 is not offered yet: ask for /containers/%s/logs?follow=1", container->name);
    bool stream = http_query_bool(request, "stream");
    struct container_attach_options options = {
        .stdin_ = stream && http_query_bool(request, "stdin"),
        .stdout_ = stream && http_query_bool(request, "stdout"),
        .stderr_ = stream && http_query_bool(request, "stderr"),
    };
    int input = -1, output = -1;
    if (container_attach(container, options, &input, &output, err) < 0)
        return -1;
    return stream_start(api, request,
                        &(struct stream_options){
                            .input = input,
                            .output = output,
                            .tty = container->outline.tty,
                            .detach_keys = http_query(request, "detachKeys"),
                        },
                        err);
}

const struct api_route api_container_attach_routes[] = {
    {HTTP_METHOD_POST, "/containers/{id}/attach", attach, "stream stdin stdout stderr logs detachKeys"},
    {0},
};
