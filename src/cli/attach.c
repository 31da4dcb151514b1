#include "cli/attach.h"

#include "base/mem.h"
#include "base/str.h"
#include "cli/stream.h"
#include "cli/terminal.h"
#include "http/relay.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const int passed_on[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2};

struct passed_signal {
    struct signal_watch watch;
    struct attach *attach;
};

struct attach {
    struct attach_options options;
    struct loop *loop;
    struct http_call *call;
    struct relay *relay;
    struct stream stream;
    struct signal_watch resized;
    struct passed_signal signals[ARRAY_SIZE(passed_on)];
    int fd;
    struct buf early;
    bool over;
    bool failed;
    struct err err;
};

static void fail(struct attach *attach, const struct err *err)
{
    if (!attach->failed)
        attach->err = *err;
    attach->failed = true;
    attach->over = true;
}

/* --- Asking for the streams */

static void hijacked(struct http_call *call, int fd, struct buf *early)
{
    struct attach *attach = http_call_data(call);
    attach->fd = fd;
    buf_add(&attach->early, early->data, early->size);
}

static void refused(struct http_call *call, const struct err *failure)
{
    struct err err;
    if (!failure)
        http_response_error(http_call_head(call)->status, http_call_body(call), &err);
    fail(http_call_data(call), failure ? failure : &err);
}

int attach_open(const struct attach_options *options, struct attach **ret, struct err *err)
{
    static const struct http_call_ops ops = {.hijacked = hijacked, .done = refused};
    struct attach *attach cleanup(attach_freep) = NEW(struct attach);
    attach->options = *options;
    attach->fd = -1;
    attach->early = BUF(1 << 20);
    attach->loop = loop_new(err);
    const struct http_call_options call = {
        .loop = attach->loop,
        .address = &options->daemon->address,
        .method = HTTP_METHOD_POST,
        .target = options->target,
        .body = options->body ? options->body->data : NULL,
        .body_size = options->body ? options->body->size : 0,
        .hijack = true,
        .ops = &ops,
        .data = attach,
    };
    if (!attach->loop || http_call_start(&call, &attach->call, err) < 0)
        return -1;
    while (attach->fd < 0 && !attach->over)
        if (loop_turn(attach->loop, -1, err) < 0)
            return -1;
    if (attach->failed) {
        *err = attach->err;
        return -1;
    }
    *ret = TAKE(attach);
    return 0;
}

struct loop *attach_loop(struct attach *attach)
{
    return attach->loop;
}

/* --- Signals */

void attach_resize(struct attach *attach)
{
    struct err ignored; /* it may be over by now, and a terminal of another size does no harm */
    char target[512];
    int rows, columns;
    if (!attach->options.tty || !attach->options.resize || !terminal_size(STDOUT_FILENO, &rows, &columns) ||
        rows == 0 || columns == 0)
        return;
    (void)snprintf(target, sizeof(target), "%s?h=%d&w=%d", attach->options.resize, rows, columns);
    (void)daemon_post(attach->options.daemon, target, NULL, NULL, &ignored);
}

static void size_changed(struct signal_watch *watch, const struct signalfd_siginfo *info)
{
    attach_resize(container_of(watch, struct attach, resized));
}

static void signal_arrived(struct signal_watch *watch, const struct signalfd_siginfo *info)
{
    struct attach *attach = container_of(watch, struct passed_signal, watch)->attach;
    struct err ignored;
    char target[512];
    int signo = (int)info->ssi_signo;
    if (!attach->options.kill) {
        terminal_restore();
        _exit(128 + signo);
    }
    (void)snprintf(target, sizeof(target), "%s?signal=%d", attach->options.kill, signo);
    (void)daemon_post(attach->options.daemon, target, NULL, NULL, &ignored);
}

static int watch_signals(struct attach *attach, struct err *err)
{
    attach->resized.arrived = size_changed;
    if (attach->options.tty && signal_watch_add(&attach->resized, attach->loop, SIGWINCH, err) < 0)
        return -1;
    for (size_t i = 0; i < ARRAY_SIZE(passed_on); i++) {
        struct passed_signal *signal = &attach->signals[i];
        signal->attach = attach;
        signal->watch.arrived = signal_arrived;
        if (signal_watch_add(&signal->watch, attach->loop, passed_on[i], err) < 0)
            return -1;
    }
    return 0;
}

/* --- Relaying */

static void show(void *data, int fd, const char *bytes, size_t size)
{
    stream_write(fd, bytes, size);
}

static void take_output(void *data, const char *bytes, size_t size)
{
    struct attach *attach = data;
    struct err err;
    if (attach->options.tty)
        show(attach, STDOUT_FILENO, bytes, size);
    else if (stream_feed(&attach->stream, bytes, size, show, attach, &err) < 0)
        fail(attach, &err);
}

static void ended(void *data)
{
    struct attach *attach = data;
    attach->over = true;
}

int attach_run(struct attach *attach, struct err *err)
{
    bool raw = attach->options.tty && attach->options.input && isatty(STDIN_FILENO);
    if (watch_signals(attach, err) < 0 || (raw && terminal_raw(STDIN_FILENO, err) < 0))
        return -1;
    take_output(attach, buf_str(&attach->early), attach->early.size);
    int fd = take_fd(&attach->fd);
    attach->relay = relay_new(&(struct relay_options){
        .loop = attach->loop,
        .user = {.in = attach->options.input ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3) : -1, .out = -1},
        .process = {.in = fd, .out = fd, .err = -1},
        .until_process_ends = true,
        .output = take_output,
        .ended = ended,
        .data = attach,
    });
    int result = 0;
    while (!attach->over && result == 0)
        result = loop_turn(attach->loop, -1, err);
    terminal_restore();
    if (result == 0 && attach->failed) {
        *err = attach->err;
        result = -1;
    }
    return result;
}

void attach_free(struct attach *attach)
{
    if (!attach)
        return;
    signal_watch_remove(&attach->resized);
    for (size_t i = 0; i < ARRAY_SIZE(passed_on); i++)
        signal_watch_remove(&attach->signals[i].watch);
    relay_free(attach->relay);
    http_call_free(attach->call);
    close_fd(&attach->fd);
    buf_done(&attach->early);
    loop_free(attach->loop);
    free(attach);
}
