#include "ipc/keeper_client.h"

#include "base/cleanup.h"
#include "base/list.h"
#include "base/mem.h"
#include "ipc/keeper_request.h"
#include "ipc/message.h"
#include "ipc/socket.h"
#include "sys/files.h"

#include <errno.h>
#include <string.h>

#define ID_TEXT (2 * KEEPER_ID_SIZE + 1)

/*
 *              connect           welcome, all records listed
 * DISCONNECTED ───────► GREETING ──────────────────────────► READY
 *       ▲──────────────────┴────── the connection ends ────────┘
 */
enum phase { DISCONNECTED, GREETING, READY };

struct keeper_client {
    struct loop *loop;
    const struct keeper_client_ops *ops;
    void *data;
    struct io io;
    int fd; /* -1 */
    enum phase phase;
    bool holds;
    uint32_t serial;
    struct keeper_welcome welcome;
    struct list greetings; /* to be sent first */
    struct list requests;  /* to be sent once READY */
    struct list held;      /* SPAWN and EXEC, which wait for keeper_client_release() */
    struct list starts;    /* the same, released: they wait for others to have started */
    struct list sent;      /* in the order of their replies */
    uint8_t starting[KEEPER_STARTING_MAX][KEEPER_ID_SIZE];
    unsigned starting_count;
    char message[MESSAGE_SIZE_MAX]; /* received */
};

static void set_phase(struct keeper_client *c, enum phase phase)
{
    c->phase = phase;
}

/* --- Requests ----------------------------------------------------------------------------------------------------- */

static void request_free(struct keeper_request *r)
{
    for (unsigned i = 0; r->fds && i < r->fd_count; i++)
        (void)close(r->fds[i]);
    free(r->fds);
    free(r->message);
    list_remove(&r->link);
    free(r);
}

static void free_all(struct list *list)
{
    struct keeper_request *r;
    list_foreach (r, list, link)
        request_free(r);
}

static void answer(struct keeper_request *r, const struct err *err, const void *payload, size_t size, int fd)
{
    list_remove(&r->link);
    if (r->reply)
        r->reply(r->data, err, payload, size, fd);
    else if (fd >= 0)
        (void)close(fd);
    request_free(r);
}

static void fail_all(struct list *list, const struct err *err)
{
    while (!list_empty(list))
        answer(container_of(list->next, struct keeper_request, link), err, NULL, 0, -1);
}

static void lose(struct keeper_client *c, const struct err *err)
{
    if (c->phase == DISCONNECTED)
        return;
    io_remove(&c->io);
    close_fd(&c->fd);
    set_phase(c, DISCONNECTED);
    c->starting_count = 0;
    fail_all(&c->sent, err);
    fail_all(&c->greetings, err);
    fail_all(&c->requests, err);
    fail_all(&c->held, err);
    fail_all(&c->starts, err);
    if (c->ops->lost)
        c->ops->lost(c->data, err);
}

/* --- Sending ------------------------------------------------------------------------------------------------------ */

static void add_starting(struct keeper_client *c, const uint8_t *id)
{
    if (c->starting_count < KEEPER_STARTING_MAX)
        memcpy(c->starting[c->starting_count++], id, KEEPER_ID_SIZE);
}

static void remove_starting(struct keeper_client *c, const uint8_t *id)
{
    for (unsigned i = 0; i < c->starting_count; i++)
        if (memcmp(c->starting[i], id, KEEPER_ID_SIZE) == 0) {
            memmove(c->starting[i], c->starting[--c->starting_count], KEEPER_ID_SIZE);
            return;
        }
}

static bool is_start(const struct keeper_request *r)
{
    return r->type == KEEPER_SPAWN || r->type == KEEPER_EXEC;
}

static struct list *next_queue(struct keeper_client *c)
{
    if (!list_empty(&c->greetings))
        return &c->greetings;
    if (c->phase != READY)
        return NULL;
    if (!list_empty(&c->requests))
        return &c->requests;
    return !list_empty(&c->starts) && c->starting_count < KEEPER_STARTING_MAX ? &c->starts : NULL;
}

/* Sends what can be sent; fds are the caller's while it has them still, and of a message that waits the request's own.
 */
