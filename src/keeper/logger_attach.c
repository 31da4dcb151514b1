#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "keeper/logger.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/uio.h>

/* What an attachment has not taken: a window while the payload runs, and at its end what the pipes hold (1 MiB each).
 */
#define BACKLOG_MAX       ((size_t)4 * 1024 * 1024)
#define PER_CONTAINER_MAX 64

struct attachment {
    struct list link;
    struct io io; /* its descriptor is owned */
    struct logger *logger;
    struct container *container; /* NULL when that is gone */
    struct connection *owner;    /* who is told of its end; NULL when that is gone */
    uint32_t number;
    uint8_t streams;
    bool raw;
    char id[ID_SIZE];
    size_t ahead[2]; /* of each stream: bytes of the window's beginning that it has got already */
    struct buf backlog;
};

static void attachment_free(struct attachment *a)
{
    list_remove(&a->link);
    io_remove(&a->io);
    closep(&a->io.fd);
    buf_done(&a->backlog);
    free(a);
}

void attachments_free(struct list *attachments)
{
    struct attachment *a;
    list_foreach (a, attachments, link)
        attachment_free(a);
}

/* Ends it by itself: its owner is told, and the container goes on. */
static void attachment_end(struct attachment *a)
{
    struct logger *l = a->logger;
    struct container *c = a->container;
    struct logger_event event = {.type = LOGGER_ATTACH_CLOSED, .attachment = a->number};
    memcpy(event.id, a->id, ID_SIZE);
    if (a->owner)
        logger_tell(l, a->owner, &event, NULL);
    attachment_free(a);
    if (c)
        container_wake(l, c);
}

/* --- Copying ------------------------------------------------------------------------------------------------------ */

/* Docker's stdcopy framing: the stream's number, three zeros, the size in network order. */
static void frame(unsigned char header[8], unsigned stream, size_t size)
{
    uint32_t big_endian = htonl((uint32_t)size);
    memset(header, 0, 8);
    header[0] = (unsigned char)stream;
    memcpy(header + 4, &big_endian, 4);
}

/* What the descriptor takes at once; negative where nobody reads it any more. */
static ssize_t try_write(struct attachment *a, const struct iovec *parts, int count)
{
    if (a->backlog.size)
        return 0;
    ssize_t n = writev(a->io.fd, parts, count);
    return n < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : n;
}

static int copy(struct attachment *a, unsigned stream, const char *data, size_t size)
{
    unsigned char header[8];
    frame(header, stream, size);
    struct iovec parts[2] = {{.iov_base = header, .iov_len = a->raw ? 0 : sizeof(header)},
                             {.iov_base = (void *)data, .iov_len = size}};
    ssize_t n = try_write(a, parts, 2);
    if (n < 0)
        return -1;
    size_t sent = (size_t)n;
    for (int i = 0; i < 2; i++) {
        size_t done = sent < parts[i].iov_len ? sent : parts[i].iov_len;
        buf_add(&a->backlog, (const char *)parts[i].iov_base + done, parts[i].iov_len - done);
        sent -= done;
    }
    io_want(&a->io, a->backlog.size ? EPOLLOUT : 0);
    return buf_failed(&a->backlog) ? -1 : 0;
}

void container_copy(struct logger *l, struct container *c, struct stream *s, const struct window *w)
{
    struct attachment *a;
    list_foreach (a, &c->attachments, link) {
        size_t *ahead = &a->ahead[s->number - 1];
        if (!(a->streams & s->number) || *ahead >= w->size)
            continue;
        if (copy(a, s->number, w->data + *ahead, w->size - *ahead) < 0)
            attachment_end(a);
        else
            *ahead = w->size;
    }
}

void container_copied(struct container *c, const struct stream *s, size_t size)
{
    struct attachment *a;
    list_foreach (a, &c->attachments, link) {
        size_t *ahead = &a->ahead[s->number - 1];
        *ahead -= *ahead < size ? *ahead : size;
    }
}

bool container_is_held_up(const struct container *c)
{
    const struct attachment *a;
    list_foreach (a, &c->attachments, link)
        if (a->backlog.size)
            return true;
    return false;
}

