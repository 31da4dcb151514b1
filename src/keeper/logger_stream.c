#include "base/mem.h"
#include "base/str.h"
#include "keeper/logger.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/uio.h>

#define PIPE_SILENT (4 * 4096)
/* Room for a window in which each page of the FIFO holds a few bytes. */
#define PIPE_PEEK (1024 * 1024)

int stream_open_peek(struct logger *l, struct err *err)
{
    if (pipe2(l->peek, O_CLOEXEC | O_NONBLOCK) < 0)
        return err_errno(err, errno, "cannot make a pipe");
    (void)fcntl(l->peek[1], F_SETPIPE_SZ, PIPE_PEEK);
    return 0;
}

/* --- FIFOs -------------------------------------------------------------------------------------------------------- */

static int open_by_name(const struct logger *l, const struct stream *s, const char *id, int flags)
{
    char path[ID_SIZE + 16];
    (void)snprintf(path, sizeof(path), "%s/%s", id, s->number == JSONLOG_STDERR ? "stderr" : "stdout");
    int fd = openat(l->containers_fd, path, flags | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

/* Where the kernel's limits forbid it the pipe stays as it is. */
static void grow(struct stream *s)
{
    (void)fcntl(s->io.fd, F_SETPIPE_SZ, stream_container(s)->pipe_size);
    s->small = false;
}

int stream_open_fifo(struct logger *l, struct stream *s, const char *id, struct err *err)
{
    const char *name = s->number == JSONLOG_STDERR ? "stderr" : "stdout";
    struct stat st;
    int fd = open_by_name(l, s, id, O_RDONLY);
    if (fd < 0)
        return err_errno(err, fd, "cannot read %s of container %s", name, id);
    if (fstat(fd, &st) < 0 || !S_ISFIFO(st.st_mode)) {
        (void)close(fd);
        return err_set(err, ERR_INVALID, "%s of container %s is no FIFO", name, id);
    }
    s->io.fd = fd;
    if (stream_container(s)->flags & LOGGER_NON_BLOCKING)
        grow(s); /* whoever must not wait has room from the start */
    else
        s->small = fcntl(fd, F_SETPIPE_SZ, PIPE_SILENT) >= 0;
    return 0;
}

static size_t bytes_waiting(const struct stream *s)
{
    int n = 0;
    return ioctl(s->io.fd, FIONREAD, &n) < 0 || n < 0 ? 0 : (size_t)n;
}

void stream_fill(const struct stream *s, size_t *ret_used, size_t *ret_capacity)
{
    int capacity = fcntl(s->io.fd, F_GETPIPE_SZ);
    *ret_used = bytes_waiting(s);
    *ret_capacity = capacity < 0 ? SIZE_MAX : (size_t)capacity;
}

/* A terminal's bytes were taken out of it already. Pipes are full by pages, not by bytes, and only a writer can see
 * that: so this is one, for an instant. */
bool stream_is_full(struct logger *l, struct stream *s, bool more)
{
    if (s->terminal)
        return false;
    cleanup_fd int writer = open_by_name(l, s, stream_container(s)->id, O_WRONLY);
    struct pollfd p = {.fd = writer, .events = POLLOUT};
    if (writer >= 0 && poll(&p, 1, 0) == 0)
        return true;
    /* A payload that is allowed to may give its pipe more pages than a window shows. */
    return more && fcntl(s->io.fd, F_GETPIPE_SZ) > PIPE_PEEK;
}

static void look_into_fifo(struct logger *l, struct stream *s, struct window *w)
{
    if (s->small)
        grow(s);
    ssize_t n = tee(s->io.fd, l->peek[1], LOGGER_WINDOW, SPLICE_F_NONBLOCK);
    size_t size = 0;
    while (n > 0 && size < (size_t)n) {
        ssize_t got = read(l->peek[0], l->window + size, (size_t)n - size);
        if (got <= 0)
            break;
        size += (size_t)got;
    }
    *w = (struct window){.data = l->window, .size = size, .more = bytes_waiting(s) > size};
}

/* The first byte goes where proof wants it, the rest to where nobody needs the window any more. */
static void consume_fifo(struct logger *l, struct stream *s, size_t size, char *proof)
{
    char nowhere;
    while (size) {
        struct iovec parts[2] = {{.iov_base = proof ? proof : &nowhere, .iov_len = 1},
                                 {.iov_base = l->window, .iov_len = size - 1}};
        ssize_t n = readv(s->io.fd, parts, size > 1 ? 2 : 1);
        if (n <= 0)
            break;
        size -= (size_t)n;
        proof = NULL;
    }
}

void stream_leave(struct logger *l, struct stream *s, size_t left)
{
    if (s->terminal)
        return;
    list_remove(&s->unfinished);
    if (left) {
        list_push(&l->unfinished, &s->unfinished);
        s->left = (uint32_t)left;
    }
    if (left && !s->signals)
        s->signals = fcntl(s->io.fd, F_SETOWN, getpid()) == 0 && fcntl(s->io.fd, F_SETFL, O_NONBLOCK | O_ASYNC) == 0;
    /* Nothing told of what was written since the look, or before the signal was asked for. */
    if (bytes_waiting(s) != left)
        stream_wake(l, s);
}

void logger_look_at_unfinished(struct logger *l)
{
    struct stream *s;
    list_foreach (s, &l->unfinished, unfinished)
        if (bytes_waiting(s) != s->left)
            stream_wake(l, s);
}

/* --- Terminals ---------------------------------------------------------------------------------------------------- */

static void look_into_terminal(struct logger *l, struct stream *s, struct window *w)
{
    size_t size = s->held_size;
    if (size)
        memcpy(l->window, s->held, size);
    ssize_t n = size < JSONLOG_PIECE_MAX ? read(s->io.fd, l->window + size, LOGGER_WINDOW - size) : 0;
    if (n < 0 && errno == EIO) /* no process has it open any more */
        s->hung_up = true;
    if (n > 0)
        size += (size_t)n;
    *w = (struct window){.data = l->window, .size = size, .more = n > 0 || size >= JSONLOG_PIECE_MAX};
    if (size != s->held_size) {
        free(s->held);
        s->held = mem_memdup(l->window, size);
        s->held_size = size;
    }
}

static void consume_terminal(struct stream *s, size_t size)
{
    char *rest = size < s->held_size ? mem_memdup(s->held + size, s->held_size - size) : NULL;
    free(s->held);
    s->held = rest;
    s->held_size -= size;
}

/* --- Both --------------------------------------------------------------------------------------------------------- */

bool stream_look(struct logger *l, struct stream *s, struct window *ret)
{
    /* Seen before the look: what a writer wrote before it hung up is in the window or behind it. */
    bool gone = s->hung_up || stream_container(s)->closing;
    if (s->terminal)
        look_into_terminal(l, s, ret);
    else
        look_into_fifo(l, s, ret);
    return ret->size || ret->more || !(gone || (s->terminal && s->hung_up));
}

void stream_consume(struct logger *l, struct stream *s, size_t size, char *proof)
{
    if (s->terminal)
        consume_terminal(s, size);
    else
        consume_fifo(l, s, size, proof);
}

void stream_close(struct logger *l, struct stream *s)
{
    if (s->io.fd < 0)
        return;
    io_remove(&s->io);
    close_fd(&s->io.fd);
    list_remove(&s->ready);
    list_remove(&s->unfinished);
    free(s->held);
    s->held = NULL;
    s->held_size = 0;
    l->stream_count--;
}
