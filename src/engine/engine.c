#include "engine/engine.h"

#include "engine/endpoints.h"
#include "engine/etc.h"
#include "engine/exec_private.h"
#include "engine/journal.h"
#include "engine/kept.h"
#include "engine/limits.h"
#include "engine/logfile.h"
#include "engine/mount_points.h"
#include "engine/ports.h"
#include "engine/private.h"
#include "engine/profiles.h"
#include "engine/record.h"
#include "engine/shared_roots.h"

#include "base/log.h"
#include "network/network.h"
#include "sys/cgroup.h"
#include "sys/device_filter.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

/* --- The places that it works in */

static int open_folder(const char *parent, const char *name, mode_t mode, struct err *err)
{
    char *path cleanup(freep) = mem_printf("%s/%s", parent, name);
    if (mkdir(path, mode) < 0 && errno != EEXIST)
        return err_errno(err, errno, "cannot make the folder %s", path);
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? err_errno(err, errno, "cannot open the folder %s", path) : fd;
}

/* Opened, or made. One program filters devices for all containers in it: what has more gets one of its own. */
static int open_group(int root, const char *name, struct err *err)
{
    int fd = cgroup_create(root, name);
    if (fd == -EEXIST)
        fd = cgroup_open(root, name);
    if (fd < 0)
        return err_errno(err, fd, "cannot make the control group %s", name);
    int r = device_filter_attach(fd, device_rules_default, device_rules_default_count);
    if (r < 0) {
        (void)close(fd);
        return err_errno(err, r, "cannot restrict devices in the control group %s", name);
    }
    return fd;
}

/*
 * Containers live in two cgroups of the instance, beside whatever cgroup the daemon itself is in: "shoal-INSTANCE",
 * where no controller is enabled for them, and "shoal-INSTANCE-limited", made with the first container that has limits:
 * a controller that is enabled there costs those that asked for one.
 */
static int open_cgroups(struct engine *engine, struct err *err)
{
    char mount[PATH_MAX];
    char *name cleanup(freep) = mem_printf("shoal-%s", engine->instance);
    char *limited cleanup(freep) = mem_printf("shoal-%s-limited", engine->instance);
    int r = cgroup_find_mount(mount, sizeof(mount));
    if (r < 0)
        return err_errno(err, r, "cannot find cgroup v2: it is mounted on no place that /proc/self/mountinfo names");
    cleanup_fd int root = cgroup_open(AT_FDCWD, mount);
    if (root < 0)
        return err_errno(err, root, "cannot open cgroup v2 at %s", mount);
    engine->limited_fd = cgroup_open(root, limited); /* of an earlier daemon */
    return open_group(root, name, err);
}

int cgroups_of(const struct container *c)
{
    return c->outline.limited ? c->engine->limited_fd : c->engine->cgroups_fd;
}

int cgroups_for(const struct container *c, struct err *err)
{
    struct engine *engine = c->engine;
    if (cgroups_of(c) >= 0)
        return cgroups_of(c);
    char *name cleanup(freep) = mem_printf("../shoal-%s-limited", engine->instance);
    engine->limited_fd = open_group(engine->cgroups_fd, name, err);
    return engine->limited_fd;
}

int cgroup_remove_of(struct engine *engine, const char *id)
{
    int r = cgroup_remove(engine->cgroups_fd, id);
    int limited = engine->limited_fd < 0 ? 0 : cgroup_remove(engine->limited_fd, id);
    return r == -EBUSY ? r : limited;
}

static int open_places(struct engine *engine, struct err *err)
{
    cleanup_fd int volumes = open_folder(engine->data_dir, "volumes", 0701, err);
    if (volumes < 0)
        return -1;
    engine->containers_fd = open_folder(engine->data_dir, "containers", 0710, err);
    engine->run_containers_fd = engine->containers_fd < 0 ? -1 : open_folder(engine->run_dir, "containers", 0700, err);
    engine->cgroups_fd = engine->run_containers_fd < 0 ? -1 : open_cgroups(engine, err);
    return engine->cgroups_fd < 0 ? -1 : shared_roots_open(engine, err);
}

/* --- Opening */

static int add_loaded(struct engine *engine, struct container *c, struct err *err)
{
    container_enter(c);
    mount_points_count(c, 1);
    return 0;
}

static int open_parts(struct engine *engine, struct err *err)
{
    struct loop *loop = engine->config.loop;
    char *worker cleanup(freep) = mem_printf("%s/shoal-worker", engine->bin_dir);
    struct images_options images = {.data_dir = engine->data_dir, .worker_program = worker};
    struct networks_options networks = {.data_dir = engine->data_dir, .loop = loop};
    engine->journal = journal_open(engine->run_dir, err);
    if (!engine->journal)
        return -1;
    engine->images = images_open(loop, engine->config.db, &images, err);
    if (!engine->images)
        return -1;
    engine->net = networks_new(&networks, err);
    if (!engine->net)
        return -1;
    engine->log_watcher = logfile_watcher_new(loop, err);
    return engine->log_watcher ? 0 : -1;
}

static int load(struct engine *engine, struct err *err)
{
    if (record_migrate(engine->config.db, err) < 0 || volumes_load(engine, err) < 0 || networks_load(engine, err) < 0)
        return -1;
    return record_load(engine, add_loaded, err);
}

