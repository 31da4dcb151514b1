#include "base/cleanup.h"
#include "base/log.h"
#include "ipc/socket.h"
#include "keeper/keeper.h"
#include "keeper/launcher.h"
#include "sys/files.h"
#include "sys/process.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>

/* --- Launchers ---------------------------------------------------------------------------------------------------- */

static struct launcher_entry *find_launcher(struct keeper *k, const uint8_t key[KEEPER_KEY_SIZE])
{
    for (uint32_t i = 0; i < KEEPER_LAUNCHERS_MAX; i++) {
        struct launcher_entry *l = &k->launchers[i];
        if (l->used && !l->retiring && memcmp(l->key, key, KEEPER_KEY_SIZE) == 0)
            return l;
    }
    return NULL;
}

/* Closing its socket ends a launcher; it is reaped like any child that nobody knows. */
static void drop_launcher(struct launcher_entry *l)
{
    close_fd(&l->socket);
    close_fd(&l->filters);
    *l = (struct launcher_entry){.socket = -1, .filters = -1};
}

/* A free place; where all are taken, that of the launcher that was not needed for the longest time. */
static struct launcher_entry *make_place(struct keeper *k)
{
    struct launcher_entry *oldest = NULL;
    for (uint32_t i = 0; i < KEEPER_LAUNCHERS_MAX; i++) {
        struct launcher_entry *l = &k->launchers[i];
        if (!l->used)
            return l;
        if (!l->reports && (!oldest || l->last_used < oldest->last_used))
            oldest = l;
    }
    if (oldest)
        drop_launcher(oldest);
    return oldest;
}

static int start_launcher(struct keeper *k, struct launcher_entry *l, struct err *err)
{
    int pair[2];
    int r = socket_pair(pair);
    if (r < 0)
        return err_errno(err, r, "a launcher");
    cleanup_fd int ours = pair[0], theirs = pair[1];
    if (fcntl(ours, F_SETFL, O_NONBLOCK) < 0)
        return err_errno(err, errno, "a launcher");
    if (keeper_watch(k, ours, EPOLLIN, WATCH_LAUNCHER, (uint32_t)(l - k->launchers), err) < 0)
        return -1;
    pid_t pid = process_clone(0, -1);
    if (pid < 0)
        return err_errno(err, pid, "a launcher");
    if (pid == 0)
        launcher_run(&(struct launcher_start){
            .socket = theirs,
            .filters = l->filters,
            .outer_size = l->outer_size,
            .inner_size = l->inner_size,
            .files = k->files,
            .oom_score_adj = k->oom_score_adj,
        });
    l->pid = pid;
    l->socket = take_fd(&ours);
    return 0;
}

static int check_filters(const struct keeper_launcher *request, int filters, struct err *err)
{
    if (!request->outer_size && !request->inner_size && filters < 0)
        return 0;
    size_t size = (size_t)request->outer_size + request->inner_size;
    struct stat st;
    if (filters < 0 || file_check_sealed(filters) < 0 || fstat(filters, &st) < 0 || (size_t)st.st_size != size)
        return err_set(err, ERR_INVALID, "filters must come in a sealed memfd of %zu bytes", size);
    if (!request->outer_size || request->outer_size > KEEPER_FILTER_MAX || request->outer_size % 8 ||
        request->inner_size > LAUNCHER_INNER_MAX * sizeof(struct sock_filter) || request->inner_size % 8)
        return err_set(err, ERR_INVALID, "filters of %u and %u bytes are not what the kernel takes",
                       request->outer_size, request->inner_size);
    return 0;
}

int spawn_add_launcher(struct keeper *k, const struct keeper_launcher *request, int filters, struct err *err)
{
    if (check_filters(request, filters, err) < 0)
        return -1;
    if (find_launcher(k, request->key))
        return 0;
    struct launcher_entry *l = make_place(k);
    if (!l)
        return err_set(err, ERR_LIMIT, "all %d launchers are busy", KEEPER_LAUNCHERS_MAX);
    int copy = filters < 0 ? -1 : file_dup(filters, 3);
    if (filters >= 0 && copy < 0)
        return err_errno(err, copy, "a launcher");
    *l = (struct launcher_entry){
        .used = true,
        .socket = -1,
        .filters = copy,
        .outer_size = request->outer_size,
        .inner_size = request->inner_size,
        .last_used = ++k->clock,
    };
    memcpy(l->key, request->key, KEEPER_KEY_SIZE);
    if (start_launcher(k, l, err) < 0) {
        drop_launcher(l);
        return -1;
    }
    return 0;
}

void spawn_retire_launchers(struct keeper *k)
{
    for (uint32_t i = 0; i < KEEPER_LAUNCHERS_MAX; i++)
        if (k->launchers[i].retiring && !k->launchers[i].reports)
            drop_launcher(&k->launchers[i]);
}

/* --- Reports ------------------------------------------------------------------------------------------------------ */

