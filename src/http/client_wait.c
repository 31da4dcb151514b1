/* Calls of programs that have nothing else to do. */
#include "codec/json.h"
#include "http/client.h"
#include "http/status.h"

struct wait {
    bool over;
    bool failed;
    struct err failure;
};

static void done(struct http_call *call, const struct err *failure)
{
    struct wait *wait = http_call_data(call);
    wait->over = true;
    wait->failed = failure != NULL;
    if (failure)
        wait->failure = *failure;
}

int http_response_error(int status, const struct buf *body, struct err *err)
{
    struct err ignored;
    json_value *value cleanup(json_freep) = json_parse(buf_str(body), body->size, "the answer", &ignored);
    const char *message = json_get_text(value, "message");
    enum err_kind kind = http_error_kind(status, json_get_text(value, "kind"));
    if (message)
        return err_set(err, kind, "%s", message);
    return err_set(err, kind, "the daemon answered %d %s", status, http_status_phrase(status));
}

void http_response_done(struct http_response *response)
{
    buf_done(&response->body);
}

int http_call_wait(const struct http_call_options *options, struct http_response *ret, struct err *err)
{
    static const struct http_call_ops ops = {.done = done};
    struct loop *loop cleanup(loop_freep) = loop_new(err);
    if (!loop)
        return -1;
    struct wait wait = {0};
    struct http_call_options mine = *options;
    mine.loop = loop;
    mine.ops = &ops;
    mine.data = &wait;
    struct http_call *call cleanup(http_call_freep) = NULL;
    if (http_call_start(&mine, &call, err) < 0)
        return -1;
    while (!wait.over)
        if (loop_turn(loop, -1, err) < 0)
            return -1;
    if (wait.failed) {
        *err = wait.failure;
        return -1;
    }
    int status = http_call_head(call)->status;
    if (status >= 400)
        return http_response_error(status, http_call_body(call), err);
    ret->status = status;
    ret->body = BUF(http_call_body(call)->max);
    buf_add(&ret->body, http_call_body(call)->data, http_call_body(call)->size);
    return 0;
}
