/* A request's body into a pipe or socket: the sink of http_body_to_fd(). */
#include "base/cleanup.h"
#include "http/connection.h"
#include "http/server_private.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

struct body_pipe {
    struct io io;
    struct http_request *request;
    void (*done)(struct http_request *request, struct err *failure);
};

void body_pipe_close(struct body_pipe *pipe)
{
    if (!pipe || pipe->io.fd < 0)
        return;
    io_remove(&pipe->io);
    close_fd(&pipe->io.fd);
}

/* The reader is gone: the rest of the body is not wanted by anybody. */
static void fail(struct body_pipe *pipe, int errnum)
{
    struct err err;
    exchange_of(pipe->request)->sink = NULL;
    body_pipe_close(pipe);
    err_errno(&err, errnum, "the rest of the body cannot be passed on");
    pipe->done(pipe->request, &err);
}

static size_t take(struct http_request *request, const char *bytes, size_t size)
{
    struct body_pipe *pipe = exchange_of(request)->pipe;
    ssize_t n = write(pipe->io.fd, bytes, size);
    if (n < 0 && errno != EAGAIN && errno != EINTR) {
        fail(pipe, errno);
        return size;
    }
    if (n < (ssize_t)size)
        io_want(&pipe->io, EPOLLOUT);
    return n < 0 ? 0 : (size_t)n;
}

static void end(struct http_request *request)
{
    struct body_pipe *pipe = exchange_of(request)->pipe;
    body_pipe_close(pipe);
    pipe->done(request, NULL);
}

static void ready(struct io *io, uint32_t events)
{
    struct body_pipe *pipe = container_of(io, struct body_pipe, io);
    if (events & (EPOLLERR | EPOLLHUP)) {
        fail(pipe, EPIPE);
        return;
    }
    io_want(io, 0);
    http_body_resume(pipe->request);
}

void http_body_to_fd(struct http_request *request, int fd,
                     void (*done)(struct http_request *request, struct err *failure))
{
    static const struct http_body_sink sink = {.take = take, .end = end};
    struct exchange *x = exchange_of(request);
    struct body_pipe *pipe = ARENA_NEW(&request->arena, struct body_pipe);
    struct err err;
    pipe->request = request;
    pipe->done = done;
    pipe->io.ready = ready;
    (void)fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    if (io_add(&pipe->io, server_of(x)->options.loop, fd, 0, &err) < 0) {
        (void)close(fd);
        done(request, &err);
        return;
    }
    x->pipe = pipe;
    http_body_read(request, &sink);
}
