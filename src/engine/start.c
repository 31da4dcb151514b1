/*
 * Starting a container. Two parts: what may take time and is a worker's (the first content of volumes), then everything
 * else in one go, up to the request to the keeper, whose answer is start_succeeded() or start_failed().
 */
#include "engine/private.h"

#include "engine/describe.h"
#include "engine/devices.h"
#include "engine/endpoints.h"
#include "engine/journal.h"
#include "engine/limits.h"
#include "engine/mount_points.h"
#include "engine/profiles.h"
#include "engine/record.h"
#include "engine/rootfs.h"
#include "engine/streams.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "sys/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>

#define CGROUP_RETRY_MS 10
#define CGROUP_ATTEMPTS 1000

struct start {
    struct container *container; /* NULL: it is gone, or its start was given up */
    int copies;                  /* workers under way */
    struct err failure;          /* of the first copy that failed */
    bool failed;
};

/* What the second part opens and the payload keeps, or nobody. */
struct start_fds {
    int root, netns, cgroup, stdio[3];
    bool root_shared;
};

static void close_all(struct start_fds *fds)
{
    closep(&fds->root);
    closep(&fds->netns);
    closep(&fds->cgroup);
    for (int i = 0; i < 3; i++)
        closep(&fds->stdio[i]);
}

/* --- The second part */

static int open_cgroup(struct container *c, struct err *err)
{
    int parent = cgroups_for(c, err), fd = parent < 0 ? parent : cgroup_create(parent, c->id);
    if (parent < 0)
        return -1;
    if (fd < 0)
        return err_errno(err, fd, "cannot make a control group for container %.12s", c->id);
    if (devices_apply(&c->spec.host, fd, err) < 0) {
        closep(&fd);
        return -1;
    }
    unsigned needed = limits_controllers(&c->spec.host);
    if (!needed)
        return fd;
    int r = limits_enable(parent, needed);
    if (r < 0)
        err_errno(err, r, "cannot switch on the controllers that the limits of container %s need", c->name);
    else
        r = limits_apply(&c->spec.host, fd, err);
    if (r < 0)
        closep(&fd);
    return r < 0 ? -1 : fd;
}

/* DATA/containers/ID, opened; the caller closes it. */
static int container_folder(struct container *c, struct err *err)
{
    int fd = c->engine->containers_fd;
    if (mkdirat(fd, c->id, 0710) < 0 && errno != EEXIST)
        return err_errno(err, errno, "cannot make the folder of container %s", c->name);
    fd = openat(fd, c->id, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? err_errno(err, errno, "cannot open the folder of container %s", c->name) : fd;
}

/* hosts, resolv.conf and hostname are written into the root itself: no mount each. Beside a root that is shared they
 * lie in the container's own folder, to be mounted one by one (describe_mounts.c); lean containers have none. */
static int write_files(struct container *c, const struct start_fds *fds, struct err *err)
{
    struct arena arena cleanup(arena_done) = {0};
    const char *hostname = str_empty(c->spec.hostname) ? NULL : arena_printf(&arena, "%s\n", c->spec.hostname);
    const struct pair files[] = {
        {(char *)"/etc/hosts", (char *)endpoints_hosts_file(c, &arena)},
        {(char *)"/etc/resolv.conf", (char *)endpoints_resolv_file(c, &arena)},
        {(char *)"/etc/hostname", (char *)hostname},
    };
    if (fds->root_shared && is_lean(c))
        return 0;
    cleanup_fd int own = !fds->root_shared ? -1 : container_folder(c, err);
    if (fds->root_shared && own < 0)
        return -1;
    for (size_t i = 0; i < ARRAY_SIZE(files); i++)
        if (files[i].value && rootfs_write(own < 0 ? fds->root : own, files[i].key, files[i].value, 0644, err) < 0)
            return -1;
    return 0;
}

static int open_everything(struct container *c, struct start_fds *fds, struct err *err)
{
    fds->root = rootfs_mount(c, &fds->root_shared, err);
    if (fds->root < 0)
        return -1;
    fds->cgroup = open_cgroup(c, err);
    if (fds->cgroup < 0 || endpoints_attach(c, &fds->netns, err) < 0)
        return -1;
    return write_files(c, fds, err) < 0 ? -1 : streams_for_payload(c, fds->stdio, err);
}

static void spawn_answered(void *data, const struct err *err, const void *payload, size_t size, int fd)
{
    struct adoption *asked = data;
    struct container *c = map_get(&asked->engine->by_id, asked->id);
    if (err && c && c->state.status == CONTAINER_STARTING)
        start_failed(c, err);
    free(asked);
}

static int spawn(struct container *c, const struct description *description, struct err *err)
{
    char data[DESCRIPTION_SIZE_MAX];
    int fds[DESCRIPTION_FDS_MAX];
    unsigned fd_count;
    ssize_t size = description_encode(description, data, sizeof(data), fds, &fd_count, err);
    const uint8_t *key = size < 0 ? NULL : profile_launcher(c, err);
    if (!key)
        return -1;
    struct adoption *asked = NEW(struct adoption);
    asked->engine = c->engine;
    memcpy(asked->id, c->id, sizeof(asked->id));
    bool shares_pids = !(description->namespaces & CLONE_NEWPID);
    keeper_client_spawn(c->engine->keeper,
                        &(struct keeper_client_spawn){
                            .id = c->id,
                            .key = key,
                            .flags = shares_pids ? KEEPER_KILL_CGROUP : 0,
                            .description = data,
                            .description_size = (size_t)size,
                            .fds = fds,
                            .fd_count = fd_count,
                        },
                        spawn_answered, asked);
    return 0;
}

static void start_now(struct container *c)
{
    struct err err;
    struct start_fds fds = {-1, -1, -1, {-1, -1, -1}, false};
    struct described described;
    if (!keeper_client_connected(c->engine->keeper))
        err_set(&err, ERR_UNAVAILABLE, "the keeper of this node is not there: it is being started, try again");
    else if (open_everything(c, &fds, &err) == 0) {
        struct describe_options options = {
            .root = fds.root,
            .root_shared = fds.root_shared,
            .netns = fds.netns,
            .cgroup = fds.cgroup,
            .stdio = {fds.stdio[0], fds.stdio[1], fds.stdio[2]},
        };
        if (describe_container(c, &options, &described, &err) == 0) {
            int r = spawn(c, &described.description, &err);
            described_done(&described);
            close_all(&fds);
            if (r == 0)
                return;
            start_failed(c, &err);
            return;
        }
    }
    close_all(&fds);
    start_failed(c, &err);
}

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

/* A volume that is empty takes over what the image has at its place. */
static void copy_into_volumes(struct container *c, struct start *start)
{
    static const struct tree_job_ops ops = {.done = copied};
    struct arena arena cleanup(arena_done) = {0};
    struct strings layers = {0};
    struct err ignored;
    struct image *image = image_store_get(images_store(c->engine->images), c->image_id);
    if (!image || image_store_layers(images_store(c->engine->images), image, &arena, &layers, &ignored) < 0)
        return; /* the mount of the root says what is wrong */
    vec_foreach (mount, &c->mounts) {
        if (!str_eq(mount->type, "volume") || mount_option(mount->mode, "nocopy") || !is_empty_folder(mount->source))
            continue;
        start->copies++;
        images_copy_up(c->engine->images, &layers, mount->destination, mount->source, &ops, start);
    }
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
