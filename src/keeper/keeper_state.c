#include "base/cleanup.h"
#include "base/log.h"
#include "keeper/keeper.h"
#include "sys/files.h"
#include "sys/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

/*
 * The keeper as a file: a head, then launchers, containers with their slots and messages, stored descriptors.
 * Descriptors are numbers that stay open across the exec. A newer program reads what an older one wrote: the structs
 * below only grow at their ends, and each list says how large its items are.
 */
#define STATE_MAGIC      0x53686f616c4b7072ULL
#define STATE_VERSION    1

#define CHECK_TIMEOUT_MS 5000

enum { LAUNCHERS, ENTRIES, STORED, LIST_COUNT };

struct state_head {
    uint64_t magic;
    uint32_t version, head_size;
    struct {
        uint32_t count, size;
    } lists[LIST_COUNT];
    int32_t listener, lock, program, peer;
    uint32_t peer_hello, serial, reexecs, next_generation;
    struct rlimit files;
    char oom_score_adj[16];
    char run_dir[4096];
};

struct state_launcher {
    int32_t pid, socket, filters;
    uint32_t outer_size, inner_size, reports;
    uint8_t key[KEEPER_KEY_SIZE];
};

struct state_entry {
    uint32_t slot, generation;
    uint8_t id[KEEPER_ID_SIZE], container[KEEPER_ID_SIZE];
    uint8_t state, announcements, reported, status_closed, reaped, failed, unused[2];
    uint32_t launcher, namespaces;
    int32_t pid, status, kind, errnum, status_fd, tty_fd, cgroup_fd;
    int64_t started_ns, ended_ns;
    char message[KEEPER_MESSAGE_MAX];
};

struct state_stored {
    char name[KEEPER_STORE_NAME_MAX];
    int32_t fd;
};

/* --- Writing ------------------------------------------------------------------------------------------------------ */

static void add(FILE *f, const void *data, size_t size)
{
    (void)fwrite(data, 1, size, f);
}

static void add_launchers(const struct keeper *k, FILE *f, uint32_t *ret_count)
{
    for (uint32_t i = 0; i < KEEPER_LAUNCHERS_MAX; i++) {
        /* Free places too: entries name their launcher by its place. */
        const struct launcher_entry *l = &k->launchers[i];
        struct state_launcher s = {.pid = l->used ? l->pid : -1,
                                   .socket = l->socket,
                                   .filters = l->filters,
                                   .outer_size = l->outer_size,
                                   .inner_size = l->inner_size,
                                   .reports = l->reports};
        memcpy(s.key, l->key, sizeof(s.key));
        add(f, &s, sizeof(s));
        ++*ret_count;
    }
}

static void add_entries(const struct keeper *k, FILE *f, uint32_t *ret_count)
{
    for (uint32_t slot = 0; slot < k->table.used; slot++) {
        const struct entry *e = &k->table.entries[slot];
        if (!e->state)
            continue;
        struct state_entry s = {
            .slot = slot,
            .generation = e->generation,
            .state = e->state,
            .announcements = e->announcements,
            .reported = e->reported,
            .status_closed = e->status_closed,
            .reaped = e->reaped,
            .failed = e->failed,
            .namespaces = e->namespaces,
            .launcher = e->launcher,
            .pid = e->pid,
            .status = e->status,
            .kind = e->kind,
            .errnum = e->errnum,
            .status_fd = e->status_fd,
            .tty_fd = e->tty_fd,
            .cgroup_fd = e->cgroup_fd,
            .started_ns = e->started_ns,
            .ended_ns = e->ended_ns,
        };
        memcpy(s.id, e->id, sizeof(s.id));
        memcpy(s.container, e->container, sizeof(s.container));
        if (e->failed)
            memcpy(s.message, k->table.messages[slot], sizeof(s.message));
        add(f, &s, sizeof(s));
        ++*ret_count;
    }
}

static void add_stored(const struct keeper *k, FILE *f, uint32_t *ret_count)
{
    for (uint32_t i = 0; i < k->stored_used; i++) {
        if (!*k->stored[i].name)
            continue;
        struct state_stored s = {.fd = k->stored[i].fd};
        memcpy(s.name, k->stored[i].name, sizeof(s.name));
        add(f, &s, sizeof(s));
        ++*ret_count;
    }
}

