#include "keeper/keeper_state.h"

#include "base/cleanup.h"
#include "sys/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#define CHECK_TIMEOUT_MS 5000

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
