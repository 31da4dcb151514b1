#include "base/cleanup.h"
#include "base/err.h"
#include "base/log.h"
#include "base/str.h"
#include "keeper/keeper.h"
#include "sys/files.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

/* What a request may do: answer by itself (peer_reply), or say how it went. */
enum outcome { FAILED = -1, WAITS = 0, DONE = 1, ANSWERED = 2 };

struct request {
    const void *body; /* of at least the size that the table below says; aligned */
    size_t size;
    struct message_fds *fds;
};

static uint32_t find(const struct keeper *k, const uint8_t id[KEEPER_ID_SIZE], struct err *err)
{
    uint32_t slot = table_find(&k->table, id);
    if (slot == NO_SLOT)
        (void)err_set(err, ERR_NOT_FOUND, "the keeper has no container of this id");
    return slot;
}

static int on_hello(struct keeper *k, const struct request *r, struct err *err)
{
    const struct keeper_hello *hello = r->body;
    if (hello->protocol != KEEPER_PROTOCOL)
        return err_set(err, ERR_UNSUPPORTED, "the keeper speaks protocol %d, not %u", KEEPER_PROTOCOL, hello->protocol);
    k->peer.hello = true;
    struct keeper_welcome welcome = {
        .protocol = KEEPER_PROTOCOL, .pid = getpid(), .containers = k->table.count, .reexecs = k->reexecs};
    (void)strcpy(welcome.version, SHOAL_VERSION); /* NOLINT(clang-analyzer-security.insecureAPI.strcpy): a literal */
    peer_reply(k, &welcome, sizeof(welcome), -1);
    return ANSWERED;
}

static int on_launcher(struct keeper *k, const struct request *r, struct err *err)
{
    return spawn_add_launcher(k, r->body, r->fds->count ? r->fds->fd[0] : -1, err) < 0 ? FAILED : DONE;
}

static int check_size(const struct request *r, size_t head, uint32_t description_size, struct err *err)
{
    if (r->size - head != description_size)
        return err_set(err, ERR_INVALID, "a description of %u bytes came with %zu", description_size, r->size - head);
    return 0;
}

static int on_spawn(struct keeper *k, const struct request *r, struct err *err)
{
    const struct keeper_spawn *spawn = r->body;
    if (check_size(r, sizeof(*spawn), spawn->description_size, err) < 0)
        return FAILED;
    return spawn_container(k, spawn, spawn + 1, r->fds, err);
}

static int on_exec(struct keeper *k, const struct request *r, struct err *err)
{
    const struct keeper_exec *exec = r->body;
    if (check_size(r, sizeof(*exec), exec->description_size, err) < 0)
        return FAILED;
    return spawn_exec(k, exec, exec + 1, r->fds, err);
}

static int on_signal(struct keeper *k, const struct request *r, struct err *err)
{
    const struct keeper_signal *request = r->body;
    uint32_t slot = find(k, request->id, err);
    if (slot == NO_SLOT)
        return FAILED;
    const struct entry *e = &k->table.entries[slot];
    if (!e->pid || e->reaped)
        return err_set(err, ERR_CONFLICT, "the container is not running");
    /* Not reaped: the pid is still this child's, alive or a zombie. */
    if (kill(e->pid, request->signo) < 0)
        return err_errno(err, errno, "signal %d", request->signo);
    reap_expect(k, slot);
    return DONE;
}

static void fill_record(const struct keeper *k, uint32_t slot, struct keeper_record *ret)
{
    const struct entry *e = &k->table.entries[slot];
    *ret = (struct keeper_record){
        .state = e->state,
        .pid = e->pid,
        .status = e->status,
        .kind = e->kind,
        .errnum = e->errnum,
        .has_tty = e->tty_fd >= 0,
        .started_ns = e->started_ns,
        .ended_ns = e->ended_ns,
    };
    memcpy(ret->id, e->id, KEEPER_ID_SIZE);
    memcpy(ret->container, e->container, KEEPER_ID_SIZE);
    if (e->state == KEEPER_FAILED_STATE)
        memcpy(ret->message, k->table.messages[slot], KEEPER_MESSAGE_MAX);
}

