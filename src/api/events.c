/* GET /events (Docker Engine API, "Monitor events"). */
#include "engine/events.h"
#include "api/api.h"
#include "api/filters.h"
#include "base/clock.h"
#include "base/str.h"
#include "codec/json.h"

#include <stdio.h>

#define FILTERS "container image event type label network volume daemon scope plugin"

struct event_stream {
    struct event_listener listener;
    struct timer until; /* ends the stream */
    struct http_request *request;
    struct filters filters;
    int64_t until_ns; /* 0: for ever */
};

/* --- Filters */

/* An object is named by its ID, a start of it, or its name. */
static bool match_object(const struct event *event, const struct filters *filters, const char *type)
{
    if (!filters_get(filters, type))
        return true;
    const char *name = pairs_get(&event->attributes, "name");
    return str_eq(event->type, type) &&
           (filters_match_prefix(filters, type, event->id) || (name && filters_match(filters, type, name)));
}

/* A container's events tell of its image: "image" fits those too. */
static bool match_image(const struct event *event, const struct filters *filters)
{
    const char *image = pairs_get(&event->attributes, "image");
    return match_object(event, filters, "image") ||
           (str_eq(event->type, "container") && image && filters_match(filters, "image", image));
}

/* "exec_start: sh" is an exec_start. */
static bool match_action(const struct event *event, const struct filters *filters)
{
    char verb[64];
    (void)snprintf(verb, sizeof(verb), "%.*s", (int)strcspn(event->action, ":"), event->action);
    return filters_match(filters, "event", event->action) || filters_match(filters, "event", verb);
}

static bool is_wanted(const struct event *event, const struct filters *filters)
{
    return filters_match(filters, "type", event->type) && match_action(event, filters) &&
           filters_match_labels(filters, "label", &event->attributes) && match_object(event, filters, "container") &&
           match_object(event, filters, "network") && match_object(event, filters, "volume") &&
           match_object(event, filters, "daemon") && match_object(event, filters, "plugin") &&
           match_image(event, filters) && filters_match(filters, "scope", "local");
}

/* --- The stream */

/* The members that older clients read stand beside Actor, for containers and images alone. */
static void write_old_members(const struct event *event, struct json_out *out)
{
    const char *image = pairs_get(&event->attributes, "image");
    if (!str_eq(event->type, "container") && !str_eq(event->type, "image"))
        return;
    json_key_string(out, "status", event->action);
    json_key_string(out, "id", event->id);
    if (image)
        json_key_string(out, "from", image);
}

static void write_event(const struct event *event, struct json_out *out)
{
    json_put_object(out);
    write_old_members(event, out);
    json_key_string(out, "Type", event->type);
    json_key_string(out, "Action", event->action);
    json_key(out, "Actor");
    json_put_object(out);
    json_key_string(out, "ID", event->id);
    json_key(out, "Attributes");
    json_put_object(out);
    vec_foreach (attribute, &event->attributes)
        json_key_string(out, attribute->key, attribute->value ? attribute->value : "");
    json_put_object_end(out);
    json_put_object_end(out);
    json_key_string(out, "scope", "local");
    json_key_int(out, "time", event->time_ns / NS_PER_S);
    json_key_int(out, "timeNano", event->time_ns);
    json_put_object_end(out);
}

static void happened(struct event_listener *listener, const struct event *event)
{
    struct event_stream *stream = container_of(listener, struct event_stream, listener);
    struct buf text cleanup(buf_done) = BUF(1024 * 1024);
    struct json_out out = {.buf = &text};
    if (!is_wanted(event, &stream->filters) || (stream->until_ns && event->time_ns > stream->until_ns))
        return;
    write_event(event, &out);
    buf_addc(&text, '\n');
    if (!buf_failed(&text))
        http_stream_write(stream->request, text.data, text.size);
}

static void until_reached(struct timer *timer)
{
    http_stream_end(container_of(timer, struct event_stream, until)->request);
}

static void over(struct http_request *request, bool client_gone)
{
    struct event_stream *stream = request->data;
    engine_unlisten(&stream->listener);
    timer_stop(&stream->until);
}

static int read_time(struct http_request *request, const char *name, int64_t now_ns, int64_t *ret_ns, struct err *err)
{
    const char *text = http_query(request, name);
    *ret_ns = 0;
    if (str_empty(text) || str_eq(text, "0") || filters_parse_time(text, now_ns, ret_ns))
        return 0;
    return err_set(err, ERR_INVALID, "invalid value for \"%s\": '%.40s' is neither a time nor a duration", name, text);
}

static int events(struct api *api, struct http_request *request, struct err *err)
{
    struct event_stream *stream = ARENA_NEW(&request->arena, struct event_stream);
    int64_t since_ns, now_ns = clock_realtime_ns();
    if (filters_of(request, FILTERS, &stream->filters, err) < 0 ||
        read_time(request, "since", now_ns, &since_ns, err) < 0 ||
        read_time(request, "until", now_ns, &stream->until_ns, err) < 0)
        return -1;
    stream->request = request;
    stream->listener.happened = happened;
    stream->until.expired = until_reached;
    request->data = stream;
    request->over = over;
    http_stream_start(request, 200, "application/json");
    if (since_ns)
        engine_replay_events(api->options.engine, since_ns, &stream->listener);
    if (stream->until_ns && stream->until_ns <= now_ns) {
        http_stream_end(request);
        return 0;
    }
    engine_listen(api->options.engine, &stream->listener);
    if (stream->until_ns)
        timer_start(&stream->until, api->options.loop, (stream->until_ns - now_ns) / NS_PER_MS + 1);
    return 0;
}

const struct api_route api_events_routes[] = {
    {HTTP_METHOD_GET, "/events", events, "since until filters"},
    {0},
};