static int flush(struct keeper_client *c, struct err *err)
{
    struct list *queue;
    bool full = false;
    while (!full && c->phase != DISCONNECTED && (queue = next_queue(c))) {
        struct keeper_request *r = container_of(queue->next, struct keeper_request, link);
        int n = message_send_data(c->fd, r->message, r->size, r->fds, r->fd_count);
        if (n < 0 && n != -EAGAIN)
            return err_errno(err, n, "the keeper's connection");
        full = n == -EAGAIN;
        if (full)
            continue;
        if (is_start(r))
            add_starting(c, r->starts);
        for (unsigned i = 0; i < r->fd_count; i++)
            (void)close(r->fds[i]);
        free(TAKE(r->fds));
        free(TAKE(r->message));
        r->fd_count = 0;
        list_remove(&r->link);
        list_push(&c->sent, &r->link);
    }
    if (c->phase != DISCONNECTED)
        io_want(&c->io, EPOLLIN | (full ? EPOLLOUT : 0));
    return 0;
}

struct keeper_request *keeper_request_new(struct keeper_client *c, enum keeper_type type,
                                          const struct keeper_part *body, const struct keeper_part *more,
                                          keeper_reply *reply, void *data)
{
    struct keeper_header header = {.type = type, .serial = ++c->serial};
    struct keeper_request *r = NEW(struct keeper_request);
    *r = (struct keeper_request){.serial = header.serial, .type = type, .reply = reply, .data = data};
    r->size = sizeof(header) + body->size + (more ? more->size : 0);
    char *p = r->message = mem_alloc(r->size);
    memcpy(p, &header, sizeof(header));
    if (body->size)
        memcpy(p + sizeof(header), body->data, body->size);
    if (more)
        memcpy(p + sizeof(header) + body->size, more->data, more->size);
    return r;
}

static int own_fds(struct keeper_request *r, const int *fds, unsigned count)
{
    r->fds = count ? mem_alloc_array(count, sizeof(int)) : NULL;
    for (; r->fd_count < count; r->fd_count++) {
        int copy = file_dup(fds[r->fd_count], 3);
        if (copy < 0)
            return copy;
        r->fds[r->fd_count] = copy;
    }
    return 0;
}

static void submit(struct keeper_client *c, struct list *queue, struct keeper_request *r, const int *fds,
                   unsigned fd_count)
{
    struct err err;
    int n = own_fds(r, fds, fd_count);
    list_push(queue, &r->link);
    if (n < 0 || c->phase == DISCONNECTED) {
        if (n < 0)
            (void)err_errno(&err, n, "a descriptor for the keeper");
        else
            (void)err_set(&err, ERR_UNAVAILABLE, "the keeper is not connected");
        answer(r, &err, NULL, 0, -1);
        return;
    }
    if (flush(c, &err) < 0)
        lose(c, &err);
}

void keeper_request_submit(struct keeper_client *c, struct keeper_request *r, const int *fds, unsigned fd_count)
{
    struct list *starts = c->holds ? &c->held : &c->starts;
    submit(c, is_start(r) ? starts : &c->requests, r, fds, fd_count);
}

/* What comes before everything else on a new connection. */
static void greet(struct keeper_client *c, enum keeper_type type, const void *body, size_t size, keeper_reply *reply)
{
    submit(c, &c->greetings, keeper_request_new(c, type, &(struct keeper_part){body, size}, NULL, reply, c), NULL, 0);
}

/* --- Greeting ----------------------------------------------------------------------------------------------------- */

static keeper_reply on_listed;

static void list_from(struct keeper_client *c, uint32_t from)
{
    greet(c, KEEPER_LIST, &(struct keeper_list){.from = from}, sizeof(struct keeper_list), on_listed);
}

static void tell_record(struct keeper_client *c, const struct keeper_record *record)
{
    char id[ID_TEXT];
    keeper_id_format(record->id, id);
    if (record->state == KEEPER_STARTING)
        add_starting(c, record->id);
    if (c->ops->listed)
        c->ops->listed(c->data, id, record);
}

