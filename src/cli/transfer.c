#include "cli/transfer.h"

#include "base/str.h"
#include "cli/human.h"
#include "cli/print.h"
#include "cli/progress.h"
#include "codec/reference.h"
#include "http/uri.h"

#define UPLOAD "Sending"

struct transfer {
    enum transfer_output output;
    struct progress progress;
    struct arena *arena;
    const char *last;
    int64_t sent, size;
};

static void transfer_done(struct transfer *transfer)
{
    progress_done(&transfer->progress);
}

static enum progress_state state_of(const char *status)
{
    static const char *const done[] = {"Pull complete", "Already exists", "Download complete", "Loaded", NULL};
    static const char *const waiting[] = {"Waiting", "Pulling fs layer", NULL};
    return str_in(status, done) ? PROGRESS_DONE : str_in(status, waiting) ? PROGRESS_WAITING : PROGRESS_WORKING;
}

/* One line of the answer. {"error": …} can come after much that went well. */
static int take_line(void *data, const json_value *line, struct err *err)
{
    struct transfer *transfer = data;
    const char *error = json_get_text(line, "error"), *status = json_get_text(line, "status");
    const char *id = json_get_text(line, "id"), *stream = json_get_text(line, "stream");
    const json_value *detail = json_get(line, "progressDetail");
    if (transfer->output == TRANSFER_JSON)
        print_json_line(line);
    if (error)
        return err_set(err, ERR_UNAVAILABLE, "%s", error);
    const char *text = status ? status : stream;
    if (!text)
        return 0;
    transfer->last = str_trim(arena_strdup(transfer->arena, text));
    if (transfer->output != TRANSFER_PROGRESS)
        return 0;
    if (id && !str_starts(text, "Pulling from"))
        progress_update(&transfer->progress, id, state_of(text), text, json_as_int(json_get(detail, "current"), 0),
                        json_as_int(json_get(detail, "total"), 0));
    else
        progress_print(&transfer->progress, transfer->last);
    return 0;
}

int transfer_pull(const struct daemon *daemon, const char *reference, const char *platform, enum transfer_output output,
                  struct err *err)
{
    struct transfer transfer cleanup(transfer_done) = {.output = output, .arena = daemon->arena};
    struct buf target cleanup(buf_done) = BUF(4096);
    struct reference parsed;
    char name[REFERENCE_MAX];
    if (reference_parse(reference, &parsed, err) < 0)
        return -1;
    progress_init(&transfer.progress, stderr);
    reference_familiar_name(&parsed, name);
    buf_adds(&target, "/images/create");
    http_query_add(&target, "fromImage", name);
    http_query_add(&target, "tag", parsed.digest[0] ? parsed.digest : parsed.tag[0] ? parsed.tag : "latest");
    http_query_add(&target, "platform", platform);
    const struct daemon_stream stream = {
        .method = HTTP_METHOD_POST,
        .target = buf_str(&target),
        .upload_fd = -1,
        .line = take_line,
        .data = &transfer,
    };
    if (daemon_follow(daemon, &stream, err) < 0)
        return err_wrap(err, "cannot pull %s", reference);
    return 0;
}

static void note_sent(void *data, size_t size)
{
    struct transfer *transfer = data;
    char text[32], sent[SIZE_TEXT_MAX];
    transfer->sent += (int64_t)size;
    if (transfer->output != TRANSFER_PROGRESS || !transfer->progress.terminal)
        return;
    size_text(transfer->sent, sent);
    (void)snprintf(text, sizeof(text), transfer->size ? UPLOAD : UPLOAD " %s", sent);
    progress_update(&transfer->progress, "archive", size ? PROGRESS_WORKING : PROGRESS_DONE, size ? text : "Sent",
                    transfer->sent, transfer->size);
}

int transfer_upload(const struct daemon *daemon, const char *target, int fd, int64_t size, enum transfer_output output,
                    const char **ret_last, struct err *err)
{
    struct transfer transfer cleanup(transfer_done) = {.output = output, .arena = daemon->arena, .size = size};
    progress_init(&transfer.progress, stderr);
    const struct daemon_stream stream = {
        .method = HTTP_METHOD_POST,
        .target = target,
        .content_type = "application/x-tar",
        .upload_fd = fd,
        .uploaded = note_sent,
        .line = take_line,
        .data = &transfer,
    };
    if (daemon_follow(daemon, &stream, err) < 0)
        return -1;
    if (ret_last)
        *ret_last = transfer.last ? transfer.last : "";
    return 0;
}
