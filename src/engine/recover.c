/*
 * After the daemon's start, or a new keeper: what is defined (the database) is compared with what runs (the keeper's
 * table, the control groups) and with what was under way (the journal), and each difference is finished or undone. The
 * control groups are the truth about what lives; the keeper knows how what does not live any more has ended.
 */
#include "engine/private.h"

#include "engine/endpoints.h"
#include "engine/exec_private.h"
#include "engine/journal.h"
#include "engine/streams.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "network/network.h"
#include "sys/cgroup.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define EXIT_UNKNOWN 255 /* Docker's word for an end that nobody saw */

void recover_listed(struct engine *engine, const char *id, const struct keeper_record *record)
{
    free(map_put(&engine->listed, id, mem_memdup(record, sizeof(*record))));
}

void recover_forget(struct engine *engine)
{
    struct map_entry *entry;
    for (size_t i = 0; (entry = map_next(&engine->listed, &i));)
        free(entry->value);
    map_done(&engine->listed);
}

/* --- One container */

/* The keeper was not lost, only the connection to it: this daemon holds what the run has. */
static void meet_again(struct container *c, const struct keeper_record *record)
{
    if (c->state.status == CONTAINER_STARTING)
        start_succeeded(c, record->pid, record->started_ns, -1);
    else if (!container_is_running(c))
        keeper_client_signal(c->engine->keeper, c->id, SIGKILL, NULL, NULL);
}

static void adopt_running(struct container *c, const struct keeper_record *record)
{
    struct err err;
    bool known = container_is_running(c);
    if (c->engine->recovered) {
        meet_again(c, record);
        return;
    }
    c->pid = record->pid;
    if (!known) { /* the daemon died between the keeper's start and its own note of it */
        c->state.started_ns = record->started_ns;
        c->state.wanted = true;
        container_set_status(c, CONTAINER_RUNNING);
    }
    if (endpoints_adopt(c, &err) < 0)
        log_warning("container %s: its network is incomplete: %s", c->name, err.message);
    streams_adopt(c);
    health_begin(c);
    journal_settle(c->engine->journal, c->id);
    if (c->state.status == CONTAINER_STOPPING)
        stop_begin(c, 0, -1);
}

/* The keeper tells how its start ends. */
static void adopt_starting(struct container *c)
{
    struct err err;
    if (c->engine->recovered)
        return;
    c->state.status = CONTAINER_STARTING;
    if (endpoints_adopt(c, &err) < 0)
        log_warning("container %s: its network is incomplete: %s", c->name, err.message);
    if (!c->outline.tty) /* a terminal comes with its start */
        streams_adopt(c);
}

static void adopt_ended(struct container *c, const struct keeper_record *record)
{
    struct err failure = {.kind = (enum err_kind)record->kind, .errnum = record->errnum};
    (void)snprintf(failure.message, sizeof(failure.message), "%s", record->message);
    if (record->state == KEEPER_FAILED_STATE) {
        c->state.status = CONTAINER_STARTING;
        start_failed(c, &failure);
        vec_push(&c->engine->to_acknowledge, mem_strdup(c->id));
        return;
    }
    if (c->engine->recovered) {
        meet_again(c, record);
        container_exited(c, record->status, record->ended_ns);
        return;
    }
    if (!container_is_running(c)) {
        c->state.started_ns = record->started_ns;
        c->state.wanted = true;
    }
    c->private->stopped_by_user = !c->state.wanted;
    c->state.status = CONTAINER_RUNNING;
    streams_adopt(c);
    container_exited(c, record->status, record->ended_ns);
}

/* The daemon before wrote the end down, and died before it told the keeper so. */
static bool is_settled(const struct container *c, const struct keeper_record *record)
{
    return !container_is_running(c) && c->state.status != CONTAINER_STARTING &&
           c->state.finished_ns >= record->ended_ns;
}

/* Nobody knows it any more: a boot, or a keeper that died. Its control group ends what is left of it. */
static void ended_unseen(struct container *c)
{
    c->private->streams_ready = c->private->logged = true; /* the logger may have output of it still */
    c->private->stopped_by_user = !c->state.wanted;
    container_exited(c, W_EXITCODE(EXIT_UNKNOWN, 0), clock_realtime_ns());
}

static void undo_start(struct container *c)
{
    struct err failure;
    bool wanted = c->state.wanted;
    err_set(&failure, ERR_CANCELLED, "the %s was restarted while the container was being started",
            c->engine->recovered ? "keeper" : "daemon");
    c->state.status = CONTAINER_STARTING;
    start_failed(c, &failure);
    c->state.wanted = wanted; /* it was not its fault: its restart policy decides */
}

static bool wants_restart(const struct container *c)
{
    const char *policy = c->outline.restart.name;
    if (str_eq(policy, "always"))
        return c->state.started_ns > 0;
    if (str_eq(policy, "on-failure"))
        return c->state.wanted && c->state.exit_code != 0;
    return str_eq(policy, "unless-stopped") && c->state.wanted;
}

/* A keeper that died took its containers along; what does not need it goes on as it was. */
static void recover_from_lost_keeper(struct container *c)
{
    if (container_is_running(c)) {
        execs_lost(c);
        container_exited(c, W_EXITCODE(EXIT_UNKNOWN, 0), clock_realtime_ns());
    } else if (c->state.status == CONTAINER_STARTING && !c->private->start) {
        undo_start(c);
        if (c->state.status == CONTAINER_EXITED && wants_restart(c))
            start_after_commit(c);
    }
}

