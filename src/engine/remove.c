/*
 * Removing a container: it is stopped where that was asked for, then its folder is thrown away and its row goes.
 * Journaled before the first step, so that a daemon that dies in between finishes it.
 */
#include "engine/private.h"

#include "engine/exec_private.h"
#include "engine/journal.h"
#include "engine/mount_points.h"
#include "engine/record.h"
#include "engine/shared_roots.h"
#include "engine/streams.h"

#include "base/log.h"
#include "base/str.h"

#include <errno.h>
#include <sys/stat.h>

static void finish(struct container *c, const struct err *failure)
{
    struct pending removal = c->private->removal;
    c->private->removal.done = NULL;
    if (removal.done)
        removal.done(removal.data, failure);
}

/* It stays as dead, until somebody removes it again or the next daemon tries. */
static void fail(struct container *c, const struct err *failure)
{
    log_error("container %.12s cannot be removed: %s", c->id, failure->message);
    c->state.error = arena_strdup(&c->private->run, failure->message);
    container_set_status(c, CONTAINER_DEAD);
    journal_end(c->engine->journal, c->id);
    finish(c, failure);
}

static bool has_anonymous_volume(struct container *c, const struct container_mount *mount, struct volume **ret)
{
    *ret = str_eq(mount->type, "volume") ? map_get(&c->engine->volumes, mount->name) : NULL;
    return *ret && (*ret)->anonymous && !(*ret)->users;
}

void remove_anonymous_volumes(struct container *c)
{
    struct err err;
    struct volume *v;
    vec_foreach (mount, &c->mounts)
        if (has_anonymous_volume(c, mount, &v) && engine_volume_remove(c->engine, v, &err) < 0)
            log_warning("%s", err.message);
}

/* The root that the containers of an image share goes with the last of them. */
static void forget_shared_root(struct engine *engine, const char *image_id)
{
    struct container *other = NULL;
    while ((other = engine_next_container(engine, other)))
        if (str_eq(other->image_id, image_id))
            return;
    shared_root_forget(engine, image_id);
}

/* The last step: nothing of it is left. */
static void forget(struct container *c)
{
    struct err err;
    if (record_delete(c, &err) < 0) {
        fail(c, &err);
        return;
    }
    container_leave(c);
    forget_shared_root(c->engine, c->image_id);
    mount_points_count(c, -1);
    if (c->private->remove_options.volumes)
        remove_anonymous_volumes(c);
    journal_end(c->engine->journal, c->id);
    execs_lost(c);
    emit_container(c, "destroy", NULL);
    waiters_removed(c);
    finish(c, NULL);
    container_free(c);
}

static void forget_now(struct deferred *deferred)
{
    forget(container_of(deferred, struct container_private, forgotten)->owner);
}

/* Whoever leads here may still look at it. */
static void forget_later(struct container *c)
{
    c->private->forgotten.call = forget_now;
    loop_defer(c->engine->config.loop, &c->private->forgotten);
}

static void remove_folder(struct container *c)
{
    struct err err;
    char *path cleanup(freep) = mem_printf("%s/containers/%s", c->engine->data_dir, c->id);
    if (images_discard(c->engine->images, path, &err) < 0)
        fail(c, &err);
    else
        forget_later(c);
}

static void begin(struct container *c)
{
    struct err err;
    if (journal_begin(c->engine->journal, "remove", c->id, &err) < 0) {
        finish(c, &err);
        return;
    }
    timer_stop(&c->private->restart_timer);
    container_set_status(c, CONTAINER_REMOVING);
    err_set(&err, ERR_CONFLICT, "container %s is being removed", c->name);
    pending_finish(&c->private->starting, &err); /* a restart that the removal overtook */
    container_release(c);
    streams_abandon(c);
    remove_folder(c);
}

void removal_of_ended(struct container *c)
{
    bool over = c->state.status == CONTAINER_EXITED;
    if (over && !c->private->removal.done && c->outline.auto_remove) {
        c->private->removal.done = ignore_done;
        c->private->remove_options.volumes = true;
    }
    if (c->private->removal.done && (over || c->state.status == CONTAINER_RESTARTING))
        begin(c);
}

void removal_resume(struct container *c)
{
    c->private->removal = (struct pending){.done = ignore_done};
    begin(c);
}

void container_remove(struct container *c, struct container_remove_options options, engine_done *done, void *data)
{
    struct err err = {0};
    bool alive = container_is_running(c) || c->state.status == CONTAINER_STARTING,
         comes_back = c->state.status == CONTAINER_RESTARTING;
    if (c->private->removal.done || c->state.status == CONTAINER_REMOVING)
        err_set(&err, ERR_CONFLICT, "removal of container %s is already in progress", c->name);
    else if ((alive || comes_back) && !options.force && !c->private->draining)
        err_set(&err, ERR_CONFLICT,
                "cannot remove container \"/%s\": container is %s: stop the container before removing or force remove",
                c->name, container_status_name(c->state.status));
    if (err.kind) {
        done(data, &err);
        return;
    }
    c->private->removal = (struct pending){.done = done, .data = data};
    c->private->remove_options = options;
    if (!alive)
        begin(c);
    else if (c->state.status != CONTAINER_STARTING && !c->private->draining)
        stop_begin(c, 0, 0);
    else if (c->state.status == CONTAINER_STARTING)
        container_stop(c, 0, 0, ignore_done, NULL);
}
