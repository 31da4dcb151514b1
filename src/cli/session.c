#include "cli/session.h"

#include "base/str.h"
#include "cli/attach.h"
#include "cli/print.h"
#include "http/uri.h"

#include <time.h>
#include <unistd.h>

#define PAUSE_MS       50
#define DETACHED_TRIES 10  /* pauses in which a container ends whose streams did */
#define EXEC_END_TRIES 200 /* pauses in which an exec does */

int session_check_terminal(bool tty, bool input, struct err *err)
{
    if (tty && input && !isatty(STDIN_FILENO))
        return err_set(err, ERR_INVALID, "--tty with --interactive: standard input is not a terminal; leave one out");
    return 0;
}

static const char *attach_target(const struct daemon *daemon, const char *id, bool input, const char *detach_keys)
{
    struct buf target cleanup(buf_done) = BUF(4096);
    buf_printf(&target, "/containers/%s/attach?stream=1&stdout=1&stderr=1", id);
    http_query_add(&target, "stdin", input ? "1" : NULL);
    http_query_add(&target, "detachKeys", detach_keys);
    return arena_strdup(daemon->arena, buf_str(&target));
}

/* --- Waiting for the end, while the streams are relayed */

struct end {
    bool awaited; /* the daemon has the request: an end from now on is told */
    bool over, failed;
    struct err err;
    int64_t status;
};

static void waiting_began(struct http_call *call)
{
    struct end *end = http_call_data(call);
    end->awaited = true;
}

static void end_came(struct http_call *call, const struct err *failure)
{
    struct end *end = http_call_data(call);
    const struct buf *body = http_call_body(call);
    end->over = true;
    if (failure) {
        end->failed = true;
        end->err = *failure;
        return;
    }
    if (http_call_head(call)->status >= 400) {
        end->failed = http_response_error(http_call_head(call)->status, body, &end->err) < 0;
        return;
    }
    json_value *answer cleanup(json_freep) = json_parse(buf_str(body), body->size, "the daemon's answer", &end->err);
    const char *message = json_get_text(json_get(answer, "Error"), "Message");
    end->status = json_as_int(json_get(answer, "StatusCode"), 0);
    end->failed = !answer || !str_empty(message);
    if (!str_empty(message))
        err_set(&end->err, ERR_INTERNAL, "%s", message);
}

static int start_waiting(const struct daemon *daemon, struct loop *loop, const char *id, bool removed, struct end *end,
                         struct http_call **ret, struct err *err)
{
    static const struct http_call_ops ops = {.head = waiting_began, .done = end_came};
    const struct http_call_options options = {
        .loop = loop,
        .address = &daemon->address,
        .method = HTTP_METHOD_POST,
        .target =
            arena_printf(daemon->arena, "/containers/%s/wait?condition=%s", id, removed ? "removed" : "next-exit"),
        .ops = &ops,
        .data = end,
    };
    if (http_call_start(&options, ret, err) < 0)
        return -1;
    while (!end->awaited && !end->over)
        if (loop_turn(loop, -1, err) < 0)
            return -1;
    return 0;
}

/* Turns the loop until the end came, or for a moment. */
static int wait_for_end(struct attach *attach, const struct end *end, bool a_moment, struct err *err)
{
    for (int i = 0; !end->over && !(a_moment && i == DETACHED_TRIES); i++)
        if (loop_turn(attach_loop(attach), a_moment ? PAUSE_MS : -1, err) < 0)
            return -1;
    return 0;
}

/*
 * The streams are over, and so is the container, or will be in a moment; unless the user pressed the keys that leave a
 * terminal: then it runs on.
 */
static int status_at_end(const struct daemon *daemon, struct attach *attach, const char *id, bool tty, struct end *end,
                         struct err *err)
{
    json_value *container cleanup(json_freep) = NULL;
    const char *target = arena_printf(daemon->arena, "/containers/%s/json", id);
    if (wait_for_end(attach, end, true, err) < 0)
        return -1;
    if (!end->over && tty && daemon_get(daemon, target, &container, err) >= 0 &&
        json_as_bool(json_get(json_get(container, "State"), "Running"), false))
        return EXIT_DONE;
    if (wait_for_end(attach, end, false, err) < 0)
        return -1;
    if (end->failed)
        *err = end->err;
    return end->failed ? -1 : (int)end->status;
}

int session_container(const struct daemon *daemon, const char *id, bool tty, bool input, bool removed,
                      const char *detach_keys, struct err *err)
{
    struct attach *attach cleanup(attach_freep) = NULL;
    struct http_call *wait cleanup(http_call_freep) = NULL;
    struct end end = {0};
    const struct attach_options options = {
        .daemon = daemon,
        .target = attach_target(daemon, id, input, detach_keys),
        .resize = arena_printf(daemon->arena, "/containers/%s/resize", id),
        .kill = tty ? NULL : arena_printf(daemon->arena, "/containers/%s/kill", id),
        .input = input,
        .tty = tty,
    };
    const char *start = arena_printf(daemon->arena, "/containers/%s/start", id);
    if (attach_open(&options, &attach, err) < 0 ||
        start_waiting(daemon, attach_loop(attach), id, removed, &end, &wait, err) < 0 ||
        daemon_post(daemon, start, NULL, NULL, err) < 0)
        return -1;
    attach_resize(attach);
    if (attach_run(attach, err) < 0)
        return -1;
    int status = status_at_end(daemon, attach, id, tty, &end, err);
    http_call_free(TAKE(wait)); /* before the loop it lives on */
    return status;
}

