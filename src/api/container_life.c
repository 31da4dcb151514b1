/* What is done to a container: start, stop, kill, restart, pause, rename, resize, wait, remove, prune (Docker Engine
 * API, "Containers"). */
#include "api/api.h"
#include "api/filters.h"
#include "api/later.h"
#include "api/prune.h"
#include "base/clock.h"
#include "base/str.h"
#include "codec/json.h"
#include "engine/container.h"
#include "engine/signals.h"

#include <limits.h>
#include <signal.h>

static struct container *find(struct api *api, struct http_request *request, struct err *err)
{
    return engine_find_container(api->options.engine, http_param(request, "id"), err);
}

/* --- Starting and stopping */

static int start(struct api *api, struct http_request *request, struct err *err)
{
    struct container *container = find(api, request, err);
    if (!container)
        return -1;
    if (request->body.size > strlen("{}"))
        return err_set(
            err, ERR_INVALID,
            "starting container with non-empty request body was deprecated since API v1.22 and removed in v1.24");
    container_start(container, later_done, later_new(request, answer_no_content));
    return 0;
}

/* "signal" and "t"; a negative number of seconds means for ever, an absent one the container's own. */
static int stop_query(struct http_request *request, int *ret_signo, int *ret_timeout_s, struct err *err)
{
    const char *name = http_query(request, "signal");
    int64_t seconds;
    *ret_signo = str_empty(name) ? 0 : signal_by_name(name, err);
    if (*ret_signo < 0 || http_query_i64(request, "t", INT_MAX, &seconds, err) < 0)
        return -1;
    bool absent = str_empty(http_query(request, "t"));
    *ret_timeout_s = absent ? -1 : seconds < 0 || seconds > INT_MAX ? INT_MAX : (int)seconds;
    return 0;
}

static int stop(struct api *api, struct http_request *request, struct err *err)
{
    int signo, timeout_s;
    struct container *container = find(api, request, err);
    if (!container || stop_query(request, &signo, &timeout_s, err) < 0)
        return -1;
    container_stop(container, signo, timeout_s, later_done, later_new(request, answer_no_content));
    return 0;
}

static int restart(struct api *api, struct http_request *request, struct err *err)
{
    int signo, timeout_s;
    struct container *container = find(api, request, err);
    if (!container || stop_query(request, &signo, &timeout_s, err) < 0)
        return -1;
    container_restart(container, signo, timeout_s, later_done, later_new(request, answer_no_content));
    return 0;
}

static int kill_it(struct api *api, struct http_request *request, struct err *err)
{
    const char *name = http_query(request, "signal");
    struct container *container = find(api, request, err);
    int signo = str_empty(name) ? SIGKILL : signal_by_name(name, err);
    if (!container || signo < 0 || container_kill(container, signo, err) < 0)
        return -1;
    return api_reply_empty(request, 204);
}

static int pause_it(struct api *api, struct http_request *request, struct err *err)
{
    struct container *container = find(api, request, err);
    return container && container_pause(container, err) >= 0 ? api_reply_empty(request, 204) : -1;
}

static int unpause(struct api *api, struct http_request *request, struct err *err)
{
    struct container *container = find(api, request, err);
    return container && container_unpause(container, err) >= 0 ? api_reply_empty(request, 204) : -1;
}

/* --- Changing */

static int rename_it(struct api *api, struct http_request *request, struct err *err)
{
    struct container *container = find(api, request, err);
    const char *name = http_query(request, "name");
    if (!container)
        return -1;
    if (str_empty(name) || str_eq(name, "/"))
        return err_set(err, ERR_INVALID, "Neither old nor new names may be empty");
    if (container_rename(container, *name == '/' ? name + 1 : name, err) < 0)
        return -1;
    return api_reply_empty(request, 204);
}

static int resize(struct api *api, struct http_request *request, struct err *err)
{
    int rows, columns;
    struct container *container = find(api, request, err);
    if (!container || api_terminal_size(request, &rows, &columns, err) < 0 ||
        container_resize(container, rows, columns, err) < 0)
        return -1;
    return api_reply_empty(request, 200);
}

/* --- Waiting */

struct wait {
    struct container_waiter waiter;
    struct http_request *request;
};

static void wait_over(struct http_request *request, bool client_gone)
{
    struct wait *wait = request->data;
    container_wait_cancel(&wait->waiter);
}

