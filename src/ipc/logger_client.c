#include "ipc/logger_client.h"

#include "base/mem.h"
#include "base/str.h"
#include "ipc/message.h"
#include "ipc/socket.h"

#include <errno.h>
#include <fcntl.h>

/* What waits for a full socket. More means that the logger hangs, and nobody is helped by waiting longer. */
#define QUEUE_MAX 4096

/* A request whose reply has not come; replies come in the order of the requests. */
struct pending {
    struct list link;
    uint32_t sequence;
    bool fatal; /* the connection is no use where it fails */
    logger_done *done;
    void (*each)(void *data, const struct logger_stats *stats);
    void *data;
};

/* A message that the socket had no room for. */
struct queued {
    struct list link;
    int fd; /* owned; -1 for none */
    size_t size;
    char data[];
};

struct logger_client {
    struct loop *loop;
    struct io io; /* its descriptor is owned */
    struct logger_client_ops ops;
    void *data;
    uint32_t last_sequence;
    struct list pending; /* struct pending, owned */
    struct list queue;   /* struct queued, owned */
    size_t queue_size;
};

/* --- Sending ------------------------------------------------------------------------------------------------------ */

static void queued_free(struct queued *q)
{
    list_remove(&q->link);
    closep(&q->fd);
    free(q);
}

static void enqueue(struct logger_client *client, const struct iovec parts[2], int fd)
{
    size_t size = parts[0].iov_len + parts[1].iov_len;
    struct queued *q = mem_alloc(sizeof(*q) + size);
    q->fd = fd >= 0 ? fcntl(fd, F_DUPFD_CLOEXEC, 0) : -1;
    q->size = size;
    memcpy(q->data, parts[0].iov_base, parts[0].iov_len);
    if (parts[1].iov_len)
        memcpy(q->data + parts[0].iov_len, parts[1].iov_base, parts[1].iov_len);
    list_push(&client->queue, &q->link);
    client->queue_size++;
    io_want(&client->io, EPOLLIN | EPOLLOUT);
}

/* Any other failure than a full socket shows as a hang-up, which is dealt with there. */
static void flush_queue(struct logger_client *client)
{
    struct queued *q;
    list_foreach (q, &client->queue, link) {
        if (message_send_data(client->io.fd, q->data, q->size, &q->fd, q->fd >= 0) == -EAGAIN)
            return;
        queued_free(q);
        client->queue_size--;
    }
    io_want(&client->io, EPOLLIN);
}

static struct pending *add_pending(struct logger_client *client, logger_done *done, void *data)
{
    struct pending *p = NEW(struct pending);
    p->sequence = client->last_sequence;
    p->done = done;
    p->data = data;
    list_push(&client->pending, &p->link);
    return p;
}

static int check_send(const struct logger_client *client, const struct logger_request *r, const char *text,
                      struct err *err)
{
    struct logger_request checked;
    const char *checked_text;
    char data[sizeof(*r) + LOGGER_TEXT_MAX];
    if (client->queue_size >= QUEUE_MAX)
        return err_set(err, ERR_LIMIT, "%zu requests wait for the logger already", client->queue_size);
    if (r->text_size > LOGGER_TEXT_MAX)
        return err_set(err, ERR_INVALID, "labels and environment for the log are %u bytes long (at most %zu)",
                       r->text_size, LOGGER_TEXT_MAX);
    memcpy(data, r, sizeof(*r));
    if (r->text_size)
        memcpy(data + sizeof(*r), text, r->text_size);
    unsigned fds = r->type == LOGGER_HELLO || r->type == LOGGER_ATTACH || r->flags & LOGGER_TTY;
    return logger_request_read(data, sizeof(*r) + r->text_size, fds, &checked, &checked_text, err);
}