/* Answers are put together where they will be sent from, behind the headers. */
static void *answer_space(struct keeper *k, size_t *ret_size)
{
    size_t head = sizeof(struct keeper_header) + sizeof(struct keeper_reply);
    *ret_size = MESSAGE_SIZE_MAX - head;
    return k->out + head;
}

static int on_list(struct keeper *k, const struct request *r, struct err *err)
{
    (void)err;
    size_t room;
    struct keeper_listed *listed = answer_space(k, &room);
    struct keeper_record *records = (struct keeper_record *)(listed + 1);
    uint32_t max = (uint32_t)((room - sizeof(*listed)) / sizeof(*records)), count = 0;
    uint32_t slot = ((const struct keeper_list *)r->body)->from;
    for (; slot < k->table.used && count < max; slot++)
        if (k->table.entries[slot].state)
            fill_record(k, slot, &records[count++]);
    *listed = (struct keeper_listed){.next = slot < k->table.used ? slot : 0, .count = count};
    peer_reply(k, listed, sizeof(*listed) + count * sizeof(*records), -1);
    return ANSWERED;
}

static int on_ack(struct keeper *k, const struct request *r, struct err *err)
{
    uint32_t slot = find(k, ((const struct keeper_id *)r->body)->id, err);
    if (slot == NO_SLOT)
        return FAILED;
    struct entry *e = &k->table.entries[slot];
    if (e->state != KEEPER_EXITED_STATE && e->state != KEEPER_FAILED_STATE)
        return err_set(err, ERR_CONFLICT, "the container still runs");
    peer_forget(k, slot);
    close_fd(&e->tty_fd);
    close_fd(&e->cgroup_fd);
    table_remove(&k->table, slot);
    return DONE;
}

static int reply_fd(struct keeper *k, int fd, struct err *err)
{
    int copy = file_dup(fd, 3);
    if (copy < 0)
        return err_errno(err, copy, "a duplicate of the descriptor");
    peer_reply(k, NULL, 0, copy);
    return ANSWERED;
}

static int on_tty(struct keeper *k, const struct request *r, struct err *err)
{
    uint32_t slot = find(k, ((const struct keeper_id *)r->body)->id, err);
    if (slot == NO_SLOT)
        return FAILED;
    int fd = k->table.entries[slot].tty_fd;
    return fd < 0 ? err_set(err, ERR_CONFLICT, "the container has no terminal") : reply_fd(k, fd, err);
}

static int check_name(const struct keeper_store *store, struct err *err)
{
    if (!*store->name || !memchr(store->name, '\0', sizeof(store->name)))
        return err_set(err, ERR_INVALID, "the name of a stored descriptor must have 1 to %d bytes",
                       KEEPER_STORE_NAME_MAX - 1);
    return 0;
}

static int on_store_fd(struct keeper *k, const struct request *r, struct err *err)
{
    const struct keeper_store *store = r->body;
    if (check_name(store, err) < 0)
        return FAILED;
    if (r->fds->count != 1)
        return err_set(err, ERR_INVALID, "one descriptor can be stored at a time");
    if (store_put(k, store->name, r->fds->fd[0], err) < 0)
        return FAILED;
    (void)message_fds_take(r->fds, 0);
    return DONE;
}

static int on_take_fd(struct keeper *k, const struct request *r, struct err *err)
{
    const struct keeper_store *store = r->body;
    if (check_name(store, err) < 0)
        return FAILED;
    int fd = store_find(k, store->name);
    return fd < 0 ? err_set(err, ERR_NOT_FOUND, "no descriptor is stored as %s", store->name) : reply_fd(k, fd, err);
}

static int on_drop_fd(struct keeper *k, const struct request *r, struct err *err)
{
    const struct keeper_store *store = r->body;
    if (check_name(store, err) < 0)
        return FAILED;
    if (!store_drop(k, store->name))
        return err_set(err, ERR_NOT_FOUND, "no descriptor is stored as %s", store->name);
    return DONE;
}