static void wait_ended(struct container_waiter *waiter, int exit_code, const char *error)
{
    struct wait *wait = container_of(waiter, struct wait, waiter);
    struct buf text cleanup(buf_done) = BUF(8192);
    struct json_out out = {.buf = &text};
    json_put_object(&out);
    if (!str_empty(error)) {
        json_key(&out, "Error");
        json_put_object(&out);
        json_key_string(&out, "Message", error);
        json_put_object_end(&out);
    }
    json_key_int(&out, "StatusCode", exit_code);
    json_put_object_end(&out);
    buf_addc(&text, '\n');
    http_stream_write(wait->request, text.data, text.size);
    http_stream_end(wait->request);
}

static int wait_condition(const struct http_request *request, enum container_wait *ret, struct err *err)
{
    static const char *const names[] = {
        [WAIT_NOT_RUNNING] = "not-running",
        [WAIT_NEXT_EXIT] = "next-exit",
        [WAIT_REMOVED] = "removed",
    };
    const char *name = http_query(request, "condition");
    *ret = WAIT_NOT_RUNNING;
    if (str_empty(name))
        return 0;
    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        if (str_eq(name, names[i])) {
            *ret = (enum container_wait)i;
            return 0;
        }
    return err_set(err, ERR_INVALID, "invalid condition: \"%.40s\"", name);
}

/* The status and the headers go out at once: clients start the container when they have seen them. */
static int wait_for(struct api *api, struct http_request *request, struct err *err)
{
    struct container *container = find(api, request, err);
    struct wait *wait = ARENA_NEW(&request->arena, struct wait);
    if (!container || wait_condition(request, &wait->waiter.condition, err) < 0)
        return -1;
    wait->waiter.ended = wait_ended;
    wait->request = request;
    request->data = wait;
    request->over = wait_over;
    http_stream_start(request, 200, "application/json");
    container_wait_add(container, &wait->waiter);
    return 0;
}

/* --- Removing */

static int remove_it(struct api *api, struct http_request *request, struct err *err)
{
    struct container *container = find(api, request, err);
    if (!container)
        return -1;
    if (http_query_bool(request, "link"))
        return err_set(err, ERR_UNSUPPORTED, "links between containers cannot be removed by themselves here");
    struct container_remove_options options = {
        .force = http_query_bool(request, "force"),
        .volumes = http_query_bool(request, "v"),
    };
    container_remove(container, options, later_done, later_new(request, answer_no_content));
    return 0;
}

static bool may_be_pruned(const struct container *c, const struct prune_filters *filters)
{
    bool idle = c->state.status == CONTAINER_CREATED || c->state.status == CONTAINER_EXITED ||
                c->state.status == CONTAINER_DEAD;
    return idle && prune_fits(filters, c->created_ns, &c->outline.labels);
}

static int prune_all(struct api *api, struct http_request *request, struct err *err)
{
    struct engine *engine = api->options.engine;
    struct prune_filters filters;
    if (prune_filters_of(request, &filters, err) < 0)
        return -1;
    struct prune *prune = prune_new(request, "ContainersDeleted");
    for (struct container *c = engine_next_container(engine, NULL), *next; c; c = next) {
        next = engine_next_container(engine, c); /* c may be gone after its removal */
        if (may_be_pruned(c, &filters))
            container_remove(c, (struct container_remove_options){0}, prune_removed, prune_item(prune, c->id));
    }
    return prune_run(prune);
}

const struct api_route api_container_life_routes[] = {
    {HTTP_METHOD_POST, "/containers/prune", prune_all, "filters"},
    {HTTP_METHOD_POST, "/containers/{id}/start", start},
    {HTTP_METHOD_POST, "/containers/{id}/stop", stop, "signal t"},
    {HTTP_METHOD_POST, "/containers/{id}/restart", restart, "signal t"},
    {HTTP_METHOD_POST, "/containers/{id}/kill", kill_it, "signal"},
    {HTTP_METHOD_POST, "/containers/{id}/pause", pause_it},
    {HTTP_METHOD_POST, "/containers/{id}/unpause", unpause},
    {HTTP_METHOD_POST, "/containers/{id}/rename", rename_it, "name"},
    {HTTP_METHOD_POST, "/containers/{id}/resize", resize, "h w"},
    {HTTP_METHOD_POST, "/containers/{id}/wait", wait_for, "condition"},
    {HTTP_METHOD_DELETE, "/containers/{id}", remove_it, "v link force"},
    {0},
};
