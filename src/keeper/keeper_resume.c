/* The state of the keeper before, read: by `--check` to see whether it can be, by `--resume` to go on from it. */
#include "keeper/keeper_state.h"

#include "base/cleanup.h"
#include "sys/files.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/stat.h>

/* --- Reading ------------------------------------------------------------------------------------------------------ */

struct state {
    const char *data; /* mapped */
    size_t size;
    struct state_head head;
    const char *lists[LIST_COUNT];
};

static void state_done(struct state *s)
{
    if (s->data)
        (void)munmap((void *)s->data, s->size);
}

static bool is_text(const char *text, size_t size)
{
    return memchr(text, '\0', size) != NULL;
}

static int find_lists(struct state *s, struct err *err)
{
    static const size_t least[] = {[LAUNCHERS] = sizeof(struct state_launcher),
                                   [ENTRIES] = sizeof(struct state_entry),
                                   [STORED] = sizeof(struct state_stored)};
    size_t at = s->head.head_size;
    for (int i = 0; i < LIST_COUNT; i++) {
        uint64_t bytes = (uint64_t)s->head.lists[i].count * s->head.lists[i].size;
        if (s->head.lists[i].size < least[i] || at > s->size || bytes > s->size - at)
            return err_set(err, ERR_INVALID, "list %d of the state is cut", i);
        s->lists[i] = s->data + at;
        at += bytes;
    }
    if (at != s->size)
        return err_set(err, ERR_INVALID, "%zu bytes follow the state", s->size - at);
    return 0;
}