static void remember_failure(struct keeper *k, uint32_t slot, int32_t kind, int32_t errnum, const char *message)
{
    struct entry *e = &k->table.entries[slot];
    if (e->failed)
        return; /* the first one is the cause */
    e->failed = true;
    e->kind = kind;
    e->errnum = errnum;
    char *to = k->table.messages[slot];
    (void)strncpy(to, message, KEEPER_MESSAGE_MAX - 1);
    to[KEEPER_MESSAGE_MAX - 1] = '\0';
}

static void take_report(struct keeper *k, const struct launched *report)
{
    if (report->slot < k->table.used && k->table.entries[report->slot].generation == report->generation) {
        struct entry *e = &k->table.entries[report->slot];
        e->reported = true;
        e->namespaces = report->namespaces;
        if (report->pid)
            table_set_pid(&k->table, report->slot, report->pid);
        /* It may have ended before anybody here knew its pid. */
        reap_entry(k, report->slot);
        reap_settle(k, report->slot);
    }
    if (report->helper)
        reap_stray(k, report->helper);
}

void spawn_launcher_ready(struct keeper *k, uint32_t number, uint32_t events)
{
    struct launcher_entry *l = &k->launchers[number];
    struct launched report;
    /* EPOLLOUT: a request waited for room. */
    if (events & EPOLLOUT)
        keeper_watch_again(k, l->socket, EPOLLIN, WATCH_LAUNCHER, number);
    while (l->socket >= 0) {
        ssize_t n = message_receive(l->socket, &report, sizeof(report), NULL);
        if (n == -EAGAIN)
            return;
        if (n != sizeof(report)) {
            close_fd(&l->socket); /* it has ended; its end as a child follows */
            return;
        }
        l->reports--;
        k->reports--;
        take_report(k, &report);
        if (l->retiring && !l->reports)
            drop_launcher(l);
    }
}

void spawn_launcher_died(struct keeper *k, uint32_t number)
{
    struct launcher_entry *l = &k->launchers[number];
    if (l->socket >= 0)
        spawn_launcher_ready(k, number, 0);
    close_fd(&l->socket);
    l->pid = 0;
    if (!l->reports)
        return;
    log_error("a launcher ended with %u requests under way", l->reports);
    k->reports -= l->reports;
    l->reports = 0;
    k->strays = true; /* what it had cloned without telling */
    for (uint32_t slot = 0; slot < k->table.used; slot++) {
        struct entry *e = &k->table.entries[slot];
        if (e->state != KEEPER_STARTING || e->reported || e->launcher != number)
            continue;
        remember_failure(k, slot, ERR_INTERNAL, 0, "the launcher of the container ended");
        e->reported = e->status_closed = true;
        close_fd(&e->status_fd);
        reap_settle(k, slot);
    }
}

/* The status socket: perhaps the terminal, perhaps a failure, and then its end, which is the exec where nothing failed.
 */
void spawn_status_ready(struct keeper *k, uint32_t slot)
{
    struct entry *e = &k->table.entries[slot];
    while (e->status_fd >= 0) {
        struct child_report report;
        struct message_fds fds cleanup(message_fds_close) = MESSAGE_FDS_NONE;
        ssize_t n = message_receive(e->status_fd, &report, sizeof(report), &fds);
        if (n == -EAGAIN)
            return;
        if (n != sizeof(report)) {
            close_fd(&e->status_fd);
            e->status_closed = true;
            reap_settle(k, slot);
            return;
        }
        if (report.type == CHILD_TTY && e->tty_fd < 0)
            e->tty_fd = message_fds_take(&fds, 0);
        if (report.type != CHILD_FAILED)
            continue;
        report.message[CHILD_MESSAGE_MAX - 1] = '\0';
        remember_failure(k, slot, report.kind, report.errnum, report.message);
    }
}

/* --- SPAWN and EXEC ----------------------------------------------------------------------------------------------- */

struct start {
    struct launcher_entry *launcher;
    struct launch launch;
    const void *description;
    size_t description_size;
    int status, pidfd; /* for the launcher; pidfd -1 for a container */
    const struct message_fds *fds;
};

/* 1, or 0 where the socket is full; the launcher's own end of a request comes first, then the description's
 * descriptors. */
static int hand_on(struct keeper *k, const struct start *s, struct err *err)
{
    int fds[MESSAGE_FDS_MAX];
    unsigned count = 0;
    fds[count++] = s->status;
    if (s->pidfd >= 0)
        fds[count++] = s->pidfd;
    if (s->fds->count > MESSAGE_FDS_MAX - count)
        return err_set(err, ERR_LIMIT, "a container takes %u descriptors at most", MESSAGE_FDS_MAX - count);
    memcpy(fds + count, s->fds->fd, s->fds->count * sizeof(int));
    count += s->fds->count;
    struct iovec parts[] = {
        {.iov_base = (void *)&s->launch, .iov_len = sizeof(s->launch)},
        {.iov_base = (void *)s->description, .iov_len = s->description_size},
    };
    int r = message_send(s->launcher->socket, parts, 2, fds, count);
    if (r == -EAGAIN) {
        uint32_t number = (uint32_t)(s->launcher - k->launchers);
        keeper_watch_again(k, s->launcher->socket, EPOLLIN | EPOLLOUT, WATCH_LAUNCHER, number);
        return 0;
    }
    return r < 0 ? err_errno(err, r, "the launcher") : 1;
}

