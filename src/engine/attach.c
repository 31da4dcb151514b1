/*
 * Attaching to a container: its output comes from the logger, its input goes to its FIFO; with a terminal, the logger
 * and a relay share the pty's master.
 */
#include "engine/private.h"

#include "engine/streams.h"

#include "base/log.h"
#include "http/relay.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>

/* An attachment that waits for its container's terminal, or feeds it. */
struct attachment {
    struct list link;
    int output;          /* for the logger; -1 when it has it */
    int input;           /* from the client, for the terminal */
    struct relay *relay; /* input → terminal */
};

static void attachment_free(struct attachment *attachment)
{
    list_remove(&attachment->link);
    closep(&attachment->output);
    closep(&attachment->input);
    relay_free(attachment->relay);
    free(attachment);
}

static void relay_ended(void *data)
{
    attachment_free(data);
}

static int attach_at_logger(struct container *c, uint32_t streams, int fd, struct err *err)
{
    if (!c->engine->logger)
        return err_set(err, ERR_UNAVAILABLE, "the logger is being started: try again");
    return logger_client_attach(c->engine->logger, c->id, streams, fd, NULL, NULL, err) < 0 ? -1 : 0;
}

/* The terminal is there: both directions begin. */
static void attachment_begin(struct container *c, struct attachment *attachment)
{
    struct err err;
    if (attachment->output >= 0) {
        if (attach_at_logger(c, LOGGER_STDOUT, attachment->output, &err) < 0)
            log_warning("container %.12s: %s", c->id, err.message);
        close_fd(&attachment->output);
    }
    if (attachment->input >= 0) {
        struct relay_options options = {
            .loop = c->engine->config.loop,
            .user = {.in = take_fd(&attachment->input), .out = -1},
            .process = {.in = -1, .err = -1, .out = fcntl(c->private->terminal, F_DUPFD_CLOEXEC, 0)},
            .ended = relay_ended,
            .data = attachment,
        };
        attachment->relay = relay_new(&options);
        return;
    }
    attachment_free(attachment);
}

static int attach_terminal(struct container *c, struct container_attach_options options, int *ret_input,
                           int *ret_output, struct err *err)
{
    int in[2] = {-1, -1}, out[2] = {-1, -1};
    if ((options.stdin_ && pipe2(in, O_CLOEXEC | O_NONBLOCK) < 0) ||
        (options.stdout_ && pipe2(out, O_CLOEXEC | O_NONBLOCK) < 0)) {
        closep(&in[0]);
        closep(&in[1]);
        return err_errno(err, errno, "cannot attach");
    }
    struct attachment *attachment = NEW(struct attachment);
    attachment->input = in[0];
    attachment->output = out[1];
    *ret_input = in[1];
    *ret_output = out[0];
    list_push(&c->private->attachments, &attachment->link);
    if (c->private->terminal >= 0)
        attachment_begin(c, attachment);
    return 0;
}

static int attach_output(struct container *c, struct container_attach_options options, int *ret_output, struct err *err)
{
    uint32_t streams = (options.stdout_ ? LOGGER_STDOUT : 0) | (options.stderr_ ? LOGGER_STDERR : 0);
    int out[2];
    if (!streams || !c->private->logged)
        return 0;
    if (pipe2(out, O_CLOEXEC | O_NONBLOCK) < 0)
        return err_errno(err, errno, "cannot attach");
    cleanup_fd int reader = out[0], writer = out[1];
    if (attach_at_logger(c, streams, writer, err) < 0)
        return -1;
    *ret_output = take_fd(&reader);
    return 0;
}

int container_attach(struct container *c, struct container_attach_options options, int *ret_input, int *ret_output,
                     struct err *err)
{
    *ret_input = *ret_output = -1;
    if (c->state.status == CONTAINER_PAUSED)
        return err_set(err, ERR_CONFLICT, "container %s is paused, unpause the container before attach", c->name);
    if (!container_is_running(c) && streams_prepare(c, err) < 0)
        return -1;
    if (c->outline.tty)
        return attach_terminal(c, options, ret_input, ret_output, err);
    if (attach_output(c, options, ret_output, err) < 0)
        return -1;
    return options.stdin_ ? streams_give_input(c, ret_input, err) : 0;
}

void attachments_begin(struct container *c)
{
    struct attachment *attachment;
    list_foreach (attachment, &c->private->attachments, link)
        attachment_begin(c, attachment);
}

void attachments_end(struct container *c)
{
    struct attachment *attachment;
    list_foreach (attachment, &c->private->attachments, link)
        attachment_free(attachment);
}

int container_resize(struct container *c, int rows, int columns, struct err *err)
{
    struct winsize size = {.ws_row = (unsigned short)rows, .ws_col = (unsigned short)columns};
    if (!container_is_running(c))
        return err_set(err, ERR_CONFLICT, "container %s is not running", c->name);
    if (c->private->terminal < 0)
        return err_set(err, ERR_CONFLICT, "container %s has no terminal", c->name);
    return ioctl(c->private->terminal, TIOCSWINSZ, &size) < 0 ? err_errno(err, errno, "cannot resize the terminal") : 0;
}