static int on_stored(struct keeper *k, const struct request *r, struct err *err)
{
    (void)err;
    size_t room;
    struct keeper_listed *listed = answer_space(k, &room);
    struct keeper_store *names = (struct keeper_store *)(listed + 1);
    uint32_t max = (uint32_t)((room - sizeof(*listed)) / sizeof(*names)), count = 0;
    uint32_t i = ((const struct keeper_list *)r->body)->from;
    for (; i < k->stored_used && count < max; i++)
        if (*k->stored[i].name)
            memcpy(&names[count++], k->stored[i].name, sizeof(*names));
    *listed = (struct keeper_listed){.next = i < k->stored_used ? i : 0, .count = count};
    peer_reply(k, listed, sizeof(*listed) + count * sizeof(*names), -1);
    return ANSWERED;
}

static int on_reexec(struct keeper *k, const struct request *r, struct err *err)
{
    if (r->fds->count != 1)
        return err_set(err, ERR_INVALID, "the new program must come as one descriptor");
    return state_reexec(k, r->fds->fd[0], k->peer.serial, err);
}

static int on_shutdown(struct keeper *k, const struct request *r, struct err *err)
{
    (void)r;
    if (k->table.count)
        return err_set(err, ERR_CONFLICT, "%u containers run and %u records wait for their acknowledgement",
                       k->table.living, k->table.count - k->table.living);
    k->ending = true;
    return DONE;
}

static const struct {
    int (*handle)(struct keeper *k, const struct request *r, struct err *err);
    size_t size;
    bool more; /* something of any size may follow */
} requests[] = {
    [KEEPER_HELLO] = {on_hello, sizeof(struct keeper_hello), false},
    [KEEPER_LAUNCHER] = {on_launcher, sizeof(struct keeper_launcher), false},
    [KEEPER_SPAWN] = {on_spawn, sizeof(struct keeper_spawn), true},
    [KEEPER_EXEC] = {on_exec, sizeof(struct keeper_exec), true},
    [KEEPER_SIGNAL] = {on_signal, sizeof(struct keeper_signal), false},
    [KEEPER_LIST] = {on_list, sizeof(struct keeper_list), false},
    [KEEPER_ACK] = {on_ack, sizeof(struct keeper_id), false},
    [KEEPER_TTY] = {on_tty, sizeof(struct keeper_id), false},
    [KEEPER_STORE_FD] = {on_store_fd, sizeof(struct keeper_store), false},
    [KEEPER_TAKE_FD] = {on_take_fd, sizeof(struct keeper_store), false},
    [KEEPER_DROP_FD] = {on_drop_fd, sizeof(struct keeper_store), false},
    [KEEPER_STORED] = {on_stored, sizeof(struct keeper_list), false},
    [KEEPER_REEXEC] = {on_reexec, 0, false},
    [KEEPER_SHUTDOWN] = {on_shutdown, 0, false},
};

static int dispatch(struct keeper *k, uint32_t type, const struct request *r, struct err *err)
{
    if (type >= ARRAY_SIZE(requests) || !requests[type].handle)
        return err_set(err, ERR_UNSUPPORTED, "request %u is unknown", type);
    if (r->size < requests[type].size || (r->size > requests[type].size && !requests[type].more))
        return err_set(err, ERR_INVALID, "request %u has %zu bytes instead of %zu", type, r->size, requests[type].size);
    if (!k->peer.hello && type != KEEPER_HELLO)
        return err_set(err, ERR_INVALID, "the first request must be a hello");
    return requests[type].handle(k, r, err);
}

bool request_handle(struct keeper *k, size_t size, struct message_fds *fds)
{
    struct keeper_header header;
    memcpy(&header, k->in, sizeof(header));
    k->peer.serial = header.serial;
    struct request request = {.body = k->in + sizeof(header), .size = size - sizeof(header), .fds = fds};
    struct err err;
    switch (dispatch(k, header.type, &request, &err)) {
    case WAITS:
        return false;
    case DONE:
        peer_reply(k, NULL, 0, -1);
        return true;
    case ANSWERED:
        return true;
    default:
        peer_reply_error(k, &err);
        return true;
    }
}
