#include "api/transfer.h"

#include "api/image_json.h"
#include "base/mem.h"
#include "base/str.h"
#include "codec/json.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#define LINE_MAX_SIZE (64 * 1024)

struct transfer {
    struct api *api;
    struct http_request *request;
    struct image_job *job;
    const char *action;
    char *name; /* owned; NULL */
    int body;   /* the reading end of the pipe that the request's body goes into; -1 */
    bool quiet;
    bool streaming; /* the answer has begun */
};

static void transfer_free(struct transfer *transfer)
{
    transfer->request->over = NULL;
    close_fd(&transfer->body);
    free(transfer->name);
    free(transfer);
}

static void client_gone(struct http_request *request, bool gone)
{
    struct transfer *transfer = request->data;
    image_job_cancel(transfer->job);
    transfer_free(transfer);
}

/* --- Lines */

static void send_line(struct transfer *transfer, struct buf *line)
{
    buf_adds(line, "\r\n");
    if (!transfer->streaming)
        http_stream_start(transfer->request, 200, "application/json");
    transfer->streaming = true;
    if (!buf_failed(line))
        http_stream_write(transfer->request, line->data, line->size);
}

/* {"KEY":"text"} */
static void send_text(struct transfer *transfer, const char *key, const char *text)
{
    struct buf line cleanup(buf_done) = BUF(LINE_MAX_SIZE);
    struct json_out out = {.buf = &line};
    json_put_object(&out);
    json_key_string(&out, key, text);
    json_put_object_end(&out);
    send_line(transfer, &line);
}

static void send_error(struct transfer *transfer, const struct err *err)
{
    struct buf line cleanup(buf_done) = BUF(LINE_MAX_SIZE);
    struct json_out out = {.buf = &line};
    json_put_object(&out);
    json_key(&out, "errorDetail");
    json_put_object(&out);
    json_key_string(&out, "message", err->message);
    json_put_object_end(&out);
    json_key_string(&out, "error", err->message);
    json_put_object_end(&out);
    send_line(transfer, &line);
}

static void progress(void *data, const struct image_progress *progress)
{
    struct transfer *transfer = data;
    struct buf line cleanup(buf_done) = BUF(LINE_MAX_SIZE);
    struct json_out out = {.buf = &line};
    if (transfer->quiet)
        return;
    json_put_object(&out);
    json_key_string(&out, "status", progress->status ? progress->status : "");
    if (progress->current || progress->total || progress->id) {
        json_key(&out, "progressDetail");
        json_put_object(&out);
        if (progress->current || progress->total)
            json_key_int(&out, "current", progress->current);
        if (progress->total)
            json_key_int(&out, "total", progress->total);
        json_put_object_end(&out);
    }
    if (progress->id)
        json_key_string(&out, "id", progress->id);
    json_put_object_end(&out);
    send_line(transfer, &line);
}

/* --- The end */

static void tell_loaded(struct transfer *transfer, const struct image *image, const struct strings *names)
{
    char text[512];
    if (names)
        vec_foreach (name, names) {
            (void)snprintf(text, sizeof(text), "Loaded image: %s\n", *name);
            send_text(transfer, "stream", text);
        }
    if (!names || !names->count) {
        (void)snprintf(text, sizeof(text), "Loaded image ID: %s\n", image ? image->id : "");
        send_text(transfer, "stream", text);
    }
}

static void tell_success(struct transfer *transfer, const struct image *image, const struct strings *names)
{
    const char *id = image ? image->id : "";
    if (str_eq(transfer->action, "load"))
        tell_loaded(transfer, image, names);
    else if (str_eq(transfer->action, "import"))
        send_text(transfer, "status", id);
    image_emit(transfer->api, transfer->action, id, transfer->name ? transfer->name : id);
}

static void done(void *data, struct image *image, const struct strings *names, const struct err *err)
{
    struct transfer *transfer = data;
    struct http_request *request = transfer->request;
    if (err && !transfer->streaming) {
        transfer_free(transfer);
        http_reply_err(request, err);
        return;
    }
    if (err)
        send_error(transfer, err);
    else
        tell_success(transfer, image, names);
    if (!transfer->streaming)
        http_stream_start(request, 200, "application/json");
    transfer_free(transfer);
    http_stream_end(request);
}

const struct image_job_ops transfer_ops = {.progress = progress, .done = done};

/* --- The beginning */

struct transfer *transfer_new(struct api *api, struct http_request *request)
{
    struct transfer *transfer = NEW(struct transfer);
    transfer->api = api;
    transfer->request = request;
    transfer->body = -1;
    return transfer;
}

void transfer_name(struct transfer *transfer, const char *action, const char *name)
{
    transfer->action = action;
    transfer->name = name ? mem_strdup(name) : NULL;
}

void transfer_quiet(struct transfer *transfer)
{
    transfer->quiet = true;
}

/* The body is in the pipe, or the job has closed it: its own end tells which. */
static void body_sent(struct http_request *request, struct err *failure)
{
}

int transfer_body(struct transfer *transfer, struct err *err)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return err_errno(err, errno, "a pipe for the request's body");
    transfer->body = ends[0];
    http_body_to_fd(transfer->request, ends[1], body_sent);
    return ends[0];
}

int transfer_run(struct transfer *transfer, struct image_job *job)
{
    if (!job) {
        transfer_free(transfer);
        return -1;
    }
    transfer->job = job;
    transfer->request->data = transfer;
    transfer->request->over = client_gone;
    return 0;
}