static struct state_head head_of(const struct keeper *k, int program, uint32_t serial)
{
    struct state_head head = {
        .magic = STATE_MAGIC,
        .version = STATE_VERSION,
        .head_size = sizeof(head),
        .lists = {[LAUNCHERS] = {0, sizeof(struct state_launcher)},
                  [ENTRIES] = {0, sizeof(struct state_entry)},
                  [STORED] = {0, sizeof(struct state_stored)}},
        .listener = k->listener,
        .lock = k->lock,
        .program = program,
        .peer = k->peer.fd,
        .peer_hello = k->peer.hello,
        .serial = serial,
        .reexecs = k->reexecs + 1,
        .next_generation = k->table.next_generation,
        .files = k->files,
    };
    memcpy(head.oom_score_adj, k->oom_score_adj, sizeof(head.oom_score_adj));
    memcpy(head.run_dir, k->run_dir, sizeof(head.run_dir));
    return head;
}

static int seal(int fd, struct err *err)
{
    if (fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) < 0)
        return err_errno(err, errno, "sealing the state");
    return 0;
}

/* A sealed memfd. */
static int write_state(const struct keeper *k, int program, uint32_t serial, struct err *err)
{
    cleanup_fd int fd = memfd_create("shoal-keeper-state", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    int copy = fd < 0 ? -1 : dup(fd);
    cleanup_file FILE *f = copy < 0 ? NULL : fdopen(copy, "w");
    if (!f)
        return err_errno(err, errno, "a file for the state");
    struct state_head head = head_of(k, program, serial);
    add(f, &head, sizeof(head));
    add_launchers(k, f, &head.lists[LAUNCHERS].count);
    add_entries(k, f, &head.lists[ENTRIES].count);
    add_stored(k, f, &head.lists[STORED].count);
    rewind(f);
    add(f, &head, sizeof(head));
    if (fflush(f) != 0 || ferror(f))
        return err_errno(err, errno, "writing the state");
    (void)fclose(TAKE(f));
    return seal(fd, err) < 0 ? -1 : take_fd(&fd);
}

/* --- Handing over ------------------------------------------------------------------------------------------------- */

/* What lives on after the exec. Everything else is CLOEXEC from birth. */
static void keep_open(int fd, bool keep)
{
    if (fd >= 0)
        (void)fcntl(fd, F_SETFD, keep ? 0 : FD_CLOEXEC);
}

static void keep_all_open(const struct keeper *k, int program, int state, bool keep)
{
    const int own[] = {k->listener, k->lock, k->peer.fd, program, state};
    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
        keep_open(own[i], keep);
    for (uint32_t i = 0; i < KEEPER_LAUNCHERS_MAX; i++)
        if (k->launchers[i].used) {
            keep_open(k->launchers[i].socket, keep);
            keep_open(k->launchers[i].filters, keep);
        }
    for (uint32_t slot = 0; slot < k->table.used; slot++)
        if (k->table.entries[slot].state) {
            keep_open(k->table.entries[slot].status_fd, keep);
            keep_open(k->table.entries[slot].tty_fd, keep);
            keep_open(k->table.entries[slot].cgroup_fd, keep);
        }
    for (uint32_t i = 0; i < k->stored_used; i++)
        if (*k->stored[i].name)
            keep_open(k->stored[i].fd, keep);
}

static int run(int program, const char *option, int state)
{
    char name[] = "shoal-keeper", number[16], what[16];
    (void)snprintf(number, sizeof(number), "%d", state);
    (void)snprintf(what, sizeof(what), "%s", option);
    return process_exec_fd(program, (char *[]){name, what, number, NULL}, environ);
}

/* Can the new program read the state? Asked of itself, in a process of its own, before anything is given up. */
static int ask(int program, int state, struct err *err)
{
    pid_t pid = process_clone(0, -1);
    if (pid < 0)
        return err_errno(err, pid, "a process for the check");
    if (pid == 0) {
        (void)run(program, "--check", state);
        _exit(127);
    }
    cleanup_fd int pidfd = process_pidfd(pid);
    struct pollfd ended = {.fd = pidfd, .events = POLLIN};
    int status = 0, ready = poll(&ended, 1, CHECK_TIMEOUT_MS);
    if (ready != 1)
        (void)process_pidfd_signal(pidfd, SIGKILL);
    (void)waitpid(pid, &status, 0);
    if (ready != 1)
        return err_set(err, ERR_TIMEOUT, "the new program did not check the state within %d ms", CHECK_TIMEOUT_MS);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        return err_set(err, ERR_INVALID, "the new program cannot take over (it ended with status 0x%x)", status);
    return 0;
}

int state_reexec(struct keeper *k, int program, uint32_t serial, struct err *err)
{
    cleanup_fd int copy = program_copy(program, err);
    if (copy < 0)
        return -1;
    cleanup_fd int state = write_state(k, copy, serial, err);
    if (state < 0)
        return -1;
    keep_all_open(k, copy, state, true);
    int r = ask(copy, state, err);
    if (r >= 0)
        r = err_errno(err, run(copy, "--resume", state), "the new program");
    keep_all_open(k, copy, state, false);
    return r;
}

/* --- Reading ------------------------------------------------------------------------------------------------------ */

struct state {
    const char *data;
    size_t size;
    struct state_head head;
    const char *lists[LIST_COUNT];
};

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

static int map_state(int fd, struct state *s, struct err *err)
{
    struct stat st;
    if (file_check_sealed(fd) < 0 || fstat(fd, &st) < 0)
        return err_set(err, ERR_INVALID, "the state is no sealed memfd");
    s->size = (size_t)st.st_size;
    s->data = mmap(NULL, s->size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (s->data == MAP_FAILED)
        return err_errno(err, errno, "the state");
    if (s->size < sizeof(s->head))
        return err_set(err, ERR_INVALID, "the state is cut");
    memcpy(&s->head, s->data, sizeof(s->head));
    if (s->head.magic != STATE_MAGIC || s->head.version != STATE_VERSION || s->head.head_size < sizeof(s->head))
        return err_set(err, ERR_UNSUPPORTED, "the state is of version %u, not %d", s->head.version, STATE_VERSION);
    return find_lists(s, err);
}

static const void *item(const struct state *s, int list, uint32_t i)
{
    return s->lists[list] + (size_t)i * s->head.lists[list].size;
}

static bool is_open(int fd)
{
    return fcntl(fd, F_GETFD) >= 0;
}

static int check_entry(const struct state_entry *e, int64_t last_slot, struct err *err)
{
    if (e->slot >= KEEPER_CONTAINERS_MAX || e->slot <= last_slot || e->state < KEEPER_STARTING ||
        e->state > KEEPER_EXITED_STATE || e->pid < 0 || e->launcher >= KEEPER_LAUNCHERS_MAX)
        return err_set(err, ERR_INVALID, "a container of the state is not one");
    if ((e->status_fd >= 0 && !is_open(e->status_fd)) || (e->tty_fd >= 0 && !is_open(e->tty_fd)) ||
        (e->cgroup_fd >= 0 && !is_open(e->cgroup_fd)))
        return err_set(err, ERR_INVALID, "a descriptor of a container is not open");
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
    int64_t last = -1;
    for (uint32_t i = 0; i < h->lists[ENTRIES].count; i++) {
        const struct state_entry *e = item(s, ENTRIES, i);
        if (check_entry(e, last, err) < 0)
            return -1;
        last = e->slot;
    }
    for (uint32_t i = 0; i < h->lists[STORED].count; i++)
        if (!is_open(((const struct state_stored *)item(s, STORED, i))->fd))
            return err_set(err, ERR_INVALID, "a stored descriptor is not open");
    return 0;
}

int state_check(int fd, struct err *err)
{
    struct state s;
    return map_state(fd, &s, err) < 0 ? -1 : check_state(&s, err);
}

/* --- Going on ----------------------------------------------------------------------------------------------------- */

/* Launchers run the program before: they end when they owe nothing, and the next request starts one of this program. */
static int resume_launchers(struct keeper *k, const struct state *s, struct err *err)
{
    for (uint32_t i = 0; i < s->head.lists[LAUNCHERS].count; i++) {
        const struct state_launcher *from = item(s, LAUNCHERS, i);
        struct launcher_entry *l = &k->launchers[i];
        *l = (struct launcher_entry){.socket = -1, .filters = -1};
        if (from->pid < 0)
            continue;
        *l = (struct launcher_entry){
            .used = true,
            .pid = from->pid,
            .socket = from->socket,
            .filters = from->filters,
            .outer_size = from->outer_size,
            .inner_size = from->inner_size,
            .reports = from->reports,
            .retiring = from->reports > 0,
        };
        memcpy(l->key, from->key, KEEPER_KEY_SIZE);
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
    struct state s;
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
    for (uint32_t i = 0; i < s.head.lists[ENTRIES].count; i++)
        if (resume_entry(k, item(&s, ENTRIES, i), err) < 0)
            return -1;
    for (uint32_t i = 0; i < s.head.lists[STORED].count; i++) {
        const struct state_stored *stored = item(&s, STORED, i);
        keep_open(stored->fd, false);
        if (store_put(k, stored->name, stored->fd, err) < 0)
            return -1;
    }
    k->table.next_generation = s.head.next_generation;
    k->strays = true;   /* the launchers of before, and whoever ended meanwhile */
    k->sweep_at_ms = 1; /* at once */
    (void)munmap((void *)s.data, s.size);
    return 0;
}
