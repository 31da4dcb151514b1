/*
 * Starting a container. Two parts: what may take time and is a worker's (the first content of volumes), then everything
 * else in one go, up to the request to the keeper, whose answer is start_succeeded() or start_failed().
 */
#include "engine/private.h"

#include "engine/journal.h"
#include "engine/mount_points.h"
#include "engine/streams.h"

#include "base/clock.h"
#include "base/str.h"

#include <dirent.h>
#include <errno.h>

#define CGROUP_RETRY_MS 10
#define CGROUP_ATTEMPTS 1000

struct start {
    struct container *container; /* NULL: it is gone, or its start was given up */
    int copies;                  /* workers under way */
    struct err failure;          /* of the first copy that failed */
    bool failed;
};

/* --- The second part */

/*
 * A control group that was killed is not used again: some kernels kill whatever is cloned into it later, too. The
 * one of the last run goes first, as soon as its last processes are gone.
 */
static void start_in_new_cgroup(struct container *c);

static void try_cgroup_again(struct timer *timer)
{
    start_in_new_cgroup(container_of(timer, struct container_private, restart_timer)->owner);
}

static void start_in_new_cgroup(struct container *c)
{
    struct err err;
    struct container_private *private = c->private;
    if (cgroup_remove_of(c->engine, c->id) != -EBUSY) {
        start_now(c);
        return;
    }
    if (private->cgroup_attempts++ < CGROUP_ATTEMPTS) {
        private->restart_timer.expired = try_cgroup_again;
        timer_start(&private->restart_timer, c->engine->config.loop, CGROUP_RETRY_MS);
        return;
    }
    err_set(&err, ERR_UNAVAILABLE, "processes of container %s's last run were killed and do not end", c->name);
    start_failed(c, &err);
}

/* --- The first part */

static void start_part_done(struct start *start)
{
    struct container *c = start->container;
    if (start->copies)
        return;
    if (c) {
        c->private->start = NULL;
        if (start->failed)
            start_failed(c, &start->failure);
        else
            start_in_new_cgroup(c);
    }
    free(start);
}

static void copied(void *data, const struct err *failure)
{
    struct start *start = data;
    if (failure && !start->failed) {
        start->failed = true;
        start->failure = *failure;
    }
    start->copies--;
    start_part_done(start);
}

static bool is_empty_folder(const char *path)
{
    DIR *d cleanup(closedirp) = opendir(path);
    struct dirent *entry;
    while (d && (entry = readdir(d)))
        if (!str_eq(entry->d_name, ".") && !str_eq(entry->d_name, ".."))
            return false;
    return d != NULL;
}

/* A copy into a volume that is empty, or that another one was cut short in; with "nocopy" the latter is only removed.
 */
static void copy_into_volume(struct container *c, struct start *start, const struct container_mount *mount,
                             const struct strings *layers)
{
    static const struct tree_job_ops ops = {.done = copied};
    bool wanted = !mount_option(mount->mode, "nocopy") && is_empty_folder(mount->source);
    if (!wanted && !images_copy_is_unfinished(mount->source))
        return;
    const char *path = mount_option(mount->mode, "nocopy") ? NULL : mount->destination;
    start->copies++;
    images_copy_up(c->engine->images, layers, path, mount->source, &ops, start);
}

/* A volume that is empty takes over what the image has at its place. */
static void copy_into_volumes(struct container *c, struct start *start)
{
    struct arena arena cleanup(arena_done) = {0};
    struct strings layers = {0};
    struct err ignored;
    struct image *image = image_store_get(images_store(c->engine->images), c->image_id);
    if (!image || image_store_layers(images_store(c->engine->images), image, &arena, &layers, &ignored) < 0)
        return; /* the mount of the root says what is wrong */
    vec_foreach (mount, &c->mounts)
        if (str_eq(mount->type, "volume"))
            copy_into_volume(c, start, mount, &layers);
}

void start_give_up(struct container *c)
{
    timer_stop(&c->private->restart_timer); /* it may wait for a control group */
    if (c->private->start)
        c->private->start->container = NULL;
    c->private->start = NULL;
}

