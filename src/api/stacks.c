/* Shoal's own API: stacks and actions (docs/API.md). */
#include "api/api.h"
#include "api/container_json.h"
#include "base/str.h"
#include "cluster/manager.h"

#include <stdio.h>

/* The body of PUT and plan. */
struct stack_request {
    struct stack_spec spec;
    struct action_options options;
};

static const struct field stack_request_fields[] = {
    FIELD(struct stack_request, spec, "spec", OBJECT, .of = &stack_spec_table, .flags = FIELD_REQUIRED),
    FIELD(struct stack_request, options, "options", OBJECT, .of = &action_options_table),
    {0},
};
static const struct fields stack_request_table = {"request", sizeof(struct stack_request), stack_request_fields};

static struct manager *manager_of(const struct api *api)
{
    return api->options.manager;
}

/* --- Writing */

static void write_action(const struct action *action, struct json_out *out)
{
    json_put_object(out);
    json_key_string(out, "id", action->id);
    json_key_string(out, "stack", action->stack);
    json_key_string(out, "kind", action_kind_name(action->kind));
    json_key_string(out, "status", action_status_name(action->status));
    json_key_time(out, "created", action->created_ns);
    json_key_time(out, "ended", action->ended_ns);
    json_key_string(out, "error", action->error);
    json_put_object_end(out);
}

static int reply_action(struct http_request *request, const struct action *action)
{
    struct api_json json cleanup(api_json_done) = API_JSON(json);
    json_put_object(&json.out);
    json_key_string(&json.out, "action", action->id);
    json_put_object_end(&json.out);
    return api_reply(request, 202, &json);
}

static void write_step(const struct step *step, struct json_out *out)
{
    json_put_object(out);
    json_key_string(out, "kind", step_kind_name(step->kind));
    json_key_string(out, "name", step->name);
    json_key_string(out, "service", step->service);
    json_key_string(out, "reason", step->reason);
    if (step->blocked)
        json_key_string(out, "after", step->blocked);
    json_put_object_end(out);
}

/* --- Reading */

static int check_name(const struct http_request *request, const struct stack_spec *spec, struct err *err)
{
    if (str_same(spec->name, http_param(request, "name")))
        return 0;
    return err_set(err, ERR_INVALID, "the stack in the body is named %s, that of the path %s", spec->name,
                   http_param(request, "name"));
}

static int read_request(struct http_request *request, struct stack_request *ret, struct err *err)
{
    json_value *body cleanup(json_freep) = api_parse(request, err);
    if (!body || api_read(request, body, &stack_request_table, ret, NULL, NULL, err) < 0)
        return -1;
    return check_name(request, &ret->spec, err);
}

/* --- Stacks */

static int list_stacks(struct api *api, struct http_request *request, struct err *err)
{
    struct api_json json cleanup(api_json_done) = API_JSON(json);
    struct stack *stack = NULL;
    json_put_array(&json.out);
    while ((stack = manager_next_stack(manager_of(api), stack))) {
        struct arena arena cleanup(arena_done) = {0};
        struct service_counts total = {0}, *counts = manager_count_services(manager_of(api), stack, &arena);
        for (size_t i = 0; i < stack->spec.services.count; i++) {
            total.wanted += counts[i].wanted;
            total.running += counts[i].running;
        }
        json_put_object(&json.out);
        json_key_string(&json.out, "name", stack->spec.name);
        json_key_int(&json.out, "services", (int64_t)stack->spec.services.count);
        json_key_int(&json.out, "replicas", total.wanted);
        json_key_int(&json.out, "running", total.running);
        json_key_string(&json.out, "action", stack->action ? stack->action->id : NULL);
        json_put_object_end(&json.out);
    }
    json_put_array_end(&json.out);
    return api_reply(request, 200, &json);
}

static int inspect_stack(struct api *api, struct http_request *request, struct err *err)
{
    struct stack *stack = manager_find_stack(manager_of(api), http_param(request, "name"), err);
    struct api_json json cleanup(api_json_done) = API_JSON(json);
    if (!stack)
        return -1;
    json_put_object(&json.out);
    json_key(&json.out, "spec");
    fields_write(&stack_spec_table, &stack->spec, &json.out);
    json_key(&json.out, "services");
    json_put_array(&json.out);
    const struct service_counts *counts = manager_count_services(manager_of(api), stack, &request->arena);
    for (size_t i = 0; i < stack->spec.services.count; i++) {
        json_put_object(&json.out);
        json_key_string(&json.out, "name", stack->spec.services.items[i].name);
        json_key_int(&json.out, "wanted", counts[i].wanted);
        json_key_int(&json.out, "running", counts[i].running);
        json_key_int(&json.out, "healthy", counts[i].healthy);
        json_put_object_end(&json.out);
    }
    json_put_array_end(&json.out);
    json_key_string(&json.out, "action", stack->action ? stack->action->id : NULL);
    json_put_object_end(&json.out);
    return api_reply(request, 200, &json);
}

