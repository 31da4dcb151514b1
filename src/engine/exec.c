#include "engine/exec_internal.h"

#include "base/clock.h"
#include "base/str.h"
#include "http/relay.h"

#define EXECS_MAX     1000 /* of one container, ended ones included */
#define REMEMBERED_MS ((int64_t)3600 * 1000)

static const struct field exec_spec_fields[] = {
    FIELD(struct exec_spec, attach_stdin, "AttachStdin", BOOL),
    FIELD(struct exec_spec, attach_stdout, "AttachStdout", BOOL),
    FIELD(struct exec_spec, attach_stderr, "AttachStderr", BOOL),
    FIELD(struct exec_spec, detach_keys, "DetachKeys", STRING),
    FIELD(struct exec_spec, tty, "Tty", BOOL),
    FIELD(struct exec_spec, env, "Env", STRINGS),
    FIELD(struct exec_spec, cmd, "Cmd", VARIANT),
    FIELD(struct exec_spec, privileged, "Privileged", BOOL),
    FIELD(struct exec_spec, user, "User", STRING),
    FIELD(struct exec_spec, working_dir, "WorkingDir", STRING),
    {0},
};
const struct fields exec_spec_table = {"exec", sizeof(struct exec_spec), exec_spec_fields};

static void exec_free(struct exec *exec)
{
    struct exec_private *private = exec->private;
    list_remove(&private->link);
    timer_stop(&private->grace);
    relay_free(private->relay);
    closep(&private->terminal);
    closep(&private->output);
    closep(&private->input);
    arena_done(&private->arena);
    free(private);
    free(exec);
}

void exec_forget(struct exec *exec)
{
    map_remove(&exec->private->engine->execs, exec->id);
    exec_free(exec);
}

/* --- Creating and finding */

int exec_check(const struct container *c, const struct exec_spec *spec, struct err *err)
{
    if (c->state.status == CONTAINER_PAUSED)
        return err_set(err, ERR_CONFLICT, "container %s is paused, unpause the container before exec", c->name);
    if (c->state.status != CONTAINER_RUNNING && c->state.status != CONTAINER_STOPPING)
        return err_set(err, ERR_CONFLICT, "container %s is not running", c->id);
    if (!spec->cmd.count)
        return err_set(err, ERR_INVALID, "No exec command specified");
    return 0;
}

/* Forgets those that ended an hour ago, and where there are too many the one that ended first. */
static int make_room(struct container *c, struct err *err)
{
    int64_t long_ago = clock_monotonic_ms() - REMEMBERED_MS;
    struct exec_private *private, *oldest = NULL;
    int count = 0;
    list_foreach (private, &c->private->execs, link) {
        bool ended = private->owner->status == EXEC_EXITED && !private->telling;
        if (ended && private->ended_ms < long_ago) {
            exec_forget(private->owner);
            continue;
        }
        count++;
        if (ended && (!oldest || private->ended_ms < oldest->ended_ms))
            oldest = private;
    }
    if (count < EXECS_MAX)
        return 0;
    if (!oldest)
        return err_set(err, ERR_LIMIT, "container %s has %d exec sessions that have not ended", c->name, count);
    exec_forget(oldest->owner);
    return 0;
}

int exec_create(struct container *c, const struct exec_spec *spec, struct exec **ret, struct err *err)
{
    struct arena scratch cleanup(arena_done) = {0};
    if (exec_check(c, spec, err) < 0 || make_room(c, err) < 0)
        return -1;
    struct exec *exec = NEW(struct exec);
    struct exec_private *private = NEW(struct exec_private);
    id_new(exec->id);
    exec->container = c;
    exec->private = private;
    private->owner = exec;
    private->engine = c->engine;
    private->terminal = private->output = private->input = -1;
    list_init(&private->waiters);
    const char *text = fields_to_text(&exec_spec_table, spec, &scratch);
    if (fields_read_text(&exec_spec_table, text, strlen(text), &private->arena, &exec->spec, "exec", err) < 0) {
        exec_free(exec);
        return -1;
    }
    exec->spec.rows = spec->rows;
    exec->spec.columns = spec->columns;
    map_put(&c->engine->execs, exec->id, exec);
    list_push(&c->private->execs, &private->link);
    *ret = exec;
    return 0;
}

struct exec *engine_find_exec(struct engine *engine, const char *id, struct err *err)
{
    struct exec *exec = map_get(&engine->execs, id);
    if (!exec)
        err_set(err, ERR_NOT_FOUND, "No such exec instance: %s", id);
    return exec;
}

struct exec *container_next_exec(struct container *c, struct exec *after)
{
    struct list *next = after ? after->private->link.next : c->private->execs.next;
    return next == &c->private->execs ? NULL : container_of(next, struct exec_private, link)->owner;
}

/* --- Forgetting */

void exec_drop(struct exec *exec)
{
    exec->private->done = NULL;
    exec->private->dropped = true;
    if (exec->status != EXEC_RUNNING && !exec->private->telling)
        exec_forget(exec);
}

/* Sessions that the container's end ended are told of by the keeper; the others are forgotten here. */
void execs_of_container_ended(struct container *c)
{
    struct exec_private *private;
    list_foreach (private, &c->private->execs, link)
        if (private->owner->status != EXEC_RUNNING && !private->telling)
            exec_forget(private->owner);
}

void execs_lost(struct container *c)
{
    struct err why;
    err_set(&why, ERR_CONFLICT, "container %s has ended", c->name);
    struct exec_private *private;
    list_foreach (private, &c->private->execs, link) {
        private->dropped = true;
        if (private->owner->status == EXEC_RUNNING)
            exec_failed(private->owner, &why);
        else if (!private->telling)
            exec_forget(private->owner);
    }
}

void execs_done(struct engine *engine)
{
    struct map_entry *entry;
    for (size_t i = 0; (entry = map_next(&engine->execs, &i));)
        exec_free(entry->value);
    map_done(&engine->execs);
}
