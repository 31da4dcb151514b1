#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "ipc/message.h"
#include "ipc/socket.h"
#include "keeper/logger.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#define CONNECTIONS_MAX 16
#define REQUESTS_A_TURN 256
/* Events that a daemon has not taken. One that lets more come hangs: it is left, and asks again when it comes back. */
#define QUEUE_MAX 65536

struct queued {
    struct list link;
    size_t size;
    char data[];
};

struct connection {
    struct list link;
    struct io io; /* its descriptor is owned */
    struct logger *logger;
    bool greeted;
    bool broken;       /* to be freed when its turn ends */
    struct list queue; /* struct queued, owned */
    unsigned queue_count;
};

/* --- Telling ------------------------------------------------------------------------------------------------------ */

static void connection_free(struct connection *n)
{
    attachments_disown(n->logger, n);
    struct queued *q;
    list_foreach (q, &n->queue, link)
        free(q);
    list_remove(&n->link);
    io_remove(&n->io);
    closep(&n->io.fd);
    free(n);
}

static void enqueue(struct connection *n, const struct logger_event *event, const char *text)
{
    if (n->queue_count >= QUEUE_MAX) {
        n->broken = true;
        return;
    }
    struct queued *q = mem_alloc(sizeof(*q) + sizeof(*event) + event->text_size);
    q->size = sizeof(*event) + event->text_size;
    memcpy(q->data, event, sizeof(*event));
    if (text)
        memcpy(q->data + sizeof(*event), text, event->text_size);
    list_push(&n->queue, &q->link);
    n->queue_count++;
    io_want(&n->io, EPOLLIN | EPOLLOUT);
}

static void tell(struct connection *n, const struct logger_event *event, const char *text)
{
    struct iovec parts[2] = {{.iov_base = (void *)event, .iov_len = sizeof(*event)},
                             {.iov_base = (void *)text, .iov_len = event->text_size}};
    if (!list_empty(&n->queue) || message_send(n->io.fd, parts, 2, NULL, 0) == -EAGAIN)
        enqueue(n, event, text);
}

void logger_tell(struct logger *l, struct connection *to, const struct logger_event *event, const char *text)
{
    struct connection *n;
    if (to)
        tell(to, event, text);
    else
        list_foreach (n, &l->connections, link)
            if (n->greeted)
                tell(n, event, text);
}

static void flush_queue(struct connection *n)
{
    struct queued *q;
    list_foreach (q, &n->queue, link) {
        if (message_send_data(n->io.fd, q->data, q->size, NULL, 0) == -EAGAIN)
            return;
        list_remove(&q->link);
        n->queue_count--;
        free(q);
    }
    io_want(&n->io, EPOLLIN);
}

/* --- Requests ----------------------------------------------------------------------------------------------------- */

struct call {
    struct logger *logger;
    struct connection *connection;
    const struct logger_request *request;
    const char *text;
    struct message_fds *fds;
};

static int do_hello(const struct call *call, struct err *err)
{
    struct stat st;
    if (call->request->value != LOGGER_PROTOCOL_VERSION)
        return err_set(err, ERR_UNSUPPORTED, "this logger speaks version %d of the protocol, not %u",
                       LOGGER_PROTOCOL_VERSION, call->request->value);
    if (fstat(call->fds->fd[0], &st) < 0 || !S_ISDIR(st.st_mode))
        return err_set(err, ERR_INVALID, "hello: the descriptor is no folder");
    log_files_use(&call->logger->files, message_fds_take(call->fds, 0));
    call->connection->greeted = true;
    return 0;
}

static int do_open(const struct call *call, struct err *err)
{
    int terminal_fd = message_fds_take(call->fds, 0);
    int r = logger_open_container(call->logger, call->request, call->text, &terminal_fd, err);
    closep(&terminal_fd);
    return r;
}

static int do_close(const struct call *call, struct err *err)
{
    struct err unknown;
    struct container *c = logger_find(call->logger, call->request->id, &unknown);
    if (c)
        container_close(call->logger, c);
    else
        tell_drained(call->logger, call->connection, call->request->id);
    return 0;
}

static int do_attach(const struct call *call, struct err *err)
{
    struct container *c = logger_find(call->logger, call->request->id, err);
    return c ? attachment_new(call->logger, c, call->connection, call->request, &call->fds->fd[0], err) : -1;
}

static int do_detach(const struct call *call, struct err *err)
{
    return attachment_detach(call->logger, call->connection, call->request->value, err);
}

static struct container *find_with_file(const struct call *call, struct err *err)
{
    struct container *c = logger_find(call->logger, call->request->id, err);
    if (c && c->driver != LOGGER_JSON_FILE) {
        (void)err_set(err, ERR_CONFLICT, "container %s has no log file", c->id);
        return NULL;
    }
    return c;
}

static int do_rotate(const struct call *call, struct err *err)
{
    struct container *c = find_with_file(call, err);
    if (!c)
        return -1;
    int r = log_file_rotate(&call->logger->files, &c->file, c->id);
    return r < 0 ? err_errno(err, r, "cannot begin a new log file of container %s", c->id) : 0;
}

static int do_reopen(const struct call *call, struct err *err)
{
    struct container *c = find_with_file(call, err);
    if (c)
        log_file_close(&call->logger->files, &c->file);
    return c ? 0 : -1;
}