static int put_stack(struct api *api, struct http_request *request, struct err *err)
{
    struct stack_request body;
    struct action *action;
    if (read_request(request, &body, err) < 0 ||
        manager_up(manager_of(api), &body.spec, &body.options, &action, err) < 0)
        return -1;
    return reply_action(request, action);
}

static int plan_stack(struct api *api, struct http_request *request, struct err *err)
{
    struct api_json json cleanup(api_json_done) = API_JSON(json);
    struct stack_request body;
    struct plan plan;
    if (read_request(request, &body, err) < 0 ||
        manager_plan(manager_of(api), &body.spec, &body.options, &request->arena, &plan, err) < 0)
        return -1;
    if (plan.failure)
        return err_set(err, ERR_CONFLICT, "%s", plan.failure);
    json_put_object(&json.out);
    json_key(&json.out, "steps");
    json_put_array(&json.out);
    vec_foreach (step, &plan.steps)
        write_step(step, &json.out);
    json_put_array_end(&json.out);
    json_put_object_end(&json.out);
    return api_reply(request, 200, &json);
}

static int delete_stack(struct api *api, struct http_request *request, struct err *err)
{
    struct action_options options = {.volumes = http_query_bool(request, "volumes"),
                                     .remove_orphans = http_query_bool(request, "orphans")};
    struct action *action;
    int64_t timeout;
    if (http_query_i64(request, "timeout", -1, &timeout, err) < 0)
        return -1;
    if (timeout >= 0)
        options.timeout = (struct opt_i64){true, timeout};
    if (manager_act(manager_of(api), http_param(request, "name"), ACTION_DOWN, &options, &action, err) < 0)
        return -1;
    return reply_action(request, action);
}

static int act(struct api *api, struct http_request *request, enum action_kind kind, struct err *err)
{
    struct action_options options;
    struct action *action;
    json_value *body cleanup(json_freep) = api_parse(request, err);
    if (!body || api_read(request, body, &action_options_table, &options, NULL, NULL, err) < 0 ||
        manager_act(manager_of(api), http_param(request, "name"), kind, &options, &action, err) < 0)
        return -1;
    return reply_action(request, action);
}

static int start_stack(struct api *api, struct http_request *request, struct err *err)
{
    return act(api, request, ACTION_START, err);
}

static int stop_stack(struct api *api, struct http_request *request, struct err *err)
{
    return act(api, request, ACTION_STOP, err);
}

static int restart_stack(struct api *api, struct http_request *request, struct err *err)
{
    return act(api, request, ACTION_RESTART, err);
}

/* {"services": {"web": 5}}: the same as an up's options with that scale. */
struct scale_request {
    VEC(struct scale) services;
};

static const struct field scale_request_fields[] = {
    FIELD(struct scale_request, services, "services", MAP, .of = &scale_table, .flags = FIELD_REQUIRED),
    {0},
};
static const struct fields scale_request_table = {"request", sizeof(struct scale_request), scale_request_fields};

static int scale_stack(struct api *api, struct http_request *request, struct err *err)
{
    struct scale_request asked;
    struct action_options options = {0};
    struct action *action;
    json_value *body cleanup(json_freep) = api_parse(request, err);
    if (!body || api_read(request, body, &scale_request_table, &asked, NULL, NULL, err) < 0)
        return -1;
    vec_foreach (scale, &asked.services)
        vec_push_in(&request->arena, &options.scale, *scale);
    if (manager_scale(manager_of(api), http_param(request, "name"), &options, &action, err) < 0)
        return -1;
    return reply_action(request, action);
}

/* --- A container beside the replicas */

struct oneoff_request {
    struct stack_spec spec;
    char *service;
    struct container_spec container;
};

static const struct field oneoff_request_fields[] = {
    FIELD(struct oneoff_request, spec, "spec", OBJECT, .of = &stack_spec_table, .flags = FIELD_REQUIRED),
    FIELD(struct oneoff_request, service, "service", STRING, .flags = FIELD_REQUIRED),
    FIELD(struct oneoff_request, container, "container", OBJECT, .of = &container_spec_table, .flags = FIELD_REQUIRED),
    {0},
};
static const struct fields oneoff_request_table = {"request", sizeof(struct oneoff_request), oneoff_request_fields};