/* Sends r (its sequence is set here) with text and fd (-1: none); the pending entry, or NULL. */
static struct pending *send_request(struct logger_client *client, struct logger_request *r, const char *text, int fd,
                                    logger_done *done, void *data, struct err *err)
{
    r->sequence = client->last_sequence + 1;
    if (!r->sequence)
        r->sequence = 1;
    if (check_send(client, r, text, err) < 0)
        return NULL;
    client->last_sequence = r->sequence;
    struct iovec parts[2] = {{.iov_base = r, .iov_len = sizeof(*r)},
                             {.iov_base = (void *)text, .iov_len = r->text_size}};
    if (!list_empty(&client->queue) || message_send(client->io.fd, parts, 2, &fd, fd >= 0) == -EAGAIN)
        enqueue(client, parts, fd);
    return add_pending(client, done, data);
}

static int64_t sent(const struct pending *p)
{
    return p ? (int64_t)p->sequence : -1;
}

static int set_id(struct logger_request *r, const char *id, struct err *err)
{
    if (!id)
        return 0;
    if (!id_is_full(id))
        return err_set(err, ERR_INVALID, "%s is no container's id", id);
    memcpy(r->id, id, ID_SIZE);
    return 0;
}

/* --- Receiving ---------------------------------------------------------------------------------------------------- */

static void finish(struct pending *p, const struct err *error)
{
    list_remove(&p->link);
    logger_done *done = p->done;
    void *data = p->data;
    free(p);
    if (done)
        done(data, error);
}

static void lose(struct logger_client *client, const struct err *why)
{
    io_remove(&client->io);
    while (!list_empty(&client->pending))
        finish(container_of(client->pending.next, struct pending, link), why);
    client->ops.lost(client->data, why);
}

static int take_reply(struct logger_client *client, const struct logger_event *event, const char *text, struct err *err)
{
    struct pending *p = container_of(client->pending.next, struct pending, link);
    if (list_empty(&client->pending) || p->sequence != event->sequence)
        return err_set(err, ERR_INTERNAL, "the logger answered request %u, which is not the next", event->sequence);
    struct err error;
    if (event->error)
        (void)err_set(&error, event->error, "%.*s", (int)event->text_size, text);
    if (event->error && p->fatal) {
        *err = error;
        return -1;
    }
    finish(p, event->error ? &error : NULL);
    return 0;
}

static void take_stats(struct logger_client *client, const struct logger_event *event)
{
    struct pending *p = container_of(client->pending.next, struct pending, link);
    if (list_empty(&client->pending) || p->sequence != event->sequence || !p->each)
        return;
    const struct logger_stats stats = {
        .id = event->id, .bytes = event->bytes, .lines = event->lines, .dropped = event->dropped};
    p->each(p->data, &stats);
}

static int take_event(struct logger_client *client, const void *data, size_t size, struct err *err)
{
    struct logger_event event;
    const char *text;
    if (logger_event_read(data, size, &event, &text, err) < 0)
        return err_wrap(err, "the logger sent something else");
    switch (event.type) {
    case LOGGER_REPLY:
        return take_reply(client, &event, text, err);
    case LOGGER_CONTAINER:
        take_stats(client, &event);
        return 0;
    case LOGGER_DRAINED:
        client->ops.drained(client->data, event.id);
        return 0;
    default:
        if (client->ops.attach_closed)
            client->ops.attach_closed(client->data, event.id, event.attachment);
        return 0;
    }
}

/* One message a turn is plenty fair and keeps `client` safe from callbacks: lost() is the last thing that happens. */
static void client_ready(struct io *io, uint32_t events)
{
    struct logger_client *client = container_of(io, struct logger_client, io);
    struct err err;
    char data[sizeof(struct logger_event) + LOGGER_TEXT_MAX];
    if (events & EPOLLOUT)
        flush_queue(client);
    ssize_t n = message_receive(io->fd, data, sizeof(data), NULL);
    if (n == -EAGAIN)
        return;
    if (n < 0)
        (void)err_errno(&err, (int)n, "the logger cannot be heard");
    else if (n == 0)
        (void)err_set(&err, ERR_UNAVAILABLE, "the logger ended");
    else if (take_event(client, data, (size_t)n, &err) == 0)
        return;
    lose(client, &err);
}

/* --- Life --------------------------------------------------------------------------------------------------------- */