struct engine *engine_new(const struct engine_config *config, struct err *err)
{
    struct engine *engine cleanup(engine_freep) = NEW(struct engine);
    engine->containers_fd = engine->run_containers_fd = engine->cgroups_fd = engine->limited_fd = -1;
    list_init(&engine->containers);
    list_init(&engine->volume_list);
    list_init(&engine->network_list);
    list_init(&engine->listeners);
    engine->config = *config;
    engine->config.data_dir = engine->data_dir = mem_strdup(config->data_dir);
    engine->config.run_dir = engine->run_dir = mem_strdup(config->run_dir);
    engine->config.bin_dir = engine->bin_dir = mem_strdup(config->bin_dir);
    engine->config.instance = engine->instance = mem_strdup(config->instance);
    if (open_places(engine, err) < 0 || open_parts(engine, err) < 0 || load(engine, err) < 0)
        return NULL;
    etc_clean(engine);
    return TAKE(engine);
}

int engine_start(struct engine *engine, engine_done *done, void *data, struct err *err)
{
    engine->started = done;
    engine->started_data = data;
    return helpers_connect(engine, err);
}

static void free_containers(struct engine *engine)
{
    struct container *c;
    while ((c = engine_next_container(engine, NULL))) {
        endpoints_forget(c);
        health_end(c);
        execs_lost(c);
        container_leave(c);
        container_free(c);
    }
    map_done(&engine->by_id);
    map_done(&engine->by_name);
}

void engine_free(struct engine *engine)
{
    if (!engine)
        return;
    free_containers(engine);
    execs_done(engine);
    ports_free(engine);
    kept_done(engine);
    helpers_done(engine);
    profiles_free(engine);
    volumes_done(engine);
    resolver_free(engine);
    networks_done(engine);
    events_done(engine);
    logfile_watcher_free(engine->log_watcher);
    networks_free(engine->net);
    images_free(engine->images);
    journal_free(engine->journal);
    shared_roots_close(engine);
    timer_stop(&engine->cgroup_timer);
    vec_done(&engine->cgroups_to_remove);
    closep(&engine->containers_fd);
    closep(&engine->run_containers_fd);
    closep(&engine->cgroups_fd);
    closep(&engine->limited_fd);
    free(engine->data_dir);
    free(engine->run_dir);
    free(engine->bin_dir);
    free(engine->instance);
    interned_done(&engine->texts);
    free(engine);
}

/* --- What others ask for */

const struct engine_config *engine_config(const struct engine *engine)
{
    return &engine->config;
}

void engine_problems(struct engine *engine, void (*found)(const char *problem, void *data), void *data)
{
    (void)networks_check(engine->net, found, data);
}

struct images *engine_images(struct engine *engine)
{
    return engine->images;
}

static enum image_use use_of(void *data, const char *id, char user[ID_SIZE])
{
    struct container *c = NULL;
    enum image_use use = IMAGE_UNUSED;
    while ((c = engine_next_container(data, c))) {
        if (strcmp(c->image_id, id) != 0)
            continue;
        bool running = container_is_running(c) || c->state.status == CONTAINER_STARTING;
        if (use == IMAGE_UNUSED || running)
            (void)snprintf(user, ID_SIZE, "%s", c->id);
        use = running ? IMAGE_RUNNING : use == IMAGE_UNUSED ? IMAGE_STOPPED : use;
    }
    return use;
}

struct image_usage engine_image_usage(struct engine *engine)
{
    return (struct image_usage){use_of, engine};
}

struct logfile *container_open_log(struct container *c, const struct logfile_query *query, struct err *err)
{
    struct arena arena cleanup(arena_done) = {0};
    const char *folder = container_log_folder(c, &arena, err);
    return folder ? logfile_open(folder, c->id, query, c->engine->log_watcher, err) : NULL;
}

ssize_t container_processes(struct container *c, pid_t *ret, size_t max, struct err *err)
{
    if (!container_is_running(c))
        return err_set(err, ERR_CONFLICT, "container %s is not running", c->id);
    cleanup_fd int cgroup = cgroup_open(cgroups_of(c), c->id);
    ssize_t n = cgroup < 0 ? cgroup : cgroup_pids(cgroup, ret, max);
    return n < 0 ? err_errno(err, (int)n, "cannot list the processes of container %s", c->name) : n;
}

/* --- Control groups whose last processes are being killed */

static void remove_cgroups(struct timer *timer)
{
    struct engine *engine = container_of(timer, struct engine, cgroup_timer);
    for (size_t i = engine->cgroups_to_remove.count; i-- > 0;) {
        char *id = engine->cgroups_to_remove.items[i];
        if (cgroup_remove_of(engine, id) == -EBUSY)
            continue;
        free(id);
        vec_remove(&engine->cgroups_to_remove, i);
    }
    if (engine->cgroups_to_remove.count)
        timer_start(timer, engine->config.loop, 20);
    else
        stop_settled(engine);
}

void cgroup_remove_later(struct engine *engine, const char *id)
{
    if (cgroup_remove_of(engine, id) != -EBUSY)
        return;
    vec_push(&engine->cgroups_to_remove, mem_strdup(id));
    engine->cgroup_timer.expired = remove_cgroups;
    timer_start(&engine->cgroup_timer, engine->config.loop, 20);
}