static int create_oneoff(struct api *api, struct http_request *request, struct err *err)
{
    struct oneoff_request asked;
    struct strings warnings = {0};
    struct container *made;
    json_value *body cleanup(json_freep) = api_parse(request, err);
    if (!body || api_read(request, body, &oneoff_request_table, &asked, NULL, &warnings, err) < 0 ||
        check_name(request, &asked.spec, err) < 0)
        return -1;
    const struct oneoff oneoff = {
        .stack = &asked.spec,
        .service = asked.service,
        .name = http_query(request, "name"),
        .container = &asked.container,
    };
    if (manager_create_oneoff(manager_of(api), &oneoff, &made, &request->arena, &warnings, err) < 0)
        return -1;
    return container_json_reply_created(request, made, &warnings);
}

/* --- Actions */

static int list_actions(struct api *api, struct http_request *request, struct err *err)
{
    struct api_json json cleanup(api_json_done) = API_JSON(json);
    const char *stack = http_query(request, "stack");
    struct action *action = NULL;
    json_put_array(&json.out);
    while ((action = manager_next_action(manager_of(api), action)))
        if (!stack || str_eq(action->stack, stack))
            write_action(action, &json.out);
    json_put_array_end(&json.out);
    return api_reply(request, 200, &json);
}

static struct action *find_action(struct api *api, struct http_request *request, struct err *err)
{
    return manager_find_action(manager_of(api), http_param(request, "id"), err);
}

static int inspect_action(struct api *api, struct http_request *request, struct err *err)
{
    struct api_json json cleanup(api_json_done) = API_JSON(json);
    struct action *action = find_action(api, request, err);
    if (!action)
        return -1;
    write_action(action, &json.out);
    return api_reply(request, 200, &json);
}

static int cancel_action(struct api *api, struct http_request *request, struct err *err)
{
    struct action *action = find_action(api, request, err);
    return !action || action_cancel(action, err) < 0 ? -1 : api_reply_empty(request, 204);
}

struct action_stream {
    struct action_listener listener;
    struct http_request *request;
};

static void happened(struct action_listener *listener, const char *line, bool last)
{
    struct action_stream *stream = container_of(listener, struct action_stream, listener);
    http_stream_write(stream->request, line, strlen(line));
    http_stream_write(stream->request, "\n", 1);
    if (last)
        http_stream_end(stream->request);
}

static void over(struct http_request *request, bool client_gone)
{
    struct action_stream *stream = request->data;
    action_unlisten(&stream->listener);
}

static int follow_action(struct api *api, struct http_request *request, struct err *err)
{
    struct action *action = find_action(api, request, err);
    if (!action)
        return -1;
    struct action_stream *stream = ARENA_NEW(&request->arena, struct action_stream);
    stream->request = request;
    stream->listener.happened = happened;
    request->data = stream;
    request->over = over;
    http_stream_start(request, 200, "application/x-ndjson");
    action_listen(action, &stream->listener);
    return 0;
}

const struct api_route api_stack_routes[] = {
    {HTTP_METHOD_GET, "/shoal/v1/stacks", list_stacks, NULL},
    {HTTP_METHOD_GET, "/shoal/v1/stacks/{name}", inspect_stack, NULL},
    {HTTP_METHOD_PUT, "/shoal/v1/stacks/{name}", put_stack, NULL, .body_max = API_STACK_MAX},
    {HTTP_METHOD_DELETE, "/shoal/v1/stacks/{name}", delete_stack, "volumes orphans timeout"},
    {HTTP_METHOD_POST, "/shoal/v1/stacks/{name}/plan", plan_stack, NULL, .body_max = API_STACK_MAX},
    {HTTP_METHOD_POST, "/shoal/v1/stacks/{name}/containers", create_oneoff, "name", .body_max = API_STACK_MAX},
    {HTTP_METHOD_POST, "/shoal/v1/stacks/{name}/start", start_stack, NULL},
    {HTTP_METHOD_POST, "/shoal/v1/stacks/{name}/stop", stop_stack, NULL},
    {HTTP_METHOD_POST, "/shoal/v1/stacks/{name}/restart", restart_stack, NULL},
    {HTTP_METHOD_POST, "/shoal/v1/stacks/{name}/scale", scale_stack, NULL},
    {HTTP_METHOD_GET, "/shoal/v1/actions", list_actions, "stack"},
    {HTTP_METHOD_GET, "/shoal/v1/actions/{id}", inspect_action, NULL},
    {HTTP_METHOD_GET, "/shoal/v1/actions/{id}/events", follow_action, NULL},
    {HTTP_METHOD_POST, "/shoal/v1/actions/{id}/cancel", cancel_action, NULL},
    {0},
};