/* --- Commands in containers */

static void put_strings(struct json_out *out, const char *key, char **strings, size_t count)
{
    json_key(out, key);
    json_put_array(out);
    for (size_t i = 0; i < count; i++)
        json_put_string(out, strings[i]);
    json_put_array_end(out);
}

static void exec_body(const struct session_exec *exec, struct buf *body)
{
    struct json_out out = {.buf = body};
    size_t words = 0;
    while (exec->command[words])
        words++;
    json_put_object(&out);
    json_key_bool(&out, "AttachStdin", exec->interactive && !exec->detach);
    json_key_bool(&out, "AttachStdout", !exec->detach);
    json_key_bool(&out, "AttachStderr", !exec->detach);
    json_key_bool(&out, "Tty", exec->tty);
    json_key_bool(&out, "Privileged", exec->privileged);
    put_strings(&out, "Cmd", exec->command, words);
    put_strings(&out, "Env", exec->env.items, exec->env.count);
    if (exec->user)
        json_key_string(&out, "User", exec->user);
    if (exec->workdir)
        json_key_string(&out, "WorkingDir", exec->workdir);
    if (exec->detach_keys)
        json_key_string(&out, "DetachKeys", exec->detach_keys);
    json_put_object_end(&out);
}

static int create_exec(const struct daemon *daemon, const struct session_exec *exec, const char **ret_id,
                       struct err *err)
{
    struct buf body cleanup(buf_done) = BUF(1 << 20);
    json_value *answer cleanup(json_freep) = NULL;
    const char *target = arena_printf(daemon->arena, "/containers/%s/exec", daemon_encode(daemon, exec->container));
    exec_body(exec, &body);
    if (buf_failed(&body))
        return err_set(err, ERR_LIMIT, "the command is longer than 1 MiB");
    if (daemon_post(daemon, target, &body, &answer, err) < 0)
        return -1;
    const char *id = json_get_text(answer, "Id");
    if (!id || strlen(id) >= SESSION_ID_MAX)
        return err_set(err, ERR_INTERNAL, "the daemon made an exec without an ID");
    *ret_id = arena_strdup(daemon->arena, id);
    return 0;
}

/* The exit status of an exec whose output ended; its process can outlive that for a moment. */
static int exec_status(const struct daemon *daemon, const char *id, struct err *err)
{
    const char *target = arena_printf(daemon->arena, "/exec/%s/json", id);
    for (int i = 0; i < EXEC_END_TRIES; i++) {
        json_value *answer cleanup(json_freep) = NULL;
        if (daemon_get(daemon, target, &answer, err) < 0)
            return -1;
        if (!json_as_bool(json_get(answer, "Running"), false))
            return (int)json_as_int(json_get(answer, "ExitCode"), 0);
        (void)nanosleep(&(struct timespec){.tv_nsec = PAUSE_MS * 1000000L}, NULL);
    }
    return EXIT_DONE; /* detached, or its output is closed and it goes on */
}

static int join_exec(const struct daemon *daemon, const struct session_exec *exec, const char *id, struct err *err)
{
    struct attach *attach cleanup(attach_freep) = NULL;
    struct buf body cleanup(buf_done) = BUF(256);
    buf_printf(&body, "{\"Detach\":false,\"Tty\":%s}", exec->tty ? "true" : "false");
    const struct attach_options options = {
        .daemon = daemon,
        .target = arena_printf(daemon->arena, "/exec/%s/start", id),
        .body = &body,
        .resize = arena_printf(daemon->arena, "/exec/%s/resize", id),
        .input = exec->interactive,
        .tty = exec->tty,
    };
    if (attach_open(&options, &attach, err) < 0)
        return -1;
    attach_resize(attach);
    if (attach_run(attach, err) < 0)
        return -1;
    return exec_status(daemon, id, err);
}

int session_run_exec(const struct daemon *daemon, const struct session_exec *exec, struct err *err)
{
    struct buf body cleanup(buf_done) = BUF(256);
    const char *id;
    if (session_check_terminal(exec->tty, exec->interactive && !exec->detach, err) < 0 ||
        create_exec(daemon, exec, &id, err) < 0)
        return -1;
    if (!exec->detach)
        return join_exec(daemon, exec, id, err);
    buf_printf(&body, "{\"Detach\":true,\"Tty\":%s}", exec->tty ? "true" : "false");
    const char *target = arena_printf(daemon->arena, "/exec/%s/start", id);
    return daemon_post(daemon, target, &body, NULL, err) < 0 ? -1 : EXIT_DONE;
}