static void tell_container(const struct call *call, const struct container *c)
{
    struct logger_event event = {.type = LOGGER_CONTAINER,
                                 .sequence = call->request->sequence,
                                 .bytes = c->bytes,
                                 .lines = c->lines,
                                 .dropped = c->dropped};
    memcpy(event.id, c->id, ID_SIZE);
    logger_tell(call->logger, call->connection, &event, NULL);
}

static int do_list(const struct call *call, struct err *err)
{
    struct map_entry *entry;
    for (size_t i = 0; (entry = map_next(&call->logger->containers, &i));)
        tell_container(call, entry->value);
    return 0;
}

static int do_stats(const struct call *call, struct err *err)
{
    struct container *c = logger_find(call->logger, call->request->id, err);
    if (c)
        tell_container(call, c);
    return c ? 0 : -1;
}

static int do_shutdown(const struct call *call, struct err *err)
{
    struct logger *l = call->logger;
    l->ending = true;
    l->ended = !l->containers.count;
    return 0;
}

static int (*const handlers[LOGGER_REQUEST_COUNT])(const struct call *call, struct err *err) = {
    [LOGGER_HELLO] = do_hello,       [LOGGER_OPEN] = do_open,     [LOGGER_CLOSE] = do_close,
    [LOGGER_ATTACH] = do_attach,     [LOGGER_DETACH] = do_detach, [LOGGER_ROTATE] = do_rotate,
    [LOGGER_REOPEN] = do_reopen,     [LOGGER_LIST] = do_list,     [LOGGER_STATS] = do_stats,
    [LOGGER_SHUTDOWN] = do_shutdown,
};

static int answer(struct connection *n, const void *data, size_t size, struct message_fds *fds,
                  struct logger_request *request, struct err *err)
{
    struct call call = {.logger = n->logger, .connection = n, .request = request, .fds = fds};
    if (logger_request_read(data, size, fds->count, request, &call.text, err) < 0)
        return -1;
    if (!n->greeted && request->type != LOGGER_HELLO)
        return err_set(err, ERR_CONFLICT, "the first request is hello");
    return handlers[request->type](&call, err);
}

static void reply(struct connection *n, uint32_t sequence, const struct err *error)
{
    struct logger_event event = {.type = LOGGER_REPLY,
                                 .sequence = sequence,
                                 .error = error ? (uint32_t)error->kind : 0,
                                 .text_size = error ? (uint32_t)strlen(error->message) : 0};
    logger_tell(n->logger, n, &event, error ? error->message : NULL);
}

/* Takes one request and answers it; false where there is none now. The connection may be gone after it. */
static bool take_request(struct connection *n)
{
    char data[sizeof(struct logger_request) + LOGGER_TEXT_MAX];
    struct message_fds fds cleanup(message_fds_close) = MESSAGE_FDS_NONE;
    struct logger_request request;
    struct err err;
    ssize_t size = message_receive(n->io.fd, data, sizeof(data), &fds);
    if (size == -EAGAIN)
        return false;
    if (size > 0 || size == -EMSGSIZE || size == -EMFILE) {
        int r = size > 0 ? answer(n, data, (size_t)size, &fds, &request, &err)
                         : err_errno(&err, (int)size, "a request cannot be read");
        reply(n, size > 0 ? request.sequence : 0, r < 0 ? &err : NULL);
        /* Without a sequence number nobody knows what the reply answers. */
        n->broken |= size <= 0 || !request.sequence;
    }
    if (size != 0 && size != -ECONNRESET && !n->broken)
        return true;
    connection_free(n);
    return false;
}

/*
 * Requests go before streams: who attached before its payload began gets the payload's first line. So many a turn, so
 * that nobody's flood of them holds up the streams.
 */
static void connection_ready(struct io *io, uint32_t events)
{
    struct connection *n = container_of(io, struct connection, io);
    if (events & EPOLLOUT)
        flush_queue(n);
    for (int i = 0; i < REQUESTS_A_TURN && take_request(n); i++)
        ;
}

/* --- Connections -------------------------------------------------------------------------------------------------- */

static void listener_ready(struct io *io, uint32_t events)
{
    struct logger *l = container_of(io, struct logger, listener);
    cleanup_fd int fd = socket_accept(io->fd);
    unsigned count = 0;
    struct connection *n;
    struct err err;
    list_foreach (n, &l->connections, link)
        count++;
    if (fd < 0 || socket_check_peer(fd) < 0 || count >= CONNECTIONS_MAX)
        return;
    n = NEW(struct connection);
    n->logger = l;
    n->io = (struct io){.ready = connection_ready, .fd = fd};
    list_init(&n->queue);
    list_push(&l->connections, &n->link);
    if (io_add(&n->io, l->loop, fd, EPOLLIN, &err) < 0)
        log_error("%s", err.message);
    else
        (void)take_fd(&fd);
    if (fd >= 0) {
        n->io.fd = -1;
        connection_free(n);
    }
}

int logger_listen(struct logger *l, const char *run_dir, struct err *err)
{
    cleanup_free char *path = mem_printf("%s/logger.sock", run_dir);
    int fd = socket_listen(path);
    if (fd < 0)
        return err_errno(err, fd, "cannot listen at %s", path);
    l->listener = (struct io){.ready = listener_ready, .fd = fd};
    return io_add(&l->listener, l->loop, fd, EPOLLIN, err);
}

void logger_hang_up(struct logger *l)
{
    struct connection *n;
    list_foreach (n, &l->connections, link)
        connection_free(n);
    io_remove(&l->listener);
    close_fd(&l->listener.fd);
}