/* The launcher for key, started again where it had died. */
static struct launcher_entry *ready_launcher(struct keeper *k, const uint8_t key[KEEPER_KEY_SIZE], struct err *err)
{
    struct launcher_entry *l = find_launcher(k, key);
    if (!l) {
        (void)err_set(err, ERR_NOT_FOUND, "no launcher has this key");
        return NULL;
    }
    if (l->socket < 0 && start_launcher(k, l, err) < 0)
        return NULL;
    l->last_used = ++k->clock;
    return l;
}

static int check_room(const struct keeper *k, const uint8_t id[KEEPER_ID_SIZE], struct err *err)
{
    if (table_find(&k->table, id) != NO_SLOT)
        return err_set(err, ERR_CONFLICT, "the keeper has a container of this id");
    if (k->table.starting >= KEEPER_STARTING_MAX)
        return err_set(err, ERR_LIMIT, "%d containers are being started", KEEPER_STARTING_MAX);
    if (k->table.count >= KEEPER_CONTAINERS_MAX)
        return err_set(err, ERR_LIMIT, "the keeper holds %d containers at most", KEEPER_CONTAINERS_MAX);
    if (k->ending)
        return err_set(err, ERR_UNAVAILABLE, "the keeper is ending");
    return 0;
}

/* The entry is made first, for the launcher repeats its number, and taken back where nothing could be handed on. */
static int start(struct keeper *k, const uint8_t id[KEEPER_ID_SIZE], struct start *s, uint32_t *ret_slot,
                 struct err *err)
{
    int pair[2];
    int r = socket_pair(pair);
    if (r < 0)
        return err_errno(err, r, "a status socket");
    cleanup_fd int ours = pair[0], theirs = pair[1];
    if (fcntl(ours, F_SETFL, O_NONBLOCK) < 0)
        return err_errno(err, errno, "a status socket");
    uint32_t slot = table_add(&k->table, id);
    struct entry *e = &k->table.entries[slot];
    e->launcher = (uint32_t)(s->launcher - k->launchers);
    s->status = theirs;
    s->launch.slot = slot;
    s->launch.generation = e->generation;
    r = keeper_watch(k, ours, EPOLLIN, WATCH_STATUS, slot, err);
    if (r >= 0)
        r = hand_on(k, s, err);
    if (r <= 0) {
        table_remove(&k->table, slot);
        return r;
    }
    e->status_fd = take_fd(&ours);
    s->launcher->reports++;
    k->reports++;
    *ret_slot = slot;
    return 1;
}

int spawn_container(struct keeper *k, const struct keeper_spawn *request, const void *description,
                    const struct message_fds *fds, struct err *err)
{
    if (check_room(k, request->id, err) < 0)
        return -1;
    struct start s = {
        .description = description, .description_size = request->description_size, .pidfd = -1, .fds = fds};
    s.launcher = ready_launcher(k, request->key, err);
    if (!s.launcher)
        return -1;
    cleanup_fd int cgroup = -1;
    if (request->flags & KEEPER_KILL_CGROUP) {
        cgroup = fds->count ? file_dup(fds->fd[0], 3) : -EBADF;
        if (cgroup < 0)
            return err_errno(err, cgroup, "the cgroup to kill");
    }
    uint32_t slot;
    int r = start(k, request->id, &s, &slot, err);
    if (r > 0)
        k->table.entries[slot].cgroup_fd = take_fd(&cgroup);
    return r;
}

int spawn_exec(struct keeper *k, const struct keeper_exec *request, const void *description,
               const struct message_fds *fds, struct err *err)
{
    if (check_room(k, request->id, err) < 0)
        return -1;
    uint32_t container = table_find(&k->table, request->container);
    if (container == NO_SLOT)
        return err_set(err, ERR_NOT_FOUND, "the keeper has no container of this id");
    const struct entry *c = &k->table.entries[container];
    if (c->state != KEEPER_RUNNING)
        return err_set(err, ERR_CONFLICT, "the container is not running");
    struct start s = {
        .launch = {.exec = 1, .namespaces = c->namespaces},
        .description = description,
        .description_size = request->description_size,
        .fds = fds,
    };
    s.launcher = ready_launcher(k, request->key, err);
    if (!s.launcher)
        return -1;
    /* Not reaped, so the pid is still the container's. */
    cleanup_fd int pidfd = process_pidfd(c->pid);
    if (pidfd < 0)
        return err_errno(err, pidfd, "the container's process");
    s.pidfd = pidfd;
    uint32_t slot;
    int r = start(k, request->id, &s, &slot, err);
    if (r > 0)
        memcpy(k->table.entries[slot].container, request->container, KEEPER_ID_SIZE);
    return r;
}
