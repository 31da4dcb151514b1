#include "http/relay.h"

#include "base/buf.h"
#include "base/mem.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define FRAME_HEADER 8

/* A descriptor, for reading, writing or both. */
struct port {
    struct io io; /* io.fd is -1 where there is none */
    struct relay *relay;
    struct stream *stream; /* that reads here; NULL: only written to */
    struct buf pending;    /* waits to be written here */
    bool is_socket;
    bool no_epoll; /* a file: always ready */
    bool dead;     /* can be written to no more */
    bool finish;   /* to be half-closed when pending is written */
};

/* One way: everything read from `from` goes to `to`. */
struct stream {
    struct port *from;
    struct port *to;
    unsigned char frame; /* 0: as it is */
    bool ended;
};

enum { USER_IN, USER_OUT, PROCESS_IN, PROCESS_ERR, PROCESS_OUT, PORT_COUNT };
enum { INPUT, OUTPUT, ERRORS, STREAM_COUNT };

struct relay {
    struct relay_options options;
    struct port ports[PORT_COUNT];
    struct stream streams[STREAM_COUNT];
    struct timer again; /* for what no epoll tells of; and for the end */
    bool detached;
};

/* --- Writing */

/* Who reads there is gone. The user's end takes the whole relay with it, the process' end only the user's input. */
static void port_die(struct port *port)
{
    port->dead = true;
    buf_reset(&port->pending);
    for (int i = 0; i < STREAM_COUNT; i++)
        if (port->relay->streams[i].to == port)
            port->relay->streams[i].ended = true;
    if (port == port->relay->streams[OUTPUT].to && !port->stream)
        port->relay->streams[INPUT].ended = true;
}

/* Nothing follows what was written: the other end is to see that. */
static void port_half_close(struct port *port)
{
    port->finish = false;
    port->dead = true;
    if (port->is_socket) {
        (void)shutdown(port->io.fd, SHUT_WR);
    } else if (!port->stream) {
        io_remove(&port->io);
        close_fd(&port->io.fd);
    }
}

static ssize_t port_write(struct port *port, const char *bytes, size_t size)
{
    if (port->is_socket)
        return send(port->io.fd, bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT);
    return write(port->io.fd, bytes, size);
}

static void port_flush(struct port *port)
{
    if (port->pending.size && !port->dead) {
        ssize_t n = port_write(port, port->pending.data, port->pending.size);
        if (n < 0 && errno != EAGAIN && errno != EINTR)
            port_die(port);
        else if (n > 0)
            buf_consume(&port->pending, (size_t)n);
    }
    if (port->finish && !port->pending.size && !port->dead)
        port_half_close(port);
}

static void port_finish(struct port *port)
{
    if (!port || port->io.fd < 0 || port->dead)
        return;
    port->finish = true;
    port_flush(port);
}

static void stream_pass(struct stream *stream, const char *bytes, size_t size)
{
    struct port *to = stream->to;
    if (!to || to->io.fd < 0 || to->dead || size == 0)
        return;
    if (stream->frame) {
        const unsigned char header[FRAME_HEADER] = {
            stream->frame, 0, 0, 0, size >> 24 & 255, size >> 16 & 255, size >> 8 & 255, size & 255};
        buf_add(&to->pending, header, sizeof(header));
    }
    buf_add(&to->pending, bytes, size);
    port_flush(to);
}

/* --- Reading */

static void take_input(struct relay *relay, char *bytes, size_t size)
{
    bool detach = false;
    if (relay->options.filter)
        size = relay->options.filter(relay->options.data, bytes, size, &detach);
    stream_pass(&relay->streams[INPUT], bytes, size);
    relay->detached |= detach;
}

static bool stream_is_open(const struct stream *stream)
{
    return stream->from && stream->from->io.fd >= 0 && !stream->ended;
}

static bool all_output_ended(const struct relay *relay)
{
    return !stream_is_open(&relay->streams[OUTPUT]) && !stream_is_open(&relay->streams[ERRORS]);
}

static void stream_end(struct relay *relay, struct stream *stream)
{
    stream->ended = true;
    if (stream == &relay->streams[INPUT] || all_output_ended(relay))
        port_finish(stream->to);
}

static ssize_t port_read(struct port *port, char *bytes, size_t size)
{
    if (port->is_socket)
        return recv(port->io.fd, bytes, size, MSG_DONTWAIT);
    return read(port->io.fd, bytes, size);
}

static bool stream_wants_bytes(const struct stream *stream)
{
    return stream_is_open(stream) && (!stream->to || stream->to->io.fd < 0 || !stream->to->pending.size);
}

static void stream_read(struct relay *relay, struct stream *stream)
{
    char bytes[RELAY_PIECE];
    ssize_t n = port_read(stream->from, bytes, sizeof(bytes));
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) /* the end; a tty whose other side is closed says EIO */
        stream_end(relay, stream);
    else if (stream == &relay->streams[INPUT])
        take_input(relay, bytes, (size_t)n);
    else if (relay->options.output)
        relay->options.output(relay->options.data, bytes, (size_t)n);
    else
        stream_pass(stream, bytes, (size_t)n);
}

/* --- Watching */

