#include "cli/daemon.h"

#include "base/str.h"
#include "http/uri.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define DEFAULT_HOST "unix:///run/shoal/shoal.sock"
#define DEFAULT_PORT "2375"
#define LINE_MAX_    ((size_t)16 * 1024 * 1024)
#define ERROR_MAX    ((size_t)64 * 1024)

int daemon_find(struct cli *cli, struct daemon *ret, struct err *err)
{
    const char *host = cli->globals.host ? cli->globals.host : getenv("DOCKER_HOST");
    ret->arena = &cli->arena;
    return http_address_parse(str_empty(host) ? DEFAULT_HOST : host, DEFAULT_PORT, &ret->address, err);
}

const char *daemon_encode(const struct daemon *daemon, const char *name)
{
    struct buf text cleanup(buf_done) = BUF(3 * strlen(name) + 1);
    http_path_encode(&text, name);
    return arena_strdup(daemon->arena, buf_str(&text));
}

int daemon_call(const struct daemon *daemon, enum http_method method, const char *target, const struct buf *body,
                json_value **ret, struct err *err)
{
    struct http_response response cleanup(http_response_done) = {0};
    const struct http_call_options options = {
        .address = &daemon->address,
        .method = method,
        .target = target,
        .body = body ? body->data : NULL,
        .body_size = body ? body->size : 0,
    };
    if (ret)
        *ret = NULL;
    if (http_call_wait(&options, &response, err) < 0)
        return -1;
    if (ret && response.body.size) {
        *ret = json_parse(response.body.data, response.body.size, "the daemon's answer", err);
        if (!*ret)
            return -1;
    }
    return response.status;
}

int daemon_get(const struct daemon *daemon, const char *target, json_value **ret, struct err *err)
{
    return daemon_call(daemon, HTTP_METHOD_GET, target, NULL, ret, err);
}

int daemon_post(const struct daemon *daemon, const char *target, const struct buf *body, json_value **ret,
                struct err *err)
{
    return daemon_call(daemon, HTTP_METHOD_POST, target, body, ret, err);
}

/* --- Streams */

struct follow {
    const struct daemon_stream *stream;
    struct buf text; /* of a line that is not whole, or of an error's answer */
    bool over;
    bool failed;
    struct err err;
};

static void follow_done(struct follow *follow)
{
    buf_done(&follow->text);
}

static void fail(struct follow *follow, const struct err *err)
{
    if (!follow->failed)
        follow->err = *err;
    follow->failed = true;
    follow->over = true;
}

static void take_line(struct follow *follow, const char *text, size_t size)
{
    struct err err;
    json_value *value cleanup(json_freep) = NULL;
    if (size == 0 || (size == 1 && *text == '\r'))
        return;
    value = json_parse(text, size, "the daemon's answer", &err);
    if (!value || follow->stream->line(follow->stream->data, value, &err) < 0)
        fail(follow, &err);
}

static void take_lines(struct follow *follow, const char *bytes, size_t size)
{
    buf_add(&follow->text, bytes, size);
    size_t start = 0;
    char *end;
    while (!follow->over && start < follow->text.size &&
           (end = memchr(follow->text.data + start, '\n', follow->text.size - start))) {
        take_line(follow, follow->text.data + start, (size_t)(end - follow->text.data) - start);
        start = (size_t)(end - follow->text.data) + 1;
    }
    buf_consume(&follow->text, start);
    struct err err;
    if (buf_failed(&follow->text)) {
        err_set(&err, ERR_LIMIT, "the daemon sent a line longer than %zu bytes", follow->text.max);
        fail(follow, &err);
    }
}

static void take_body(struct http_call *call, const char *bytes, size_t size)
{
    struct follow *follow = http_call_data(call);
    struct err err;
    if (follow->over)
        return;
    if (http_call_head(call)->status >= 400)
        buf_add(&follow->text, bytes, size < ERROR_MAX - follow->text.size ? size : ERROR_MAX - follow->text.size);
    else if (follow->stream->line)
        take_lines(follow, bytes, size);
    else if (follow->stream->bytes(follow->stream->data, bytes, size, &err) < 0)
        fail(follow, &err);
}

static ssize_t upload(struct http_call *call, char *bytes, size_t size, struct err *err)
{
    const struct follow *follow = http_call_data(call);
    const struct daemon_stream *stream = follow->stream;
    ssize_t n = read(stream->upload_fd, bytes, size);
    if (n < 0)
        return err_errno(err, errno, "cannot read what is to be sent");
    if (stream->uploaded)
        stream->uploaded(stream->data, (size_t)n);
    return n > 0 ? n : -1;
}

static void done(struct http_call *call, const struct err *failure)
{
    struct follow *follow = http_call_data(call);
    struct err err;
    if (failure) {
        fail(follow, failure);
    } else if (http_call_head(call)->status >= 400) {
        http_response_error(http_call_head(call)->status, &follow->text, &err);
        fail(follow, &err);
    } else if (follow->stream->line) {
        take_line(follow, buf_str(&follow->text), follow->text.size);
    }
    follow->over = true;
}

int daemon_follow(const struct daemon *daemon, const struct daemon_stream *stream, struct err *err)
{
    struct follow follow cleanup(follow_done) = {.stream = stream, .text = BUF(LINE_MAX_)};
    struct loop *own cleanup(loop_freep) = stream->loop ? NULL : loop_new(err);
    struct loop *loop = stream->loop ? stream->loop : own;
    struct http_call *call cleanup(http_call_freep) = NULL;
    const struct http_call_ops ops = {
        .body = take_body, .done = done, .upload = stream->upload_fd >= 0 ? upload : NULL};
    const struct http_call_options options = {
        .loop = loop,
        .address = &daemon->address,
        .method = stream->method,
        .target = stream->target,
        .body = stream->body ? stream->body->data : NULL,
        .body_size = stream->body ? stream->body->size : 0,
        .content_type = stream->content_type,
        .headers = stream->headers,
        .ops = &ops,
        .data = &follow,
    };
    if (!loop || http_call_start(&options, &call, err) < 0)
        return -1;
    while (!follow.over && !(stream->stop && *stream->stop))
        if (loop_turn(loop, -1, err) < 0)
            return -1;
    if (follow.failed)
        *err = follow.err;
    return follow.failed ? -1 : 0;
}
