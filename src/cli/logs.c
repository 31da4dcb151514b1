#include "cli/logs.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/colour.h"
#include "cli/print.h"
#include "cli/stream.h"
#include "cli/table.h"
#include "codec/units.h"
#include "http/status.h"
#include "http/uri.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#define LINE_PIECE ((size_t)256 * 1024) /* of a line without an end, that is printed before its end */

struct source {
    struct list link;
    struct logs *logs;
    struct http_call *call;
    char *container, *label;
    size_t colour;
    bool tty;
    struct stream stream;
    struct buf lines[2]; /* of stdout and stderr: what has no end yet */
};

struct logs {
    const struct daemon *daemon;
    struct loop *loop;
    const struct log_query *query;
    bool colours;
    struct list sources;
    struct map groups; /* name → its number, plus one */
    size_t label_width;
    void (*ended)(void *data, const char *container);
    void *ended_data;
};

/* --- What is asked for */

static const char *seconds_text(struct arena *arena, int64_t ns)
{
    return arena_printf(arena, "%lld.%09lld", (long long)(ns / NS_PER_S), (long long)(ns % NS_PER_S));
}

/* A time, or how long ago: as seconds since 1970, which the API takes. */
static int time_parameter(struct arena *arena, const char *option, const char *text, const char **ret, struct err *err)
{
    int64_t ns, ago;
    *ret = NULL;
    if (!text)
        return 0;
    if (duration_parse(text, &ago))
        ns = clock_realtime_ns() - ago;
    else if (!clock_parse(text, &ns))
        return err_set(err, ERR_INVALID, "--%s %s: expected a time (2026-01-31T12:00:00Z) or how long ago (10m)",
                       option, text);
    *ret = seconds_text(arena, ns);
    return 0;
}

/* "?stdout=1&…" */
static int query_text(const struct log_query *query, int64_t since_ns, struct arena *arena, const char **ret,
                      struct err *err)
{
    struct buf text cleanup(buf_done) = BUF(4096);
    const char *since, *until;
    uint64_t lines;
    if (time_parameter(arena, "since", query->since, &since, err) < 0 ||
        time_parameter(arena, "until", query->until, &until, err) < 0)
        return -1;
    if (query->tail && !str_eq(query->tail, "all") && !str_to_u64(query->tail, &lines))
        return err_set(err, ERR_INVALID, "--tail %s: expected a number of lines, or all", query->tail);
    if (since_ns)
        since = seconds_text(arena, since_ns);
    buf_adds(&text, "?stdout=1&stderr=1");
    http_query_add(&text, "follow", query->follow ? "1" : NULL);
    http_query_add(&text, "timestamps", query->timestamps || query->json ? "1" : NULL);
    http_query_add(&text, "tail", query->tail);
    http_query_add(&text, "since", since);
    http_query_add(&text, "until", until);
    *ret = arena_strdup(arena, buf_str(&text));
    return 0;
}

/* Has it a terminal? Then its log has no frames. */
static int has_terminal(const struct daemon *daemon, const char *name, bool *ret, struct err *err)
{
    json_value *container cleanup(json_freep) = NULL;
    const char *target = arena_printf(daemon->arena, "/containers/%s/json", daemon_encode(daemon, name));
    if (daemon_get(daemon, target, &container, err) < 0)
        return -1;
    *ret = json_as_bool(json_get(json_get(container, "Config"), "Tty"), false);
    return 0;
}

/* --- Lines */

static void print_json_record(const struct source *source, int fd, const char *line, size_t size)
{
    struct buf text cleanup(buf_done) = BUF(LINE_PIECE * 8);
    struct json_out out = {.buf = &text};
    const char *space = memchr(line, ' ', size);
    size_t time_size = space ? (size_t)(space - line) : 0;
    json_put_object(&out);
    json_key_string(&out, "container", source->label ? source->label : source->container);
    json_key_string(&out, "stream", fd == STDERR_FILENO ? "stderr" : "stdout");
    json_key(&out, "time");
    json_put_string_n(&out, line, time_size);
    json_key(&out, "line");
    json_put_string_n(&out, line + time_size + (space != NULL), size - time_size - (space != NULL));
    json_put_object_end(&out);
    buf_addc(&text, '\n');
    stream_write(STDOUT_FILENO, buf_str(&text), text.size);
}

