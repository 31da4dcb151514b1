/* What an action tells, as JSON lines: kept for those who come later, and sent to those who listen. */
#include "cluster/internal.h"

#include "base/str.h"

#define LINE_MAX_SIZE ((size_t)64 * 1024)

static void tell(struct action_private *action, const struct buf *line, bool keep, bool last)
{
    struct action_listener *listener;
    if (keep && action->events.count < ACTION_EVENTS_MAX)
        vec_push(&action->events, mem_strdup(buf_str(line)));
    list_foreach (listener, &action->listeners, link)
        listener->happened(listener, buf_str(line), last);
}

void tell_step(struct action_private *action, const struct step *step, const char *status, const char *error)
{
    struct buf line cleanup(buf_done) = BUF(LINE_MAX_SIZE);
    struct json_out out = {.buf = &line};
    json_put_object(&out);
    json_key(&out, "step");
    json_put_object(&out);
    json_key_string(&out, "kind", step_kind_name(step->kind));
    json_key_string(&out, "name", step->name);
    if (step->service)
        json_key_string(&out, "service", step->service);
    if (step->reason)
        json_key_string(&out, "reason", step->reason);
    json_put_object_end(&out);
    json_key_string(&out, "status", status);
    if (error)
        json_key_string(&out, "error", error);
    json_put_object_end(&out);
    tell(action, &line, true, false);
}

void tell_progress(struct action_private *action, const char *image, const struct image_progress *progress)
{
    struct buf line cleanup(buf_done) = BUF(LINE_MAX_SIZE);
    struct json_out out = {.buf = &line};
    if (list_empty(&action->listeners))
        return;
    json_put_object(&out);
    json_key(&out, "progress");
    json_put_object(&out);
    json_key_string(&out, "image", image);
    if (progress->id)
        json_key_string(&out, "id", progress->id);
    json_key_string(&out, "status", progress->status);
    json_key_int(&out, "current", progress->current);
    json_key_int(&out, "total", progress->total);
    json_put_object_end(&out);
    json_put_object_end(&out);
    tell(action, &line, false, false);
}

void tell_warning(struct action_private *action, const char *text)
{
    struct buf line cleanup(buf_done) = BUF(LINE_MAX_SIZE);
    struct json_out out = {.buf = &line};
    json_put_object(&out);
    json_key_string(&out, "warning", text);
    json_put_object_end(&out);
    tell(action, &line, true, false);
}

static void write_end(const struct action *action, struct buf *line)
{
    struct json_out out = {.buf = line};
    json_put_object(&out);
    json_key_string(&out, "status", action_status_name(action->status));
    if (!str_empty(action->error))
        json_key_string(&out, "error", action->error);
    json_put_object_end(&out);
}

void tell_end(struct action_private *action)
{
    struct buf line cleanup(buf_done) = BUF(LINE_MAX_SIZE);
    write_end(&action->action, &line);
    tell(action, &line, false, true);
}

void action_listen(struct action *action, struct action_listener *listener)
{
    struct action_private *private = action->private;
    vec_foreach (line, &private->events)
        listener->happened(listener, *line, false);
    if (action->status == ACTION_RUNNING) {
        list_push(&private->listeners, &listener->link);
        return;
    }
    struct buf line cleanup(buf_done) = BUF(LINE_MAX_SIZE);
    write_end(action, &line);
    listener->happened(listener, buf_str(&line), true);
}

void action_unlisten(struct action_listener *listener)
{
    list_remove(&listener->link);
}
