#include "image/work.h"

#include "sys/files.h"

#include <stdarg.h>
#include <unistd.h>

#define LINE_MAX_SIZE ((size_t)64 * 1024)

const char *work_text(const struct work *work, const char *key)
{
    return json_get_text(work->request, key);
}

int work_need_text(const struct work *work, const char *key, const char **ret, struct err *err)
{
    *ret = work_text(work, key);
    return *ret ? 0 : err_set(err, ERR_INVALID, "the request of %s lacks the text \"%s\"", work->job, key);
}

int64_t work_int(const struct work *work, const char *key, int64_t otherwise)
{
    return json_as_int(json_get(work->request, key), otherwise);
}

/* One line, one write. Nobody listens any more: the job has lost its purpose. */
static void send_line(struct buf *line)
{
    buf_addc(line, '\n');
    if (!buf_failed(line) && file_write_all(STDOUT_FILENO, line->data, line->size) < 0)
        _exit(1);
}

void work_progress(const char *id, const char *status, int64_t current, int64_t total)
{
    struct buf line cleanup(buf_done) = BUF(LINE_MAX_SIZE);
    struct json_out out = {.buf = &line};
    json_put_object(&out);
    json_key(&out, "progress");
    json_put_object(&out);
    if (id)
        json_key_string(&out, "id", id);
    json_key_string(&out, "status", status);
    if (current > 0 || total > 0)
        json_key_int(&out, "current", current);
    if (total > 0)
        json_key_int(&out, "total", total);
    json_put_object_end(&out);
    json_put_object_end(&out);
    send_line(&line);
}

void work_warning(const char *format, ...)
{
    struct buf text cleanup(buf_done) = BUF(LINE_MAX_SIZE / 8);
    struct buf line cleanup(buf_done) = BUF(LINE_MAX_SIZE);
    struct json_out out = {.buf = &line};
    va_list args;
    va_start(args, format);
    buf_vprintf(&text, format, args);
    va_end(args);
    json_put_object(&out);
    json_key_string(&out, "warning", buf_str(&text));
    json_put_object_end(&out);
    send_line(&line);
}

struct json_out *work_result(struct work *work)
{
    return &work->out;
}