static void on_listed(void *data, const struct err *err, const void *payload, size_t size, int fd)
{
    struct keeper_client *c = data;
    (void)fd;
    struct keeper_listed listed;
    if (err || c->phase == DISCONNECTED || size < sizeof(listed))
        return;
    memcpy(&listed, payload, sizeof(listed));
    const char *p = (const char *)payload + sizeof(listed);
    for (uint32_t i = 0; i < listed.count && sizeof(listed) + (i + 1) * sizeof(struct keeper_record) <= size; i++) {
        struct keeper_record record;
        memcpy(&record, p + i * sizeof(record), sizeof(record));
        record.message[KEEPER_MESSAGE_MAX - 1] = '\0';
        tell_record(c, &record);
    }
    if (listed.next) {
        list_from(c, listed.next);
        return;
    }
    set_phase(c, READY);
    if (c->ops->ready)
        c->ops->ready(c->data, &c->welcome);
}

static void on_welcome(void *data, const struct err *err, const void *payload, size_t size, int fd)
{
    struct keeper_client *c = data;
    (void)fd;
    if (err) {
        struct err copy = *err; /* it may be in the message that goes away */
        lose(c, &copy);
        return;
    }
    if (size != sizeof(c->welcome))
        return;
    memcpy(&c->welcome, payload, sizeof(c->welcome));
    list_from(c, 0);
}

/* --- Receiving ---------------------------------------------------------------------------------------------------- */

static int on_reply(struct keeper_client *c, const struct keeper_header *header, const char *body, size_t size,
                    struct message_fds *fds, struct err *err)
{
    struct keeper_reply head;
    struct keeper_request *r = list_empty(&c->sent) ? NULL : container_of(c->sent.next, struct keeper_request, link);
    if (!r || header->serial != r->serial || size < sizeof(head))
        return err_set(err, ERR_INTERNAL, "the keeper answered what was not asked");
    memcpy(&head, body, sizeof(head));
    body += sizeof(head);
    size -= sizeof(head);
    if (!head.kind) {
        answer(r, NULL, body, size, message_fds_take(fds, 0));
        return 0;
    }
    struct err failure = {.kind = (enum err_kind)head.kind, .errnum = head.errnum};
    size_t length = size < sizeof(failure.message) ? size : sizeof(failure.message) - 1;
    memcpy(failure.message, body, length);
    failure.message[length] = '\0';
    if (is_start(r))
        remove_starting(c, r->starts);
    answer(r, &failure, NULL, 0, -1);
    return 0;
}

static int read_event(void *event, size_t expected, const char *body, size_t size, struct err *err)
{
    if (size != expected)
        return err_set(err, ERR_INTERNAL, "the keeper sent an event of a wrong size");
    memcpy(event, body, size);
    return 0;
}

static int on_started(struct keeper_client *c, const char *body, size_t size, struct message_fds *fds, struct err *err)
{
    struct keeper_started event;
    char id[ID_TEXT];
    if (read_event(&event, sizeof(event), body, size, err) < 0)
        return -1;
    keeper_id_format(event.id, id);
    remove_starting(c, event.id);
    if (c->ops->started)
        c->ops->started(c->data, id, event.pid, event.started_ns, message_fds_take(fds, 0));
    return 0;
}

static int on_failed(struct keeper_client *c, const char *body, size_t size, struct err *err)
{
    struct keeper_failed event;
    char id[ID_TEXT];
    if (read_event(&event, sizeof(event), body, size, err) < 0)
        return -1;
    keeper_id_format(event.id, id);
    remove_starting(c, event.id);
    struct err failure = {.kind = (enum err_kind)event.kind, .errnum = event.errnum};
    memcpy(failure.message, event.message, KEEPER_MESSAGE_MAX - 1);
    failure.message[KEEPER_MESSAGE_MAX - 1] = '\0';
    if (c->ops->failed)
        c->ops->failed(c->data, id, &failure);
    return 0;
}

static int on_exited(struct keeper_client *c, const char *body, size_t size, struct err *err)
{
    struct keeper_exited event;
    char id[ID_TEXT];
    if (read_event(&event, sizeof(event), body, size, err) < 0)
        return -1;
    keeper_id_format(event.id, id);
    if (c->ops->exited)
        c->ops->exited(c->data, id, event.status, event.ended_ns);
    return 0;
}