/* What the run before had. */
static void forget_run(struct container *c)
{
    memset(&c->endpoints, 0, sizeof(c->endpoints));
    memset(&c->ports, 0, sizeof(c->ports));
    c->state.error = NULL;
    arena_done(&c->private->run);
}

void start_begin(struct container *c)
{
    struct err err;
    forget_run(c);
    c->private->stopped_by_user = false;
    c->private->cgroup_attempts = 0;
    c->state.wanted = true;
    timer_stop(&c->private->restart_timer);
    container_set_status(c, CONTAINER_STARTING);
    if (journal_begin(c->engine->journal, "start", c->id, &err) < 0) {
        start_failed(c, &err);
        return;
    }
    struct start *start = NEW(struct start);
    start->container = c;
    c->private->start = start;
    start->copies = 1; /* this function's own */
    copy_into_volumes(c, start);
    start->copies--;
    start_part_done(start);
}

static void start_due(struct deferred *kick)
{
    struct container *c = container_of(kick, struct container_private, kick)->owner;
    if (c->state.status == CONTAINER_CREATED || c->state.status == CONTAINER_EXITED ||
        c->state.status == CONTAINER_RESTARTING)
        start_begin(c);
}

void start_after_commit(struct container *c)
{
    c->private->kick.call = start_due;
    vec_push(&c->engine->to_start, mem_strdup(c->id));
}

/* Its last run ended in this very turn: the keeper forgets it, and can begin another, after the turn's commit. */
static bool keeper_remembers(const struct container *c)
{
    vec_foreach (id, &c->engine->to_acknowledge)
        if (str_eq(*id, c->id))
            return true;
    return false;
}

void container_start(struct container *c, engine_done *done, void *data)
{
    struct err err;
    switch (c->state.status) {
    case CONTAINER_STARTING:
        pending_add(&c->private->starting, done, data);
        return;
    case CONTAINER_RUNNING:
    case CONTAINER_STOPPING:
        err_set(&err, ERR_NOT_MODIFIED, "container %s is running already", c->name);
        break;
    case CONTAINER_PAUSED:
        err_set(&err, ERR_CONFLICT, "cannot start a paused container, try unpause instead");
        break;
    case CONTAINER_REMOVING:
    case CONTAINER_DEAD:
        err_set(&err, ERR_CONFLICT, "container is marked for removal and cannot be started");
        break;
    default:
        pending_add(&c->private->starting, done, data);
        c->private->restart_delay_ms = 0;
        c->state.restart_count = 0;
        if (keeper_remembers(c))
            start_after_commit(c);
        else
            start_begin(c);
        return;
    }
    done(data, &err);
}

/* --- The end of it */

void start_succeeded(struct container *c, pid_t pid, int64_t started_ns, int terminal)
{
    c->pid = pid;
    c->state.started_ns = started_ns;
    c->state.exit_code = 0;
    c->state.oom_killed = false;
    c->state.error = NULL;
    container_set_status(c, CONTAINER_RUNNING);
    journal_end(c->engine->journal, c->id);
    streams_started(c, terminal);
    health_begin(c);
    emit_container(c, "start", NULL);
    pending_finish(&c->private->starting, NULL);
}

/* As shells have it: 127 no such command, 126 it cannot be run; 128 for what is not the command's fault. */
static int exit_code_of(const struct err *failure)
{
    if (failure->kind == ERR_NO_COMMAND)
        return 127;
    return failure->kind == ERR_CANNOT_RUN ? 126 : 128;
}

void start_failed(struct container *c, const struct err *failure)
{
    struct err copy = *failure;
    char exit_code[16];
    start_give_up(c);
    c->state.error = arena_strdup(&c->private->run, copy.message);
    c->state.exit_code = exit_code_of(&copy);
    c->state.finished_ns = clock_realtime_ns();
    c->state.wanted = false;
    container_release(c);
    streams_abandon(c);
    container_set_status(c, CONTAINER_EXITED);
    journal_end(c->engine->journal, c->id);
    (void)snprintf(exit_code, sizeof(exit_code), "%d", c->state.exit_code);
    emit_container(c, "die", (struct pair[]){{(char *)"exitCode", exit_code}, {0}});
    pending_finish(&c->private->starting, &copy);
    pending_finish(&c->private->stopping, NULL);
    waiters_wake(c);
    removal_of_ended(c);
}