static void flush(struct attachment *a)
{
    ssize_t n = write(a->io.fd, a->backlog.data, a->backlog.size);
    if (n < 0 && errno != EAGAIN && errno != EINTR) {
        attachment_end(a);
        return;
    }
    if (n > 0)
        buf_consume(&a->backlog, (size_t)n);
    if (a->backlog.size)
        return;
    buf_done(&a->backlog);
    a->backlog = BUF(BACKLOG_MAX);
    io_want(&a->io, 0);
    if (!a->container)
        attachment_end(a);
    else if (!container_is_held_up(a->container))
        container_wake(a->logger, a->container);
}

/* A reader that went away releases the payload at once. */
static void attachment_ready(struct io *io, uint32_t events)
{
    struct attachment *a = container_of(io, struct attachment, io);
    if (events & (EPOLLHUP | EPOLLERR))
        attachment_end(a);
    else if (events & EPOLLOUT)
        flush(a);
}

/* --- Life --------------------------------------------------------------------------------------------------------- */

static int check_count(const struct container *c, struct err *err)
{
    unsigned count = 0;
    const struct attachment *a;
    list_foreach (a, &c->attachments, link)
        count++;
    if (count >= PER_CONTAINER_MAX)
        return err_set(err, ERR_LIMIT, "%u attachments to container %s are all that are possible", count, c->id);
    return 0;
}

int attachment_new(struct logger *l, struct container *c, struct connection *owner, const struct logger_request *r,
                   int *output_fd, struct err *err)
{
    if (check_count(c, err) < 0)
        return -1;
    int flags = fcntl(*output_fd, F_GETFL);
    if (flags < 0 || fcntl(*output_fd, F_SETFL, flags | O_NONBLOCK) < 0)
        return err_errno(err, errno, "cannot attach to container %s", c->id);
    struct attachment *a = NEW(struct attachment);
    *a = (struct attachment){.io = {.ready = attachment_ready, .fd = -1},
                             .logger = l,
                             .container = c,
                             .owner = owner,
                             .number = r->sequence,
                             .streams = (uint8_t)r->streams,
                             .raw = c->flags & LOGGER_TTY,
                             .backlog = BUF(BACKLOG_MAX)};
    memcpy(a->id, c->id, ID_SIZE);
    if (io_add(&a->io, l->loop, *output_fd, 0, err) < 0) {
        free(a);
        return err_wrap(err, "cannot attach to container %s with a descriptor that is no pipe and no socket", c->id);
    }
    *output_fd = -1;
    list_push(&c->attachments, &a->link);
    /* The beginning of a line that is not in the log yet. */
    container_wake(l, c);
    return 0;
}

void container_detach_all(struct logger *l, struct container *c)
{
    struct attachment *a;
    list_foreach (a, &c->attachments, link) {
        a->container = NULL;
        list_remove(&a->link);
        list_push(&l->leaving, &a->link);
        if (!a->backlog.size)
            attachment_end(a);
    }
}

static struct attachment *find_in(const struct list *attachments, const struct connection *owner, uint32_t number)
{
    struct attachment *a;
    list_foreach (a, attachments, link)
        if (a->owner == owner && a->number == number)
            return a;
    return NULL;
}

static struct attachment *find(struct logger *l, const struct connection *owner, uint32_t number)
{
    struct attachment *a = find_in(&l->leaving, owner, number);
    struct map_entry *entry;
    for (size_t i = 0; !a && (entry = map_next(&l->containers, &i));)
        a = find_in(&((struct container *)entry->value)->attachments, owner, number);
    return a;
}

int attachment_detach(struct logger *l, const struct connection *owner, uint32_t number, struct err *err)
{
    struct attachment *a = find(l, owner, number);
    if (!a)
        return err_set(err, ERR_NOT_FOUND, "there is no attachment %u", number);
    struct container *c = a->container;
    attachment_free(a);
    if (c)
        container_wake(l, c);
    return 0;
}

static void disown_in(const struct list *attachments, const struct connection *owner)
{
    struct attachment *a;
    list_foreach (a, attachments, link)
        if (a->owner == owner)
            a->owner = NULL;
}

void attachments_disown(struct logger *l, const struct connection *owner)
{
    struct map_entry *entry;
    disown_in(&l->leaving, owner);
    for (size_t i = 0; (entry = map_next(&l->containers, &i));)
        disown_in(&((struct container *)entry->value)->attachments, owner);
}