static int take_message(struct keeper_client *c, size_t size, struct message_fds *fds, struct err *err)
{
    struct keeper_header header;
    if (size < sizeof(header))
        return err_set(err, ERR_INTERNAL, "the keeper sent a message of %zu bytes", size);
    memcpy(&header, c->message, sizeof(header));
    const char *body = c->message + sizeof(header);
    size -= sizeof(header);
    switch (header.type) {
    case KEEPER_REPLY:
        return on_reply(c, &header, body, size, fds, err);
    case KEEPER_STARTED:
        return on_started(c, body, size, fds, err);
    case KEEPER_FAILED:
        return on_failed(c, body, size, err);
    case KEEPER_EXITED:
        return on_exited(c, body, size, err);
    default:
        return err_set(err, ERR_INTERNAL, "the keeper sent a message of unknown type %u", header.type);
    }
}

/* As many as a turn may take without keeping others waiting; the rest stays readable. */
static int receive(struct keeper_client *c, struct err *err)
{
    for (int i = 0; i < 64 && c->phase != DISCONNECTED; i++) {
        struct message_fds fds cleanup(message_fds_close) = MESSAGE_FDS_NONE;
        ssize_t n = message_receive(c->fd, c->message, sizeof(c->message), &fds);
        if (n == -EAGAIN)
            return 0;
        if (n < 0)
            return err_errno(err, (int)n, "the keeper's connection");
        if (n == 0)
            return err_set(err, ERR_UNAVAILABLE, "the keeper closed the connection");
        if (take_message(c, (size_t)n, &fds, err) < 0)
            return -1;
    }
    return 0;
}

static void ready(struct io *io, uint32_t events)
{
    struct keeper_client *c = container_of(io, struct keeper_client, io);
    struct err err;
    (void)events;
    if (receive(c, &err) < 0 || flush(c, &err) < 0)
        lose(c, &err);
}

/* --- The calls ---------------------------------------------------------------------------------------------------- */

struct keeper_client *keeper_client_new(struct loop *loop, const struct keeper_client_ops *ops, void *data)
{
    struct keeper_client *c = NEW(struct keeper_client);
    c->loop = loop;
    c->ops = ops;
    c->data = data;
    c->fd = -1;
    list_init(&c->greetings);
    list_init(&c->requests);
    list_init(&c->held);
    list_init(&c->starts);
    list_init(&c->sent);
    return c;
}

void keeper_client_free(struct keeper_client *c)
{
    io_remove(&c->io);
    close_fd(&c->fd);
    free_all(&c->greetings);
    free_all(&c->requests);
    free_all(&c->held);
    free_all(&c->starts);
    free_all(&c->sent);
    free(c);
}

void keeper_client_hold(struct keeper_client *c)
{
    c->holds = true;
}

void keeper_client_release(struct keeper_client *c)
{
    struct err err;
    if (list_empty(&c->held))
        return;
    while (!list_empty(&c->held)) {
        struct list *link = c->held.next;
        list_remove(link);
        list_push(&c->starts, link);
    }
    if (flush(c, &err) < 0)
        lose(c, &err);
}

bool keeper_client_connected(const struct keeper_client *c)
{
    return c->phase == READY;
}

int keeper_client_connect(struct keeper_client *c, const char *path, struct err *err)
{
    if (c->phase != DISCONNECTED)
        return err_set(err, ERR_CONFLICT, "the keeper is connected already");
    cleanup_fd int fd = socket_connect(path, false);
    if (fd < 0) {
        (void)err_errno(err, fd, "the keeper at %s", path);
        err->kind = ERR_UNAVAILABLE;
        return -1;
    }
    c->io.ready = ready;
    if (io_add(&c->io, c->loop, fd, EPOLLIN, err) < 0)
        return -1;
    c->fd = take_fd(&fd);
    set_phase(c, GREETING);
    greet(c, KEEPER_HELLO, &(struct keeper_hello){.protocol = KEEPER_PROTOCOL}, sizeof(struct keeper_hello),
          on_welcome);
    return 0;
}
