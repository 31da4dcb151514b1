/* Exec sessions (Docker Engine API, "Exec"). */
#include "engine/exec.h"
#include "api/api.h"
#include "api/later.h"
#include "api/stream.h"
#include "base/str.h"
#include "codec/json.h"

#include <stdlib.h>

/* What requests say beside struct exec_spec. [height, width] of the client's terminal. */
struct exec_request {
    bool detach, tty;
    char *container; /* some clients say it twice: in the path and here */
    VEC(struct console_extent) console_size;
};

static const struct field extent_fields[] = {FIELD(struct console_extent, cells, "", INT), {0}};
static const struct fields extent_table = {"size", sizeof(struct console_extent), extent_fields, .bare = true};
static const struct field exec_request_fields[] = {
    FIELD(struct exec_request, detach, "Detach", BOOL),
    FIELD(struct exec_request, tty, "Tty", BOOL),
    FIELD(struct exec_request, container, "Container", STRING),
    FIELD(struct exec_request, console_size, "ConsoleSize", LIST, .of = &extent_table),
    {0},
};
static const struct fields exec_request_table = {"exec", sizeof(struct exec_request), exec_request_fields};

static int ignore(void *data, const char *path, const json_value *value, struct err *err)
{
    return 0; /* the other table's */
}

static void take_size(const struct exec_request *asked, struct exec_spec *spec)
{
    if (asked->console_size.count != 2)
        return;
    spec->rows = asked->console_size.items[0].cells;
    spec->columns = asked->console_size.items[1].cells;
}

static int create(struct api *api, struct http_request *request, struct err *err)
{
    struct exec_request asked;
    struct exec_spec spec;
    struct exec *exec;
    struct container *container = engine_find_container(api->options.engine, http_param(request, "id"), err);
    if (!container)
        return -1;
    json_value *body cleanup(json_freep) = api_parse(request, err);
    if (!body || api_read(request, body, &exec_spec_table, &spec, "ConsoleSize Container Detach", NULL, err) < 0 ||
        fields_read(&exec_request_table, body, &request->arena, &asked, "", ignore, NULL, err) < 0)
        return -1;
    if (asked.container && engine_find_container(api->options.engine, asked.container, err) != container)
        return err_set(err, ERR_INVALID, "Container: '%.80s' is not the container of the path", asked.container);
    if (spec.cmd.count == 0)
        return err_set(err, ERR_INVALID, "No exec command specified");
    take_size(&asked, &spec);
    if (exec_create(container, &spec, &exec, err) < 0)
        return -1;
    struct api_json json cleanup(api_json_done) = API_JSON(json);
    json_put_object(&json.out);
    json_key_string(&json.out, "Id", exec->id);
    json_put_object_end(&json.out);
    return api_reply(request, 201, &json);
}

/* --- Starting */

/* A start whose command may or may not come to run. */
struct exec_start {
    struct api *api;
    struct http_request *request; /* NULL once its client has gone */
    bool tty;
    char *detach_keys; /* owned */
    int input, output;
};

static void client_gone(struct http_request *request, bool gone)
{
    struct exec_start *start = request->data;
    start->request = NULL;
}

/* A command that cannot be run is told in the stream, as Docker does: clients ask for the exit code then (126, 127). */
static bool is_command_fault(const struct err *failure)
{
    return failure && (failure->kind == ERR_CANNOT_RUN || failure->kind == ERR_NO_COMMAND);
}

static void started(void *data, const struct err *failure)
{
    struct exec_start *start = data;
    struct http_request *request = start->request;
    struct err err;
    struct stream_options options = {
        .input = start->input,
        .output = start->output,
        .tty = start->tty,
        .detach_keys = start->detach_keys,
        .last_words = failure ? failure->message : NULL,
    };
    if (request)
        request->over = NULL;
    if (request && (!failure || is_command_fault(failure))) {
        if (stream_start(start->api, request, &options, &err) < 0)
            http_reply_err(request, &err);
    } else {
        close_fd(&start->input);
        close_fd(&start->output);
        if (request)
            http_reply_err(request, failure);
    }
    free(start->detach_keys);
    free(start);
}