static void recover_unlisted(struct container *c)
{
    const char *step = journal_left(c->engine->journal, c->id);
    if (c->private->draining)
        return; /* its end was seen, and its output is awaited */
    if (c->engine->recovered) {
        recover_from_lost_keeper(c);
        return;
    }
    if (c->state.status == CONTAINER_REMOVING || c->state.status == CONTAINER_DEAD || str_same(step, "remove")) {
        removal_resume(c);
        return;
    }
    if (c->state.status == CONTAINER_STARTING || str_same(step, "start"))
        undo_start(c);
    else if (container_is_running(c)) {
        ended_unseen(c); /* which does what its restart policy says */
        return;
    }
    if (c->state.status == CONTAINER_RESTARTING || wants_restart(c))
        start_after_commit(c);
    else if (c->outline.auto_remove && c->state.status == CONTAINER_EXITED)
        container_remove(c, (struct container_remove_options){.volumes = true}, ignore_done, NULL);
}

static void recover_container(struct container *c)
{
    struct keeper_record *record = map_remove(&c->engine->listed, c->id);
    if (!record)
        recover_unlisted(c);
    else if (record->state == KEEPER_RUNNING)
        adopt_running(c, record);
    else if (record->state == KEEPER_STARTING)
        adopt_starting(c);
    else if (is_settled(c, record)) {
        vec_push(&c->engine->to_acknowledge, mem_strdup(c->id));
        recover_unlisted(c);
    } else if (!c->private->draining)
        adopt_ended(c, record);
    free(record);
}

/* --- What belongs to nobody */

/* Exec sessions of the daemon before, and containers whose definition was never committed. */
static void end_unknown(struct engine *engine)
{
    struct map_entry *entry;
    for (size_t i = 0; (entry = map_next(&engine->listed, &i));) {
        const struct keeper_record *record = entry->value;
        bool alive = record->state == KEEPER_RUNNING || record->state == KEEPER_STARTING;
        if (alive && map_get(&engine->execs, entry->key))
            continue; /* a session of this daemon: it goes on */
        if (alive)
            keeper_client_signal(engine->keeper, entry->key, SIGKILL, NULL, NULL);
        else {
            (void)exec_exited(engine, entry->key, record->status); /* where one of this daemon was waiting for it */
            vec_push(&engine->to_acknowledge, mem_strdup(entry->key));
        }
    }
}

static bool is_known(struct engine *engine, const char *id)
{
    return map_get(&engine->by_id, id) != NULL;
}

/* NULL where it cannot be read, or is not there: nothing is to be cleaned then. */
static DIR *list_folder(int folder)
{
    cleanup_fd int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    if (d)
        (void)take_fd(&fd);
    return d;
}

static void clean_cgroups(struct engine *engine, int cgroups)
{
    DIR *d cleanup(closedirp) = list_folder(cgroups);
    struct dirent *entry;
    while (d && (entry = readdir(d))) {
        struct container *c = id_is_full(entry->d_name) ? map_get(&engine->by_id, entry->d_name) : NULL;
        if (!id_is_full(entry->d_name) || (c && (container_is_running(c) || c->state.status == CONTAINER_STARTING)))
            continue;
        cleanup_fd int cgroup = cgroup_open(cgroups, entry->d_name);
        (void)cgroup_kill(cgroup);
        cgroup_remove_later(engine, entry->d_name);
    }
}

/* Of containers that are gone, and of starts that the daemon's death cut short. */
static void clean_run_folders(struct engine *engine)
{
    DIR *d cleanup(closedirp) = list_folder(engine->run_containers_fd);
    struct dirent *entry;
    while (d && (entry = readdir(d))) {
        struct container *c = id_is_full(entry->d_name) ? map_get(&engine->by_id, entry->d_name) : NULL;
        if (id_is_full(entry->d_name) && (!c || !streams_in_use(c)))
            streams_unlink(engine, entry->d_name);
    }
}

static void clean_data_folders(struct engine *engine)
{
    struct err err;
    DIR *d cleanup(closedirp) = list_folder(engine->containers_fd);
    struct dirent *entry;
    while (d && (entry = readdir(d))) {
        if (!id_is_full(entry->d_name) || is_known(engine, entry->d_name))
            continue;
        char *path cleanup(freep) = mem_printf("%s/containers/%s", engine->data_dir, entry->d_name);
        if (images_discard(engine->images, path, &err) < 0)
            log_warning("%s", err.message);
    }
}

/* --- All of it */

static void recover_all(struct engine *engine)
{
    /* A container may go while it is looked at. */
    struct container *c = engine_next_container(engine, NULL);
    while (c) {
        struct container *next = engine_next_container(engine, c);
        recover_container(c);
        c = next;
    }
}

static void tell_problem(const char *problem, void *data)
{
    log_warning("%s", problem);
}

int recover(struct engine *engine, struct err *err)
{
    if (!engine->recovered && networks_adopt(engine, err) < 0)
        return -1;
    recover_all(engine);
    end_unknown(engine);
    recover_forget(engine);
    if (engine->recovered)
        return 0;
    engine->recovered = true;
    clean_cgroups(engine, engine->cgroups_fd);
    clean_cgroups(engine, engine->limited_fd);
    clean_run_folders(engine);
    helpers_close_unused(engine);
    clean_data_folders(engine);
    if (networks_start(engine->net, err) < 0)
        return -1;
    engine_problems(engine, tell_problem, NULL);
    return 0;
}
