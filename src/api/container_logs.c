/*
 * GET /containers/{id}/logs (Docker Engine API, "Get container logs").
 *
 * Records are taken from the files as the client reads: a client that stops reading holds up nobody. Three things set
 * it going: room in the connection (pull), something new in the files (changed), and a turn given to others in between
 * (again).
 */
#include "api/api.h"
#include "api/stream.h"
#include "base/clock.h"
#include "base/str.h"
#include "engine/container.h"
#include "engine/logfile.h"
#include "http/uri.h"

#include <stdio.h>
#include <stdlib.h>

struct log_stream {
    struct api *api;
    struct http_request *request;
    struct logfile *file;           /* owned */
    struct container_waiter waiter; /* of followers: the end of the container */
    struct timer again;
    bool framed, timestamps, details;
};

/* --- One record */

static int by_key(const void *a, const void *b)
{
    return strcmp(((const struct pair *)a)->key, ((const struct pair *)b)->key);
}

/* "key=value,key=value " in front of the line, sorted and encoded as in a query. */
static void add_details(struct buf *b, const struct jsonlog_record *record)
{
    struct err ignored;
    VEC(struct pair) pairs = {0};
    json_value *attrs cleanup(json_freep) =
        record->attrs_size ? json_parse(record->attrs, record->attrs_size, "attributes", &ignored) : NULL;
    for (void *i = json_first(attrs); i; i = json_next(attrs, i)) {
        const char *value = json_as_text(json_iter_value(i));
        vec_push(&pairs, (struct pair){(char *)json_iter_key(i), (char *)(value ? value : "")});
    }
    if (pairs.count)
        qsort(pairs.items, pairs.count, sizeof(*pairs.items), by_key);
    vec_foreach (pair, &pairs) {
        if (pair != pairs.items)
            buf_addc(b, ',');
        http_percent_encode(b, pair->key);
        buf_addc(b, '=');
        http_percent_encode(b, pair->value);
    }
    buf_addc(b, ' ');
    vec_done(&pairs);
}

static void write_record(struct log_stream *log, const struct jsonlog_record *record)
{
    char header[STREAM_HEADER_SIZE], time[CLOCK_TEXT_MAX];
    struct buf line cleanup(buf_done) = BUF(JSONLOG_RECORD_MAX + 4 * JSONLOG_ATTRS_MAX);
    if (log->framed)
        buf_add(&line, header, sizeof(header));
    if (log->timestamps) {
        clock_format(record->time_ns, time);
        buf_printf(&line, "%s ", time);
    }
    if (log->details)
        add_details(&line, record);
    buf_add(&line, record->text, record->size);
    if (buf_failed(&line))
        return;
    if (log->framed)
        stream_header(line.data, record->stream, line.size - sizeof(header));
    http_stream_write(log->request, line.data, line.size);
}

/* --- All of them */

static void go_on(struct log_stream *log);

static void changed(struct logfile *file, void *data)
{
    go_on(data);
}

static void again(struct timer *timer)
{
    go_on(container_of(timer, struct log_stream, again));
}

static void pull(struct http_request *request)
{
    go_on(request->data);
}

static void go_on(struct log_stream *log)
{
    struct jsonlog_record record;
    struct err err;
    while (http_stream_room(log->request) > 0) {
        int result = logfile_next(log->file, &record, &err);
        if (result == LOGFILE_RECORD) {
            write_record(log, &record);
            continue;
        }
        if (result == LOGFILE_AGAIN)
            timer_start(&log->again, log->api->options.loop, 0);
        else if (result == LOGFILE_WAIT)
            logfile_on_change(log->file, changed, log);
        else if (result == LOGFILE_END)
            http_stream_end(log->request);
        else
            http_stream_abort(log->request);
        return;
    }
}

/* Everything that it wrote is in the files: what follows them ends where they end. */
static void container_ended(struct container_waiter *waiter, int exit_code, const char *error)
{
    struct log_stream *log = container_of(waiter, struct log_stream, waiter);
    logfile_finish(log->file);
}

static void over(struct http_request *request, bool client_gone)
{
    struct log_stream *log = request->data;
    container_wait_cancel(&log->waiter);
    timer_stop(&log->again);
    logfile_close(log->file);
}

/* --- What is asked for */

static int read_time(const struct http_request *request, const char *name, int64_t *ret_ns, struct err *err)
{
    const char *text = http_query(request, name);
    *ret_ns = 0;
    if (str_empty(text) || str_eq(text, "0") || clock_parse(text, ret_ns))
        return 0;
    return err_set(err, ERR_INVALID, "invalid value for \"%s\": '%.40s' is neither Unix seconds nor a time of RFC 3339",
                   name, text);
}

static int read_tail(const struct http_request *request, uint64_t *ret, struct err *err)
{
    int64_t tail;
    const char *text = http_query(request, "tail");
    *ret = LOGFILE_TAIL_ALL;
    if (str_empty(text) || str_eq(text, "all"))
        return 0;
    if (http_query_i64(request, "tail", -1, &tail, err) < 0)
        return -1;
    if (tail >= 0)
        *ret = (uint64_t)tail;
    return 0;
}

static int read_query(const struct http_request *request, struct logfile_query *query, struct err *err)
{
    *query = (struct logfile_query){
        .stdout_wanted = http_query_bool(request, "stdout"),
        .stderr_wanted = http_query_bool(request, "stderr"),
        .follow = http_query_bool(request, "follow"),
    };
    if (!query->stdout_wanted && !query->stderr_wanted)
        return err_set(err, ERR_INVALID, "Bad parameters: you must choose at least one stream");
    return read_time(request, "since", &query->since_ns, err) < 0 ||
                   read_time(request, "until", &query->until_ns, err) < 0
               ? -1
               : read_tail(request, &query->tail, err);
}

static int logs(struct api *api, struct http_request *request, struct err *err)
{
    struct logfile_query query;
    struct container *container = engine_find_container(api->options.engine, http_param(request, "id"), err);
    if (!container || read_query(request, &query, err) < 0)
        return -1;
    if (query.follow && !container_is_running(container) && container->state.status != CONTAINER_RESTARTING)
        query.follow = false;
    struct log_stream *log = ARENA_NEW(&request->arena, struct log_stream);
    log->api = api;
    log->request = request;
    log->framed = !container->outline.tty;
    log->timestamps = http_query_bool(request, "timestamps");
    log->details = http_query_bool(request, "details");
    log->again.expired = again;
    log->file = container_open_log(container, &query, err);
    if (!log->file)
        return -1;
    request->data = log;
    request->over = over;
    request->pull = pull;
    http_stream_start(request, 200, stream_content_type(request, container->outline.tty));
    if (query.follow) {
        log->waiter.ended = container_ended;
        log->waiter.condition = WAIT_NOT_RUNNING;
        container_wait_add(container, &log->waiter);
    }
    return 0;
}

const struct api_route api_container_logs_routes[] = {
    {HTTP_METHOD_GET, "/containers/{id}/logs", logs, "follow stdout stderr since until timestamps tail details"},
    {0},
};