struct logger_client *logger_client_new(struct loop *loop, const char *socket_path, int containers_fd,
                                        const struct logger_client_ops *ops, void *data, struct err *err)
{
    int fd = socket_connect(socket_path, false);
    if (fd < 0) {
        (void)err_set(err, ERR_UNAVAILABLE, "no logger listens at %s: %s", socket_path, strerror(-fd));
        return NULL;
    }
    struct logger_client *client = NEW(struct logger_client);
    client->loop = loop;
    client->ops = *ops;
    client->data = data;
    client->io = (struct io){.ready = client_ready, .fd = fd};
    list_init(&client->pending);
    list_init(&client->queue);
    struct logger_request hello = {.type = LOGGER_HELLO, .value = LOGGER_PROTOCOL_VERSION};
    struct pending *p = NULL;
    if (io_add(&client->io, loop, fd, EPOLLIN, err) < 0 ||
        !(p = send_request(client, &hello, NULL, containers_fd, NULL, NULL, err))) {
        logger_client_free(client);
        return NULL;
    }
    p->fatal = true;
    return client;
}

void logger_client_free(struct logger_client *client)
{
    if (!client)
        return;
    struct pending *p;
    list_foreach (p, &client->pending, link)
        free(p);
    struct queued *q;
    list_foreach (q, &client->queue, link)
        queued_free(q);
    io_remove(&client->io);
    close_fd(&client->io.fd);
    free(client);
}

/* --- Requests ----------------------------------------------------------------------------------------------------- */

int64_t logger_client_open(struct logger_client *client, const struct logger_open *open, logger_done *done, void *data,
                           struct err *err)
{
    struct logger_request r = {
        .type = LOGGER_OPEN,
        .streams = open->streams,
        .driver = open->driver,
        .flags = (open->terminal_fd >= 0 ? LOGGER_TTY : 0U) | (open->fresh ? LOGGER_FRESH : 0U) |
                 (open->non_blocking ? LOGGER_NON_BLOCKING : 0U),
        .max_files = open->max_files,
        .max_size = open->max_size,
        .max_buffer = open->max_buffer,
        .text_size = open->attrs ? (uint32_t)strnlen(open->attrs, LOGGER_TEXT_MAX + 1) : 0,
    };
    if (set_id(&r, open->id, err) < 0)
        return -1;
    return sent(send_request(client, &r, open->attrs, open->terminal_fd, done, data, err));
}

int64_t logger_client_close(struct logger_client *client, const char *id, logger_done *done, void *data,
                            struct err *err)
{
    return logger_client_request(client, LOGGER_CLOSE, id, done, data, err);
}

int64_t logger_client_attach(struct logger_client *client, const char *id, uint32_t streams, int output_fd,
                             logger_done *done, void *data, struct err *err)
{
    struct logger_request r = {.type = LOGGER_ATTACH, .streams = streams};
    if (set_id(&r, id, err) < 0)
        return -1;
    return sent(send_request(client, &r, NULL, output_fd, done, data, err));
}

int64_t logger_client_detach(struct logger_client *client, uint32_t attachment, struct err *err)
{
    struct logger_request r = {.type = LOGGER_DETACH, .value = attachment};
    return sent(send_request(client, &r, NULL, -1, NULL, NULL, err));
}

int64_t logger_client_request(struct logger_client *client, enum logger_request_type type, const char *id,
                              logger_done *done, void *data, struct err *err)
{
    struct logger_request r = {.type = type};
    if (set_id(&r, id, err) < 0)
        return -1;
    return sent(send_request(client, &r, NULL, -1, done, data, err));
}

int64_t logger_client_stats(struct logger_client *client, const char *id,
                            void (*each)(void *data, const struct logger_stats *stats), logger_done *done, void *data,
                            struct err *err)
{
    struct logger_request r = {.type = id ? LOGGER_STATS : LOGGER_LIST};
    if (set_id(&r, id, err) < 0)
        return -1;
    struct pending *p = send_request(client, &r, NULL, -1, done, data, err);
    if (p)
        p->each = each;
    return sent(p);
}
