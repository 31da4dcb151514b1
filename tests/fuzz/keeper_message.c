/*
 * Requests to the keeper, as anybody with the daemon's rights could send them: a 16-bit length before each. A
 * launcher's socket is there that swallows what is handed on to it, and no other can be started, so that nothing is
 * forked.
 */
#include "base/cleanup.h"
#include "ipc/socket.h"
#include "keeper/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct keeper keeper;
static int daemon_end, launcher_end;

static void drain(int fd)
{
    char buffer[4096];
    struct message_fds fds;
    ssize_t n;
    while ((n = message_receive(fd, buffer, sizeof(buffer), &fds)) > 0 || n == -EMSGSIZE)
        message_fds_close(&fds);
}

static void pair_of(int *ours, int *theirs)
{
    int pair[2];
    if (socket_pair(pair) < 0 || fcntl(pair[0], F_SETFL, O_NONBLOCK) < 0 || fcntl(pair[1], F_SETFL, O_NONBLOCK) < 0)
        abort();
    *ours = pair[0];
    *theirs = pair[1];
}

static void start(void)
{
    struct keeper *k = &keeper;
    struct err err;
    k->epoll = epoll_create1(EPOLL_CLOEXEC);
    k->in = malloc(MESSAGE_SIZE_MAX);
    k->out = malloc(MESSAGE_SIZE_MAX);
    if (table_init(&k->table, &err) < 0 || store_init(k, &err) < 0)
        abort();
    for (unsigned i = 0; i < KEEPER_LAUNCHERS_MAX; i++) {
        k->launchers[i] = (struct launcher_entry){.used = true, .socket = -1, .filters = -1, .reports = 1};
        memset(k->launchers[i].key, (int)i, KEEPER_KEY_SIZE);
        pair_of(&k->launchers[i].socket, &launcher_end);
        if (i)
            (void)close(launcher_end); /* all but the first are dead */
        if (!i)
            daemon_end = launcher_end;
    }
    launcher_end = daemon_end;
}

static void connect_daemon(void)
{
    struct err err;
    peer_init(&keeper.peer);
    pair_of(&keeper.peer.fd, &daemon_end);
    if (keeper_watch(&keeper, keeper.peer.fd, EPOLLIN, WATCH_PEER, 0, &err) < 0)
        abort();
}

static void one(const uint8_t *data, size_t size)
{
    struct message_fds fds = {.count = 1, .fd = {open("/dev/null", O_RDWR | O_CLOEXEC)}};
    memcpy(keeper.in, data, size);
    (void)request_handle(&keeper, size, &fds);
    message_fds_close(&fds);
    peer_continue(&keeper);
    drain(launcher_end);
    drain(daemon_end);
}

/* Everything goes away again, and the table must know it. */
static void finish(void)
{
    struct table *t = &keeper.table;
    uint32_t living = 0, count = 0;
    for (uint32_t slot = 0; slot < t->used; slot++) {
        struct entry *e = &t->entries[slot];
        count += e->state != 0;
        living += e->state == KEEPER_STARTING || e->state == KEEPER_RUNNING;
        if (e->state && table_find(t, e->id) != slot)
            abort();
    }
    if (count != t->count || living != t->living)
        abort();
    peer_drop(&keeper);
    close_fd(&daemon_end);
    for (uint32_t slot = 0; slot < t->used; slot++)
        if (t->entries[slot].state) {
            close_fd(&t->entries[slot].status_fd);
            close_fd(&t->entries[slot].cgroup_fd);
            table_remove(t, slot);
        }
    for (uint32_t i = 0; i < keeper.stored_used; i++)
        if (*keeper.stored[i].name)
            (void)store_drop(&keeper, keeper.stored[i].name);
    keeper.ending = false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool started;
    if (!started)
        start();
    started = true;
    connect_daemon();
    while (size > 2 && keeper.peer.fd >= 0) {
        size_t length = data[0] | (size_t)data[1] << 8;
        data += 2;
        size -= 2;
        length = length < size ? length : size;
        if (length >= sizeof(struct keeper_header))
            one(data, length);
        data += length;
        size -= length;
    }
    finish();
    return 0;
}
