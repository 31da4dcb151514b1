#include "engine/private.h"

#include "engine/outline.h"
#include "engine/record.h"

#include "base/log.h"
#include "base/str.h"

#include <errno.h>
#include <sys/stat.h>

static const struct {
    const char *docker, *own;
} status_names[] = {
    [CONTAINER_CREATED] = {"created", "created"},
    [CONTAINER_STARTING] = {"created", "starting"},
    [CONTAINER_RUNNING] = {"running", "running"},
    [CONTAINER_PAUSED] = {"paused", "paused"},
    [CONTAINER_STOPPING] = {"running", "stopping"},
    [CONTAINER_RESTARTING] = {"restarting", "restarting"},
    [CONTAINER_EXITED] = {"exited", "exited"},
    [CONTAINER_REMOVING] = {"removing", "removing"},
    [CONTAINER_DEAD] = {"dead", "dead"},
};

const char *container_status_name(enum container_status status)
{
    return status_names[status].docker;
}

const char *health_status_name(enum health_status status)
{
    static const char *const names[] = {"none", "starting", "healthy", "unhealthy"};
    return names[status];
}

bool container_is_running(const struct container *c)
{
    return c->state.status == CONTAINER_RUNNING || c->state.status == CONTAINER_PAUSED ||
           c->state.status == CONTAINER_STOPPING;
}

const struct container_spec *container_definition(const struct container *c, struct arena *arena, struct err *err)
{
    struct container_spec *spec = ARENA_NEW(arena, struct container_spec);
    return record_read_spec(c, arena, spec, err) < 0 ? NULL : spec;
}

struct container *container_new(struct engine *engine)
{
    struct container *c = NEW(struct container);
    struct container_private *private = NEW(struct container_private);
    c->engine = engine;
    c->private = private;
    private->owner = c;
    private->terminal = private->input = private->input_reader = -1;
    private->held_output[0] = private->held_output[1] = -1;
    list_init(&private->attachments);
    list_init(&private->execs);
    list_init(&private->waiters);
    list_init(&private->starting);
    list_init(&private->stopping);
    return c;
}

void container_free(struct container *c)
{
    if (!c)
        return;
    struct container_private *private = c->private;
    timer_stop(&private->stop_timer);
    timer_stop(&private->restart_timer);
    deferred_cancel(&private->forgotten);
    start_give_up(c);
    pending_drop(&private->starting);
    pending_drop(&private->stopping);
    closep(&private->terminal);
    closep(&private->input);
    closep(&private->input_reader);
    closep(&private->held_output[0]);
    closep(&private->held_output[1]);
    vec_foreach (probe, &c->health_log)
        free(probe->output);
    vec_done(&c->health_log);
    arena_done(&private->run);
    arena_done(&private->arena);
    outline_drop(&c->engine->texts, &c->outline);
    intern_drop(&c->engine->texts, c->image_id);
    free(c->name);
    free(private);
    free(c);
}

void container_enter(struct container *c)
{
    map_put(&c->engine->by_id, c->id, c);
    map_put(&c->engine->by_name, c->name, c);
    list_push_first(&c->engine->containers, &c->private->link);
}

int container_make_folder(struct container *c, struct err *err)
{
    if (mkdirat(c->engine->containers_fd, c->id, 0710) < 0 && errno != EEXIST)
        return err_errno(err, errno, "cannot make the folder of container %s", c->name);
    return 0;
}

void container_leave(struct container *c)
{
    map_remove(&c->engine->by_id, c->id);
    map_remove(&c->engine->by_name, c->name);
    list_remove(&c->private->link);
}

void container_set_status(struct container *c, enum container_status status)
{
    struct err err;
    log_debug("container %.12s (%s): %s → %s", c->id, c->name, status_names[c->state.status].own,
              status_names[status].own);
    c->state.status = status;
    if (record_update_state(c, &err) < 0)
        log_error("container %.12s: %s", c->id, err.message);
}

/* --- Finding */

static struct container *find_by_prefix(struct engine *engine, const char *prefix, struct err *err)
{
    struct container *found = NULL, *c = NULL;
    while ((c = engine_next_container(engine, c))) {
        if (!str_starts(c->id, prefix))
            continue;
        if (found) {
            err_set(err, ERR_INVALID, "several containers' IDs start with %s: give more of it", prefix);
            return NULL;
        }
        found = c;
    }
    if (!found)
        err_set(err, ERR_NOT_FOUND, "No such container: %s", prefix);
    return found;
}

struct container *engine_find_container(struct engine *engine, const char *reference, struct err *err)
{
    const char *name = *reference == '/' ? reference + 1 : reference;
    struct container *c = map_get(&engine->by_id, reference);
    if (!c)
        c = map_get(&engine->by_name, name);
    if (c)
        return c;
    if (id_is_prefix(reference))
        return find_by_prefix(engine, reference, err);
    err_set(err, ERR_NOT_FOUND, "No such container: %s", reference);
    return NULL;
}

struct container *engine_next_container(struct engine *engine, struct container *after)
{
    struct list *next = after ? after->private->link.next : engine->containers.next;
    return next == &engine->containers ? NULL : container_of(next, struct container_private, link)->owner;
}

struct engine_counts engine_count(struct engine *engine)
{
    struct engine_counts counts = {0};
    struct container *c = NULL;
    while ((c = engine_next_container(engine, c))) {
        counts.containers++;
        if (c->state.status == CONTAINER_PAUSED)
            counts.paused++;
        else if (container_is_running(c))
            counts.running++;
        else
            counts.stopped++;
    }
    struct image *image;
    list_foreach (image, image_store_list(images_store(engine->images)), link)
        counts.images++;
    return counts;
}
