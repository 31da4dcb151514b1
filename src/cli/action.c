#include "cli/action.h"

#include "base/str.h"
#include "cli/print.h"
#include "cli/progress.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

/* How a kind of step is called, and what is said of it; the kinds are docs/API.md's. */
static const struct step_words {
    const char *kind, *noun, *begun, *done;
} step_words[] = {
    {"pull", "Image", "Pulling", "Pulled"},
    {"create network", "Network", "Creating", "Created"},
    {"create volume", "Volume", "Creating", "Created"},
    {"create", "Container", "Creating", "Created"},
    {"start", "Container", "Starting", "Started"},
    {"wait", "Container", "Waiting", "Healthy"},
    {"stop", "Container", "Stopping", "Stopped"},
    {"remove", "Container", "Removing", "Removed"},
    {"remove network", "Network", "Removing", "Removed"},
    {"remove volume", "Volume", "Removing", "Removed"},
};

struct follow {
    const struct daemon *daemon;
    const struct action_view *view;
    const char *id;
    struct progress progress;
    struct signal_watch interrupt;
    int interrupts;
    bool ended, failed, cancelled;
    struct err failure;
};

static void follow_done(struct follow *follow)
{
    signal_watch_remove(&follow->interrupt);
    progress_done(&follow->progress);
}

static const struct step_words *words_of(const char *kind)
{
    for (size_t i = 0; i < ARRAY_SIZE(step_words); i++)
        if (str_same(step_words[i].kind, kind))
            return &step_words[i];
    return NULL;
}

static const char *text_of(const char *text)
{
    return text ? text : "";
}

static void show_step(struct follow *follow, const json_value *step, const char *status, const char *error)
{
    struct arena *arena = follow->daemon->arena;
    const struct step_words *words = words_of(json_get_text(step, "kind"));
    const char *name = text_of(json_get_text(step, "name"));
    const char *label = arena_printf(arena, "%s %s", words ? words->noun : "Step", name);
    if (str_same(status, "failed"))
        progress_update(&follow->progress, label, PROGRESS_FAILED, arena_printf(arena, "Failed: %s", text_of(error)), 0,
                        0);
    else if (str_same(status, "waiting"))
        progress_update(&follow->progress, label, PROGRESS_WAITING, text_of(json_get_text(step, "reason")), 0, 0);
    else if (str_same(status, "done"))
        progress_update(&follow->progress, label, PROGRESS_DONE, words ? words->done : "Done", 0, 0);
    else
        progress_update(&follow->progress, label, PROGRESS_WORKING, words ? words->begun : "Begun", 0, 0);
}

static void show_progress(struct follow *follow, const json_value *progress)
{
    const char *id = json_get_text(progress, "id"), *image = json_get_text(progress, "image");
    const char *status = text_of(json_get_text(progress, "status"));
    bool done = str_in(status, (const char *const[]){"Pull complete", "Already exists", NULL});
    progress_update(&follow->progress, str_empty(id) ? text_of(image) : id, done ? PROGRESS_DONE : PROGRESS_WORKING,
                    status, json_as_int(json_get(progress, "current"), 0), json_as_int(json_get(progress, "total"), 0));
}

static void take_end(struct follow *follow, const char *status, const char *error)
{
    follow->ended = true;
    follow->cancelled = str_eq(status, "cancelled");
    follow->failed = !str_eq(status, "done");
    if (follow->cancelled)
        err_set(&follow->failure, ERR_CANCELLED, "cancelled; what was done stays as it is");
    else if (follow->failed)
        err_set(&follow->failure, ERR_CONFLICT, "%s", str_empty(error) ? "the action failed" : error);
}

static int take_event(void *data, const json_value *event, struct err *err)
{
    struct follow *follow = data;
    const json_value *step = json_get(event, "step"), *progress = json_get(event, "progress");
    const char *warning = json_get_text(event, "warning"), *status = json_get_text(event, "status");
    const char *error = json_get_text(event, "error");
    bool shown = !follow->view->json && !follow->view->quiet;
    if (follow->view->json)
        print_json_line(event);
    if (step && shown)
        show_step(follow, step, status, error);
    else if (progress && shown)
        show_progress(follow, progress);
    else if (warning && shown)
        progress_print(&follow->progress, arena_printf(follow->daemon->arena, "warning: %s", warning));
    else if (!step && !progress && !warning && status)
        take_end(follow, status, error);
    return 0;
}

static void interrupted(struct signal_watch *watch, const struct signalfd_siginfo *info)
{
    struct follow *follow = container_of(watch, struct follow, interrupt);
    struct err ignored; /* it may have ended just now */
    const char *target = arena_printf(follow->daemon->arena, "/shoal/v1/actions/%s/cancel", follow->id);
    if (follow->interrupts++)
        _exit(EXIT_CANCELLED);
    if (!follow->view->quiet && !follow->view->json)
        progress_print(&follow->progress, "cancelling; once more leaves it to itself");
    (void)daemon_post(follow->daemon, target, NULL, NULL, &ignored);
}

static int follow_action(const struct daemon *daemon, const char *id, const struct action_view *view, struct err *err)
{
    struct loop *loop cleanup(loop_freep) = loop_new(err);
    struct follow follow cleanup(follow_done) = {.daemon = daemon, .view = view, .id = id};
    const struct daemon_stream stream = {
        .method = HTTP_METHOD_GET,
        .target = arena_printf(daemon->arena, "/shoal/v1/actions/%s/events", id),
        .upload_fd = -1,
        .line = take_event,
        .data = &follow,
        .loop = loop,
    };
    progress_init(&follow.progress, stderr);
    follow.interrupt.arrived = interrupted;
    if (!loop || signal_watch_add(&follow.interrupt, loop, SIGINT, err) < 0 || daemon_follow(daemon, &stream, err) < 0)
        return -1;
    if (!follow.ended)
        return err_set(err, ERR_UNAVAILABLE, "the daemon ended; the action goes on when it is back: %s", id);
    if (follow.failed)
        *err = follow.failure;
    return follow.failed ? -1 : EXIT_DONE;
}

int action_run(const struct daemon *daemon, enum http_method method, const char *target, const struct buf *body,
               const struct action_view *view, struct err *err)
{
    json_value *answer cleanup(json_freep) = NULL;
    if (daemon_call(daemon, method, target, body, &answer, err) < 0)
        return -1;
    const char *id = json_get_text(answer, "action");
    if (!id)
        return err_set(err, ERR_INTERNAL, "the daemon began an action without an ID");
    return follow_action(daemon, arena_strdup(daemon->arena, id), view, err);
}