static uint32_t port_events(const struct port *port)
{
    uint32_t events = 0;
    if (port->stream && stream_wants_bytes(port->stream))
        events |= EPOLLIN;
    if (port->pending.size && !port->dead)
        events |= EPOLLOUT;
    return events;
}

/*
 * EPOLLHUP and EPOLLERR are level-triggered and cannot be masked: a port that hung up while nothing is wanted of it is
 * taken out of the loop (port_ready), and put back here once something is.
 */
static void port_watch(struct port *port)
{
    struct err err;
    uint32_t events = port->io.fd < 0 ? 0 : port_events(port);
    if (port->no_epoll) {
        if (events)
            timer_start(&port->relay->again, port->relay->options.loop, 0);
    } else if (port->io.loop) {
        io_want(&port->io, events);
    } else if (events && io_add(&port->io, port->relay->options.loop, port->io.fd, events, &err) < 0) {
        port->no_epoll = true;
        timer_start(&port->relay->again, port->relay->options.loop, 0);
    }
}

static bool relay_is_over(const struct relay *relay)
{
    const struct port *user = relay->streams[OUTPUT].to;
    if (relay->detached)
        return true;
    if (!all_output_ended(relay) || (user && user->pending.size && !user->dead))
        return false;
    return relay->options.until_process_ends || !stream_is_open(&relay->streams[INPUT]);
}

/* After anything happened. The relay may be freed when it returns. */
static void relay_settle(struct relay *relay)
{
    if (!relay_is_over(relay)) {
        for (int i = 0; i < PORT_COUNT; i++)
            port_watch(&relay->ports[i]);
        return;
    }
    for (int i = 0; i < PORT_COUNT; i++)
        io_remove(&relay->ports[i].io);
    timer_stop(&relay->again);
    relay->options.ended(relay->options.data);
}

static void port_work(struct port *port, uint32_t events)
{
    if (events & EPOLLOUT)
        port_flush(port);
    if (port->stream && stream_wants_bytes(port->stream) && events & (EPOLLIN | EPOLLHUP | EPOLLERR))
        stream_read(port->relay, port->stream);
}

static void port_ready(struct io *io, uint32_t events)
{
    struct port *port = container_of(io, struct port, io);
    uint32_t wanted = port_events(port);
    port_work(port, events);
    if (events & (EPOLLHUP | EPOLLERR) && !(wanted & EPOLLIN)) {
        io_remove(io);
        /* A pipe or socket that nobody reads any more. A tty's hang-up is told by reading it. */
        if (events & EPOLLERR || port->is_socket)
            port_die(port);
    }
    relay_settle(port->relay);
}

static void work_again(struct timer *timer)
{
    struct relay *relay = container_of(timer, struct relay, again);
    for (int i = 0; i < PORT_COUNT; i++)
        if (relay->ports[i].no_epoll)
            port_work(&relay->ports[i], port_events(&relay->ports[i]));
    relay_settle(relay);
}

/* --- Life */

static struct port *port_of(struct relay *relay, int place, int fd)
{
    struct stat st;
    struct port *port = &relay->ports[place];
    if (fd < 0)
        return NULL;
    port->io.fd = fd;
    port->is_socket = fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode);
    return port;
}

static struct stream *stream_set(struct relay *relay, int which, struct port *from, struct port *to)
{
    struct stream *stream = &relay->streams[which];
    stream->from = from;
    stream->to = to;
    if (from)
        from->stream = stream;
    return stream;
}

struct relay *relay_new(const struct relay_options *options)
{
    struct relay *relay = NEW(struct relay);
    relay->options = *options;
    relay->again.expired = work_again;
    for (int i = 0; i < PORT_COUNT; i++) {
        relay->ports[i].relay = relay;
        relay->ports[i].io.ready = port_ready;
        relay->ports[i].io.fd = -1;
        relay->ports[i].pending = BUF(options->early_size + 2 * (RELAY_PIECE + FRAME_HEADER));
    }
    const struct relay_user *user = &options->user;
    const struct relay_process *process = &options->process;
    struct port *user_in = port_of(relay, USER_IN, user->in);
    struct port *user_out = user->in == user->out ? user_in : port_of(relay, USER_OUT, user->out);
    struct port *process_in = port_of(relay, PROCESS_IN, process->in);
    struct port *process_err = port_of(relay, PROCESS_ERR, process->err);
    struct port *process_out = process->in == process->out ? process_in : port_of(relay, PROCESS_OUT, process->out);
    (void)stream_set(relay, INPUT, user_in, process_out);
    stream_set(relay, OUTPUT, process_in, user_out)->frame = options->framed ? 1 : 0;
    stream_set(relay, ERRORS, process_err, user_out)->frame = options->framed ? 2 : 0;
    if (options->early_size) {
        char *early cleanup_free = mem_memdup(options->early, options->early_size);
        take_input(relay, early, options->early_size);
    }
    timer_start(&relay->again, options->loop, 0); /* watches what is to be watched, from the loop */
    return relay;
}

void relay_free(struct relay *relay)
{
    if (!relay)
        return;
    timer_stop(&relay->again);
    for (int i = 0; i < PORT_COUNT; i++) {
        io_remove(&relay->ports[i].io);
        close_fd(&relay->ports[i].io.fd);
        buf_done(&relay->ports[i].pending);
    }
    free(relay);
}