static void print_line(const struct source *source, int fd, const char *line, size_t size)
{
    const struct logs *logs = source->logs;
    struct buf text cleanup(buf_done) = BUF(LINE_PIECE + 1024);
    if (logs->query->json) {
        print_json_record(source, fd, line, size);
        return;
    }
    if (source->label) {
        int padding = (int)(logs->label_width - text_width(source->label));
        buf_printf(&text, "%s%s%*s | %s", logs->colours ? colour_of(source->colour) : "", source->label, padding, "",
                   logs->colours ? COLOUR_RESET : "");
    }
    buf_add(&text, line, size);
    buf_addc(&text, '\n');
    stream_write(fd, buf_str(&text), text.size);
}

static void take_text(void *data, int fd, const char *bytes, size_t size)
{
    struct source *source = data;
    struct buf *pending = &source->lines[fd == STDERR_FILENO];
    while (size > 0) {
        const char *end = memchr(bytes, '\n', size);
        size_t n = end ? (size_t)(end - bytes) : size;
        if (pending->size + n > LINE_PIECE)
            n = LINE_PIECE - pending->size;
        buf_add(pending, bytes, n);
        bool whole = end && bytes + n == end;
        if (whole || pending->size == LINE_PIECE) {
            size_t shown = pending->size;
            if (whole && shown && pending->data[shown - 1] == '\r')
                shown--;
            print_line(source, fd, buf_str(pending), shown);
            buf_reset(pending);
        }
        bytes += n + whole;
        size -= n + whole;
    }
}

/* --- Sources */

static void source_free(struct source *source)
{
    list_remove(&source->link);
    http_call_free(source->call);
    free(source->container);
    free(source->label);
    buf_done(&source->lines[0]);
    buf_done(&source->lines[1]);
    free(source);
}

static void take_body(struct http_call *call, const char *bytes, size_t size)
{
    struct source *source = http_call_data(call);
    struct err err;
    if (http_call_head(call)->status >= 400)
        return;
    if (source->tty)
        take_text(source, STDOUT_FILENO, bytes, size);
    else
        (void)stream_feed(&source->stream, bytes, size, take_text, source, &err);
}

/* What the container left without a line's end is printed, too. */
static void source_over(struct http_call *call, const struct err *failure)
{
    struct source *source = http_call_data(call);
    for (int i = 0; i < 2; i++)
        if (source->lines[i].size)
            print_line(source, i ? STDERR_FILENO : STDOUT_FILENO, source->lines[i].data, source->lines[i].size);
    int status = failure ? 0 : http_call_head(call)->status;
    if (failure || status >= 400)
        (void)fprintf(stderr, "shoal: the log of %s: %s\n", source->label ? source->label : source->container,
                      failure ? failure->message : http_status_phrase(status));
    struct logs *logs = source->logs;
    char *container cleanup_free = TAKE(source->container);
    source_free(source);
    if (logs->ended)
        logs->ended(logs->ended_data, container);
}

static size_t group_number(struct logs *logs, const char *group)
{
    uintptr_t number = (uintptr_t)map_get(&logs->groups, group);
    if (!number) {
        number = logs->groups.count + 1;
        (void)map_put(&logs->groups, group, (void *)number);
    }
    return number - 1;
}

bool logs_has(const struct logs *logs, const char *container)
{
    struct source *source;
    list_foreach (source, &logs->sources, link)
        if (str_eq(source->container, container))
            return true;
    return false;
}

static struct source *source_new(struct logs *logs, const struct log_source *from, bool tty)
{
    struct source *source = NEW(struct source);
    source->logs = logs;
    source->tty = tty;
    source->container = mem_strdup(from->container);
    source->label = from->label && !logs->query->unlabelled ? mem_strdup(from->label) : NULL;
    source->colour = group_number(logs, from->group ? from->group : from->container);
    source->lines[0] = source->lines[1] = BUF(LINE_PIECE);
    if (source->label && text_width(source->label) > logs->label_width)
        logs->label_width = text_width(source->label);
    list_push(&logs->sources, &source->link);
    return source;
}