/* state_done() is the caller's, on failure too. */
static int map_state(int fd, struct state *s, struct err *err)
{
    struct stat st;
    *s = (struct state){0};
    if (file_check_sealed(fd) < 0 || fstat(fd, &st) < 0)
        return err_set(err, ERR_INVALID, "the state is no sealed memfd");
    s->size = (size_t)st.st_size;
    if (s->size < sizeof(s->head))
        return err_set(err, ERR_INVALID, "the state is cut");
    void *data = mmap(NULL, s->size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (data == MAP_FAILED)
        return err_errno(err, errno, "the state");
    s->data = data;
    memcpy(&s->head, s->data, sizeof(s->head));
    if (s->head.magic != STATE_MAGIC || s->head.version != STATE_VERSION || s->head.head_size < sizeof(s->head))
        return err_set(err, ERR_UNSUPPORTED, "the state is of version %u, not %d", s->head.version, STATE_VERSION);
    return find_lists(s, err);
}

/* Copies the part of an item that this program knows: a newer one's may lie anywhere. */
static void take_item(const struct state *s, int list, uint32_t i, void *ret, size_t size)
{
    memcpy(ret, s->lists[list] + (size_t)i * s->head.lists[list].size, size);
}

static bool is_open(int fd)
{
    return fcntl(fd, F_GETFD) >= 0;
}

static int check_launcher(const struct state_launcher *l, struct err *err)
{
    if (l->pid < 0) /* a free place */
        return 0;
    if (l->pid <= 1 || !is_open(l->socket) || !is_open(l->filters))
        return err_set(err, ERR_INVALID, "a launcher of the state is not one");
    return 0;
}

static int check_entry(const struct state_entry *e, int64_t last_slot, struct err *err)
{
    if (e->slot >= KEEPER_CONTAINERS_MAX || e->slot <= last_slot || e->state < KEEPER_STARTING ||
        e->state > KEEPER_EXITED_STATE || e->pid < 0 || e->pid == 1 || (e->state == KEEPER_RUNNING && !e->pid) ||
        e->launcher >= KEEPER_LAUNCHERS_MAX || !is_text(e->message, sizeof(e->message)))
        return err_set(err, ERR_INVALID, "a container of the state is not one");
    if ((e->status_fd >= 0 && !is_open(e->status_fd)) || (e->tty_fd >= 0 && !is_open(e->tty_fd)) ||
        (e->cgroup_fd >= 0 && !is_open(e->cgroup_fd)))
        return err_set(err, ERR_INVALID, "a descriptor of a container is not open");
    return 0;
}

static int check_lists(const struct state *s, struct err *err)
{
    const struct state_head *h = &s->head;
    int64_t last = -1;
    for (uint32_t i = 0; i < h->lists[LAUNCHERS].count; i++) {
        struct state_launcher l;
        take_item(s, LAUNCHERS, i, &l, sizeof(l));
        if (check_launcher(&l, err) < 0)
            return -1;
    }
    for (uint32_t i = 0; i < h->lists[ENTRIES].count; i++) {
        struct state_entry e;
        take_item(s, ENTRIES, i, &e, sizeof(e));
        if (check_entry(&e, last, err) < 0)
            return -1;
        last = e.slot;
    }
    for (uint32_t i = 0; i < h->lists[STORED].count; i++) {
        struct state_stored stored;
        take_item(s, STORED, i, &stored, sizeof(stored));
        if (!*stored.name || !is_text(stored.name, sizeof(stored.name)) || !is_open(stored.fd))
            return err_set(err, ERR_INVALID, "a stored descriptor is not one");
    }
    return 0;
}

static int check_state(const struct state *s, struct err *err)
{
    const struct state_head *h = &s->head;
    if (!is_open(h->listener) || !is_open(h->lock) || !is_open(h->program) || (h->peer >= 0 && !is_open(h->peer)))
        return err_set(err, ERR_INVALID, "a descriptor of the keeper is not open");
    if (h->lists[LAUNCHERS].count > KEEPER_LAUNCHERS_MAX || h->lists[ENTRIES].count > KEEPER_CONTAINERS_MAX ||
        h->lists[STORED].count > KEEPER_STORE_MAX)
        return err_set(err, ERR_LIMIT, "the state is too large");
    if (!is_text(h->oom_score_adj, sizeof(h->oom_score_adj)) || !is_text(h->run_dir, sizeof(h->run_dir)))
        return err_set(err, ERR_INVALID, "a text of the keeper has no end");
    return check_lists(s, err);
}

int state_check(int fd, struct err *err)
{
    struct state s cleanup(state_done);
    return map_state(fd, &s, err) < 0 ? -1 : check_state(&s, err);
}

/* --- Going on ----------------------------------------------------------------------------------------------------- */

/* Launchers run the program before: they end when they owe nothing, and the next request starts one of this program. */
static int resume_launchers(struct keeper *k, const struct state *s, struct err *err)
{
    for (uint32_t i = 0; i < s->head.lists[LAUNCHERS].count; i++) {
        struct launcher_entry *l = &k->launchers[i];
        struct state_launcher from;
        take_item(s, LAUNCHERS, i, &from, sizeof(from));
        *l = (struct launcher_entry){.socket = -1, .filters = -1};
        if (from.pid < 0)
            continue;
        *l = (struct launcher_entry){
            .used = true,
            .pid = from.pid,
            .socket = from.socket,
            .filters = from.filters,
            .outer_size = from.outer_size,
            .inner_size = from.inner_size,
            .reports = from.reports,
            .retiring = from.reports > 0,
        };
        memcpy(l->key, from.key, KEEPER_KEY_SIZE);
        keep_open(l->socket, false);
        keep_open(l->filters, false);
        k->reports += l->reports;
        if (l->retiring && keeper_watch(k, l->socket, EPOLLIN, WATCH_LAUNCHER, i, err) < 0)
            return -1;
        if (!l->retiring) {
            close_fd(&l->socket);
            l->pid = 0;
        }
    }
    return 0;
}

static int resume_entry(struct keeper *k, const struct state_entry *from, struct err *err)
{
    struct entry e = {
        .generation = from->generation,
        .state = from->state,
        .reported = from->reported,
        .status_closed = from->status_closed,
        .reaped = from->reaped,
        .failed = from->failed,
        .namespaces = from->namespaces,
        .launcher = from->launcher,
        .pid = from->pid,
        .status = from->status,
        .kind = from->kind,
        .errnum = from->errnum,
        .status_fd = from->status_fd,
        .tty_fd = from->tty_fd,
        .cgroup_fd = from->cgroup_fd,
        .started_ns = from->started_ns,
        .ended_ns = from->ended_ns,
    };
    memcpy(e.id, from->id, sizeof(e.id));
    memcpy(e.container, from->container, sizeof(e.container));
    if (!table_add_at(&k->table, from->slot, &e))
        return err_set(err, ERR_INVALID, "a container is in the state twice");
    if (from->failed)
        memcpy(k->table.messages[from->slot], from->message, sizeof(from->message));
    keep_open(e.status_fd, false);
    keep_open(e.tty_fd, false);
    keep_open(e.cgroup_fd, false);
    for (unsigned bit = ANNOUNCE_STARTED; bit <= ANNOUNCE_EXITED; bit <<= 1)
        if (from->announcements & bit)
            peer_announce(k, from->slot, (enum announcement)bit);
    return e.status_fd < 0 ? 0 : keeper_watch(k, e.status_fd, EPOLLIN, WATCH_STATUS, from->slot, err);
}

static int resume_peer(struct keeper *k, const struct state_head *h, struct err *err)
{
    peer_init(&k->peer);
    if (h->peer < 0)
        return 0;
    keep_open(h->peer, false);
    k->peer.fd = h->peer;
    k->peer.hello = h->peer_hello;
    k->peer.serial = h->serial;
    return keeper_watch(k, h->peer, EPOLLIN, WATCH_PEER, 0, err);
}

int state_resume(struct keeper *k, int fd, struct err *err)
{
    struct state s cleanup(state_done);
    if (map_state(fd, &s, err) < 0 || check_state(&s, err) < 0)
        return -1;
    k->listener = s.head.listener;
    k->lock = s.head.lock;
    k->program = s.head.program;
    keep_open(k->listener, false);
    keep_open(k->lock, false);
    keep_open(k->program, false);
    k->reexecs = s.head.reexecs;
    k->files = s.head.files;
    memcpy(k->oom_score_adj, s.head.oom_score_adj, sizeof(k->oom_score_adj));
    memcpy(k->run_dir, s.head.run_dir, sizeof(k->run_dir));
    if (resume_peer(k, &s.head, err) < 0 || resume_launchers(k, &s, err) < 0)
        return -1;
    for (uint32_t i = 0; i < s.head.lists[ENTRIES].count; i++) {
        struct state_entry entry;
        take_item(&s, ENTRIES, i, &entry, sizeof(entry));
        if (resume_entry(k, &entry, err) < 0)
            return -1;
    }
    for (uint32_t i = 0; i < s.head.lists[STORED].count; i++) {
        struct state_stored stored;
        take_item(&s, STORED, i, &stored, sizeof(stored));
        keep_open(stored.fd, false);
        if (store_put(k, stored.name, stored.fd, err) < 0)
            return -1;
    }
    k->table.next_generation = s.head.next_generation;
    k->strays = true;   /* the launchers of before, and whoever ended meanwhile */
    k->sweep_at_ms = 1; /* at once */
    return 0;
}
