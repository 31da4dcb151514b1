/* Steps carried out on the engine of this node. */
#include "cluster/internal.h"

#include "base/str.h"
#include "engine/events.h"

static struct running_step *begin(struct action_private *action, const struct step *step)
{
    struct running_step *running = NEW(struct running_step);
    running->action = action;
    running->kind = step->kind;
    running->name = mem_strdup(step->name);
    running->service = step->service ? mem_strdup(step->service) : NULL;
    list_push(&action->steps, &running->link);
    action->running++;
    tell_step(action, step, "begun", NULL);
    return running;
}

static void note_failure(struct action_private *action, const char *name, const char *why)
{
    map_put(&action->failures, name, arena_strdup(&action->arena, why));
}

static void finish(struct running_step *running, const struct err *failure)
{
    struct action_private *action = running->action;
    struct step step = {.kind = running->kind, .name = running->name, .service = running->service};
    bool failed = failure && failure->kind != ERR_NOT_MODIFIED;
    list_remove(&running->link);
    action->running--;
    if (failed) {
        struct buf why cleanup(buf_done) = BUF(ERR_MESSAGE_MAX * 2);
        buf_printf(&why, "%s %s: %s", step_kind_name(step.kind), step.name, failure->message);
        note_failure(action, step.name, buf_str(&why));
    }
    tell_step(action, &step, failed ? "failed" : "done", failed ? failure->message : NULL);
    if (failed && step.kind != STEP_START && step.kind != STEP_PULL)
        action_end(action, ACTION_FAILED, map_get(&action->failures, step.name));
    else
        action_wake(action);
    free(running->name);
    free(running->service);
    free(running);
}

static void step_done(void *data, const struct err *failure)
{
    finish(data, failure);
}

bool step_is_running(const struct action_private *action, enum step_kind kind, const char *name)
{
    struct running_step *running;
    list_foreach (running, &action->steps, link)
        if (running->kind == kind && str_eq(running->name, name))
            return true;
    return false;
}

void steps_cancel(struct action_private *action)
{
    struct running_step *running;
    list_foreach (running, &action->steps, link)
        if (running->pull) {
            struct err cancelled;
            image_job_cancel(running->pull);
            err_set(&cancelled, ERR_CANCELLED, "cancelled");
            finish(running, &cancelled);
        }
}

/* --- Pulling */

static void pull_progress(void *data, const struct image_progress *progress)
{
    struct running_step *running = data;
    if (progress->warning)
        tell_warning(running->action, progress->status);
    else
        tell_progress(running->action, running->name, progress);
}

static void pull_done(void *data, struct image *image, const struct strings *names, const struct err *err)
{
    struct running_step *running = data;
    running->pull = NULL;
    if (!err)
        map_put(&running->action->pulled, running->name, running->action);
    finish(running, err);
}

static void pull(struct action_private *action, const struct step *step)
{
    static const struct image_job_ops ops = {.progress = pull_progress, .done = pull_done};
    struct running_step *running = begin(action, step);
    struct err err;
    running->pull = images_pull(engine_images(action->manager->engine), &(struct image_pull){.reference = step->name},
                                &ops, running, &err);
    if (!running->pull)
        finish(running, &err);
}

/* --- Networks and volumes */

static int create_network(struct manager *manager, const struct stack_spec *spec, const char *name, struct err *err)
{
    struct engine_network *made;
    vec_foreach (network, &spec->networks)
        if (str_eq(network->network.name, name))
            return engine_network_create(manager->engine, &network->network, &made, err);
    return err_set(err, ERR_INTERNAL, "no network %s in the stack", name);
}

static int create_volume(struct manager *manager, const struct stack_spec *spec, const char *name, struct err *err)
{
    struct volume *made;
    vec_foreach (volume, &spec->volumes)
        if (str_eq(volume->volume.name, name))
            return engine_volume_create(manager->engine, &volume->volume, &made, err);
    return err_set(err, ERR_INTERNAL, "no volume %s in the stack", name);
}

static int remove_network(struct manager *manager, const char *name, struct err *err)
{
    struct engine_network *network = engine_find_network(manager->engine, name, err);
    return network ? engine_network_remove(manager->engine, network, err) : -1;
}

static int remove_volume(struct manager *manager, const char *name, struct err *err)
{
    struct volume *volume = engine_find_volume(manager->engine, name, err);
    return volume ? engine_volume_remove(manager->engine, volume, err) : -1;
}

/* --- Containers */

static int create(struct action_private *action, const struct stack_spec *stack, const struct step *step,
                  struct err *err)
{
    struct manager *manager = action->manager;
    struct arena arena cleanup(arena_done) = {0};
    struct strings warnings = {0};
    struct container *made;
    const struct service_spec *service = stack_service(stack, step->service);
    struct container_spec *spec = plan_replica_spec(stack, service, step->number, &arena);
    if (files_grant(manager, stack, service, spec, &arena, err) < 0)
        return -1;
    struct container_create_options options = {.name = step->name, .spec = spec};
    if (container_create(manager->engine, &options, &made, &arena, &warnings, err) < 0)
        return -1;
    vec_foreach (warning, &warnings)
        tell_warning(action, arena_printf(&arena, "%s: %s", step->name, *warning));
    map_put(&action->made, step->name, action);
    return 0;
}

static int timeout_of(const struct action_private *action)
{
    return action->options.timeout.set ? (int)action->options.timeout.value : -1;
}

static void on_container(struct action_private *action, const struct step *step)
{
    struct running_step *running = begin(action, step);
    struct err err;
    struct container *c = engine_find_container(action->manager->engine, step->id ? step->id : step->name, &err);
    if (!c) {
        finish(running, &err);
        return;
    }
    if (step->kind == STEP_START) {
        map_put(&action->tried, step->name, action);
        container_start(c, step_done, running);
    } else if (step->kind == STEP_STOP) {
        container_stop(c, 0, timeout_of(action), step_done, running);
    } else {
        container_remove(c, (struct container_remove_options){.force = true, .volumes = action->options.volumes},
                         step_done, running);
    }
}

/* Those that are over when they return. */
static void at_once(struct action_private *action, const struct stack_spec *spec, const struct step *step)
{
    struct running_step *running = begin(action, step);
    struct manager *manager = action->manager;
    struct err err;
    int r = 0;
    if (step->kind == STEP_CREATE)
        r = create(action, spec, step, &err);
    else if (step->kind == STEP_CREATE_NETWORK)
        r = create_network(manager, spec, step->name, &err);
    else if (step->kind == STEP_CREATE_VOLUME)
        r = create_volume(manager, spec, step->name, &err);
    else if (step->kind == STEP_REMOVE_NETWORK)
        r = remove_network(manager, step->name, &err);
    else if (step->kind == STEP_REMOVE_VOLUME)
        r = remove_volume(manager, step->name, &err);
    finish(running, r < 0 ? &err : NULL);
}

void step_take(struct action_private *action, const struct stack_spec *spec, const struct step *step)
{
    switch (step->kind) {
    case STEP_WAIT:
        break;
    case STEP_PULL:
        pull(action, step);
        break;
    case STEP_START:
    case STEP_STOP:
    case STEP_REMOVE:
        on_container(action, step);
        break;
    default:
        at_once(action, spec, step);
        break;
    }
}