int logs_add(struct logs *logs, const struct log_source *from, struct err *err)
{
    static const struct http_call_ops ops = {.body = take_body, .done = source_over};
    const struct daemon *daemon = logs->daemon;
    const char *query;
    bool tty;
    if (logs_has(logs, from->container))
        return 0;
    if (query_text(logs->query, from->since_ns, daemon->arena, &query, err) < 0 ||
        has_terminal(daemon, from->container, &tty, err) < 0)
        return -1;
    struct source *source = source_new(logs, from, tty);
    const struct http_call_options options = {
        .loop = logs->loop,
        .address = &daemon->address,
        .method = HTTP_METHOD_GET,
        .target = arena_printf(daemon->arena, "/containers/%s/logs%s", daemon_encode(daemon, from->container), query),
        .ops = &ops,
        .data = source,
    };
    if (http_call_start(&options, &source->call, err) < 0) {
        source_free(source);
        return -1;
    }
    return 0;
}

void logs_on_end(struct logs *logs, void (*ended)(void *data, const char *container), void *data)
{
    logs->ended = ended;
    logs->ended_data = data;
}

size_t logs_active(const struct logs *logs)
{
    struct source *source;
    size_t count = 0;
    list_foreach (source, &logs->sources, link)
        count++;
    return count;
}

/* A connection for each container: of hundreds of them, more than the usual 1,024 descriptors. */
static void allow_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

int logs_new(const struct daemon *daemon, struct loop *loop, const struct log_query *query, struct logs **ret,
             struct err *err)
{
    const char *checked;
    if (query_text(query, 0, daemon->arena, &checked, err) < 0)
        return -1;
    allow_descriptors();
    struct logs *logs = NEW(struct logs);
    logs->daemon = daemon;
    logs->loop = loop;
    logs->query = query;
    logs->colours = !query->plain && colour_allowed(STDOUT_FILENO);
    list_init(&logs->sources);
    *ret = logs;
    return 0;
}

void logs_free(struct logs *logs)
{
    if (!logs)
        return;
    struct source *source;
    list_foreach (source, &logs->sources, link)
        source_free(source);
    map_done(&logs->groups);
    free(logs);
}

/* --- Of one container */

struct single {
    bool tty;
    struct stream stream;
};

static void show(void *data, int fd, const char *bytes, size_t size)
{
    stream_write(fd, bytes, size);
}

static int take_single(void *data, const char *bytes, size_t size, struct err *err)
{
    struct single *single = data;
    if (!single->tty)
        return stream_feed(&single->stream, bytes, size, show, NULL, err);
    show(NULL, STDOUT_FILENO, bytes, size);
    return 0;
}

static int print_lines(const struct daemon *daemon, const char *name, const struct log_query *query, struct err *err)
{
    struct loop *loop cleanup(loop_freep) = loop_new(err);
    struct logs *logs cleanup(logs_freep) = NULL;
    const struct log_source source = {.container = name, .label = name};
    if (!loop || logs_new(daemon, loop, query, &logs, err) < 0 || logs_add(logs, &source, err) < 0)
        return -1;
    while (logs_active(logs))
        if (loop_turn(loop, -1, err) < 0)
            return -1;
    return EXIT_DONE;
}

int logs_of_container(const struct daemon *daemon, const char *name, const struct log_query *query, struct err *err)
{
    struct single single = {0};
    const char *query_end;
    if (query->json)
        return print_lines(daemon, name, query, err);
    if (query_text(query, 0, daemon->arena, &query_end, err) < 0 || has_terminal(daemon, name, &single.tty, err) < 0)
        return -1;
    const struct daemon_stream stream = {
        .method = HTTP_METHOD_GET,
        .target = arena_printf(daemon->arena, "/containers/%s/logs%s", daemon_encode(daemon, name), query_end),
        .upload_fd = -1,
        .bytes = take_single,
        .data = &single,
    };
    return daemon_follow(daemon, &stream, err) < 0 ? -1 : EXIT_DONE;
}