static int start_attached(struct api *api, struct http_request *request, struct exec *exec, struct err *err)
{
    struct exec_start *start = NEW(struct exec_start);
    *start = (struct exec_start){
        .api = api,
        .request = request,
        .tty = exec->spec.tty,
        .detach_keys = exec->spec.detach_keys ? mem_strdup(exec->spec.detach_keys) : NULL,
        .input = -1,
        .output = -1,
    };
    request->data = start;
    request->over = client_gone;
    if (exec_start(exec, false, &start->input, &start->output, started, start, err) >= 0)
        return 0;
    request->over = NULL;
    free(start->detach_keys);
    free(start);
    return -1;
}

static int start_detached(struct http_request *request, struct exec *exec, struct err *err)
{
    int input = -1, output = -1;
    struct later *later = later_new(request, answer_ok);
    if (exec_start(exec, true, &input, &output, later_done, later, err) >= 0)
        return 0;
    later_done(later, err);
    return 0;
}

static int start(struct api *api, struct http_request *request, struct err *err)
{
    struct exec_request asked;
    struct exec *exec = engine_find_exec(api->options.engine, http_param(request, "id"), err);
    if (!exec)
        return -1;
    json_value *body cleanup(json_freep) = api_parse(request, err);
    if (!body || api_read(request, body, &exec_request_table, &asked, NULL, NULL, err) < 0)
        return -1;
    if (!asked.detach && asked.tty != exec->spec.tty)
        return err_set(err, ERR_INVALID, "the exec instance was created with Tty %s, and is to be started with it",
                       exec->spec.tty ? "true" : "false");
    take_size(&asked, &exec->spec);
    return asked.detach ? start_detached(request, exec, err) : start_attached(api, request, exec, err);
}

/* --- The rest */

static int resize(struct api *api, struct http_request *request, struct err *err)
{
    int rows, columns;
    struct exec *exec = engine_find_exec(api->options.engine, http_param(request, "id"), err);
    if (!exec || api_terminal_size(request, &rows, &columns, err) < 0 || exec_resize(exec, rows, columns, err) < 0)
        return -1;
    return api_reply_empty(request, 201);
}

static void write_process(const struct exec_spec *spec, struct json_out *out)
{
    json_key(out, "ProcessConfig");
    json_put_object(out);
    json_key(out, "arguments");
    json_put_array(out);
    for (size_t i = 1; i < spec->cmd.count; i++)
        json_put_string(out, spec->cmd.items[i]);
    json_put_array_end(out);
    json_key_string(out, "entrypoint", spec->cmd.items[0]);
    json_key_bool(out, "privileged", spec->privileged);
    json_key_bool(out, "tty", spec->tty);
    if (!str_empty(spec->user))
        json_key_string(out, "user", spec->user);
    json_put_object_end(out);
}

static void write_exit_code(const struct exec *exec, struct json_out *out)
{
    json_key(out, "ExitCode");
    if (exec->status == EXEC_EXITED)
        json_put_int(out, exec->exit_code);
    else
        json_put_null(out);
}

static int inspect(struct api *api, struct http_request *request, struct err *err)
{
    struct exec *exec = engine_find_exec(api->options.engine, http_param(request, "id"), err);
    if (!exec)
        return -1;
    struct api_json json cleanup(api_json_done) = API_JSON(json);
    struct json_out *out = &json.out;
    json_put_object(out);
    json_key_string(out, "ID", exec->id);
    json_key_bool(out, "Running", exec->status == EXEC_RUNNING);
    write_exit_code(exec, out);
    write_process(&exec->spec, out);
    json_key_bool(out, "OpenStdin", exec->spec.attach_stdin);
    json_key_bool(out, "OpenStderr", exec->spec.attach_stderr);
    json_key_bool(out, "OpenStdout", exec->spec.attach_stdout);
    json_key_bool(out, "CanRemove", exec->status == EXEC_EXITED);
    json_key_string(out, "ContainerID", exec->container->id);
    json_key_string(out, "DetachKeys", exec->spec.detach_keys ? exec->spec.detach_keys : "");
    json_key_int(out, "Pid", exec->pid);
    json_put_object_end(out);
    return api_reply(request, 200, &json);
}

const struct api_route api_exec_routes[] = {
    {HTTP_METHOD_POST, "/containers/{id}/exec", create},
    {HTTP_METHOD_POST, "/exec/{id}/start", start},
    {HTTP_METHOD_POST, "/exec/{id}/resize", resize, "h w"},
    {HTTP_METHOD_GET, "/exec/{id}/json", inspect},
    {0},
};
