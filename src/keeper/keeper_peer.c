#include "base/cleanup.h"
#include "base/log.h"
#include "ipc/socket.h"
#include "keeper/keeper.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>

/* Buffers give back what a large message needed. */
#define KEEP_PAGES ((size_t)16 * 1024)

void peer_init(struct peer *p)
{
    *p = (struct peer){.fd = -1, .out_fd = -1, .announce_first = NO_SLOT, .announce_last = NO_SLOT};
}

void peer_drop(struct keeper *k)
{
    struct peer *p = &k->peer;
    if (p->fd < 0)
        return;
    /* What was to be announced is in the table, where the next daemon finds it. */
    for (uint32_t slot = p->announce_first; slot != NO_SLOT;) {
        struct entry *e = &k->table.entries[slot];
        slot = e->next;
        e->announcements = 0;
        e->in_queue = false;
        e->next = NO_SLOT;
    }
    close_fd(&p->fd);
    close_fd(&p->out_fd);
    message_fds_close(&p->fds);
    peer_init(p);
}

void peer_accept(struct keeper *k)
{
    for (;;) {
        cleanup_fd int fd = socket_accept(k->listener);
        if (fd < 0)
            return;
        struct err err;
        if (socket_check_peer(fd) < 0) {
            log_warning("a connection of another user was refused");
            continue;
        }
        peer_drop(k);
        if (keeper_watch(k, fd, EPOLLIN, WATCH_PEER, 0, &err) < 0)
            log_warning("%s", err.message);
        else
            k->peer.fd = take_fd(&fd);
    }
}

/* --- Sending ------------------------------------------------------------------------------------------------------ */

static void shrink(char *buffer, size_t used)
{
    if (used > KEEP_PAGES)
        (void)madvise(buffer + KEEP_PAGES, MESSAGE_SIZE_MAX - KEEP_PAGES, MADV_DONTNEED);
}

/* False where it must wait. A connection that fails is dropped, and nothing waits for it. */
static bool send_message(struct keeper *k, const void *data, size_t size, int fd)
{
    int r = message_send_data(k->peer.fd, data, size, &fd, fd >= 0);
    if (r == -EAGAIN)
        return false;
    if (r < 0)
        peer_drop(k);
    return true;
}

static bool send_reply(struct keeper *k)
{
    struct peer *p = &k->peer;
    if (!send_message(k, k->out, p->out_size, p->out_fd))
        return false;
    shrink(k->out, p->out_size);
    close_fd(&p->out_fd);
    p->reply_waits = false;
    return true;
}

static void reply(struct keeper *k, const struct keeper_reply *head, const void *payload, size_t size, int fd)
{
    struct peer *p = &k->peer;
    struct keeper_header header = {.type = KEEPER_REPLY, .serial = p->serial};
    char *body = k->out + sizeof(header) + sizeof(*head);
    if (payload)
        memmove(body, payload, size); /* it may have been built in place */
    memcpy(k->out, &header, sizeof(header));
    memcpy(k->out + sizeof(header), head, sizeof(*head));
    p->out_size = sizeof(header) + sizeof(*head) + size;
    p->out_fd = fd;
    p->reply_waits = true;
    (void)send_reply(k);
}

void peer_reply(struct keeper *k, const void *payload, size_t size, int fd)
{
    reply(k, &(struct keeper_reply){0}, payload, size, fd);
}

void peer_reply_error(struct keeper *k, const struct err *err)
{
    struct keeper_reply head = {.kind = (int32_t)err->kind, .errnum = err->errnum};
    reply(k, &head, err->message, strlen(err->message), -1);
}

/* --- Events ------------------------------------------------------------------------------------------------------- */

static bool announce_started(struct keeper *k, const struct entry *e)
{
    struct {
        struct keeper_header header;
        struct keeper_started started;
    } message = {.header = {.type = KEEPER_STARTED},
                 .started = {.pid = e->pid, .has_tty = e->tty_fd >= 0, .started_ns = e->started_ns}};
    memcpy(message.started.id, e->id, KEEPER_ID_SIZE);
    return send_message(k, &message, sizeof(message), e->tty_fd);
}

static bool announce_failed(struct keeper *k, const struct entry *e, uint32_t slot)
{
    struct {
        struct keeper_header header;
        struct keeper_failed failed;
    } message = {.header = {.type = KEEPER_FAILED}, .failed = {.kind = e->kind, .errnum = e->errnum}};
    memcpy(message.failed.id, e->id, KEEPER_ID_SIZE);
    memcpy(message.failed.message, k->table.messages[slot], KEEPER_MESSAGE_MAX);
    return send_message(k, &message, sizeof(message), -1);
}

static bool announce_exited(struct keeper *k, const struct entry *e)
{
    struct {
        struct keeper_header header;
        struct keeper_exited exited;
    } message = {.header = {.type = KEEPER_EXITED},
                 .exited = {.pid = e->pid, .status = e->status, .ended_ns = e->ended_ns}};
    memcpy(message.exited.id, e->id, KEEPER_ID_SIZE);
    return send_message(k, &message, sizeof(message), -1);
}

static bool announce(struct keeper *k, uint32_t slot)
{
    struct entry *e = &k->table.entries[slot];
    uint8_t what = e->announcements & -e->announcements; /* the lowest bit: in the order in which they happen */
    bool sent = what == ANNOUNCE_STARTED  ? announce_started(k, e)
                : what == ANNOUNCE_FAILED ? announce_failed(k, e, slot)
                                          : announce_exited(k, e);
    if (sent)
        e->announcements &= (uint8_t)~what;
    return sent;
}

static void dequeue_first(struct keeper *k)
{
    struct peer *p = &k->peer;
    struct entry *e = &k->table.entries[p->announce_first];
    p->announce_first = e->next;
    if (p->announce_first == NO_SLOT)
        p->announce_last = NO_SLOT;
    e->next = NO_SLOT;
    e->in_queue = false;
}

static bool send_events(struct keeper *k)
{
    struct peer *p = &k->peer;
    while (p->fd >= 0 && p->announce_first != NO_SLOT) {
        uint32_t slot = p->announce_first;
        if (k->table.entries[slot].announcements && !announce(k, slot))
            return false;
        if (p->fd >= 0 && !k->table.entries[slot].announcements)
            dequeue_first(k);
    }
    return true;
}

void peer_announce(struct keeper *k, uint32_t slot, enum announcement what)
{
    struct peer *p = &k->peer;
    struct entry *e = &k->table.entries[slot];
    if (p->fd < 0 || !p->hello)
        return;
    e->announcements |= (uint8_t)what;
    if (e->in_queue)
        return;
    e->in_queue = true;
    e->next = NO_SLOT;
    if (p->announce_last == NO_SLOT)
        p->announce_first = slot;
    else
        k->table.entries[p->announce_last].next = slot;
    p->announce_last = slot;
}

void peer_forget(struct keeper *k, uint32_t slot)
{
    struct peer *p = &k->peer;
    if (!k->table.entries[slot].in_queue)
        return;
    uint32_t before = NO_SLOT;
    for (uint32_t i = p->announce_first; i != slot; i = k->table.entries[i].next)
        before = i;
    if (before == NO_SLOT) {
        dequeue_first(k);
        return;
    }
    k->table.entries[before].next = k->table.entries[slot].next;
    if (p->announce_last == slot)
        p->announce_last = before;
}

/* --- Receiving ---------------------------------------------------------------------------------------------------- */

static void handle(struct keeper *k)
{
    struct peer *p = &k->peer;
    size_t size = p->in_size;
    p->request_waits = !request_handle(k, size, &p->fds);
    if (p->request_waits)
        return;
    message_fds_close(&p->fds);
    shrink(k->in, size);
}

static bool receive(struct keeper *k)
{
    struct peer *p = &k->peer;
    ssize_t n = message_receive(p->fd, k->in, MESSAGE_SIZE_MAX, &p->fds);
    if (n == -EAGAIN)
        return false;
    if (n < (ssize_t)sizeof(struct keeper_header)) {
        if (n != 0 && n != -ECONNRESET)
            log_warning("the daemon's message cannot be read: %s", n < 0 ? strerror((int)-n) : "it is too short");
        peer_drop(k);
        return false;
    }
    p->in_size = (size_t)n;
    return true;
}

void peer_continue(struct keeper *k)
{
    struct peer *p = &k->peer;
    if (p->fd < 0)
        return;
    bool sent = (!p->reply_waits || send_reply(k)) && send_events(k);
    if (p->fd >= 0 && sent && p->request_waits)
        handle(k);
    if (p->fd < 0)
        return;
    uint32_t events = p->request_waits || p->reply_waits ? 0 : EPOLLIN;
    bool out = p->reply_waits || p->announce_first != NO_SLOT;
    keeper_watch_again(k, p->fd, events | (out ? EPOLLOUT : 0), WATCH_PEER, 0);
}

/* A few requests in a row, then everybody else's turn. */
void peer_ready(struct keeper *k, uint32_t events)
{
    struct peer *p = &k->peer;
    for (int i = 0; i < 16 && events & (EPOLLIN | EPOLLHUP) && p->fd >= 0; i++) {
        if (p->reply_waits || p->request_waits || !receive(k))
            break;
        handle(k);
    }
}
