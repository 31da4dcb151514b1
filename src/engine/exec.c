#include "engine/private.h"

#include "engine/describe.h"
#include "engine/exec_private.h"
#include "engine/profiles.h"
#include "engine/users.h"

#include "base/clock.h"
#include "base/str.h"
#include "http/relay.h"
#include "sys/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>

#define EXECS_MAX     1000 /* of one container, ended ones included: the oldest that ended is forgotten */
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

struct exec_private {
    struct exec *owner;
    struct engine *engine;
    struct list link; /* in its container's execs */
    struct arena arena;
    struct list waiters;
    engine_done *done;
    void *done_data;
    struct relay *relay; /* between the caller's pipes and the process */
    struct timer grace;  /* ends the relay where a grandchild keeps the output open */
    int terminal;        /* -1 without */
    int output;          /* another writing end of the caller's output: its end is told after the exit code is known */
    int input;           /* the reading end of the caller's input, until the terminal is there */
    int64_t ended_ms;
    bool telling; /* its end is being told: it is not to be freed under that */
    bool dropped; /* nobody asks for it any more: it is forgotten at its end */
};

#define GRACE_MS 2000

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

static void forget(struct exec *exec)
{
    map_remove(&exec->private->engine->execs, exec->id);
    exec_free(exec);
}

/* --- Creating and finding */

static int check(const struct container *c, const struct exec_spec *spec, struct err *err)
{
    if (c->state.status == CONTAINER_PAUSED)
        return err_set(err, ERR_CONFLICT, "container %s is paused, unpause the container before exec", c->name);
    if (c->state.status != CONTAINER_RUNNING && c->state.status != CONTAINER_STOPPING)
        return err_set(err, ERR_CONFLICT, "container %s is not running", c->id);
    if (!spec->cmd.count)
        return err_set(err, ERR_INVALID, "No exec command specified");
    return 0;
}

/* Forgets those that ended an hour ago, and the oldest of too many. */
static void make_room(struct container *c)
{
    int64_t long_ago = clock_monotonic_ms() - REMEMBERED_MS;
    struct exec_private *private, *oldest = NULL;
    int count = 0;
    list_foreach (private, &c->private->execs, link) {
        bool ended = private->owner->status == EXEC_EXITED && !private->telling;
        count++;
        if (ended && private->ended_ms < long_ago)
            forget(private->owner);
        else if (ended && (!oldest || private->ended_ms < oldest->ended_ms))
            oldest = private;
    }
    if (count >= EXECS_MAX && oldest)
        forget(oldest->owner);
}

int exec_create(struct container *c, const struct exec_spec *spec, struct exec **ret, struct err *err)
{
    struct arena scratch cleanup(arena_done) = {0};
    if (check(c, spec, err) < 0)
        return -1;
    make_room(c);
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

/* --- Describing */

static int describe_identity(struct exec *exec, struct described *ret, struct err *err)
{
    struct container *c = exec->container;
    struct description *d = &ret->description;
    struct identity identity;
    char path[64];
    (void)snprintf(path, sizeof(path), "/proc/%d/root", c->pid);
    cleanup_fd int root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (root < 0)
        return err_errno(err, errno, "cannot look into container %s", c->name);
    const char *user = str_empty(exec->spec.user) ? c->spec.user : exec->spec.user;
    if (identity_find(root, user, &c->spec.host.group_add, &ret->arena, &identity, err) < 0)
        return -1;
    d->uid = identity.uid;
    d->gid = identity.gid;
    d->groups = identity.groups;
    d->group_count = (uint32_t)identity.group_count;
    return describe_environment(c, &exec->spec.env, exec->spec.tty, &identity, ret), 0;
}

static int describe_exec(struct exec *exec, int cgroup, const int stdio[3], struct described *ret, struct err *err)
{
    struct container *c = exec->container;
    struct description *d = &ret->description;
    *ret = (struct described){0};
    description_init(d);
    d->cgroup = cgroup;
    for (int i = 0; i < 3; i++)
        d->stdio[i] = stdio[i];
    uint64_t capabilities =
        exec->spec.privileged ? capability_all() : capabilities_of(&c->spec.host) & capability_all();
    d->bounding = d->permitted = d->effective = capabilities;
    d->cwd = str_empty(exec->spec.working_dir) ? (str_empty(c->spec.working_dir) ? "/" : c->spec.working_dir)
                                               : exec->spec.working_dir;
    if (exec->spec.tty) {
        d->flags |= DESCRIPTION_TTY;
        d->tty_rows = (uint32_t)exec->spec.rows;
        d->tty_columns = (uint32_t)exec->spec.columns;
    }
    describe_no_new_privileges(c, d);
    d->argv = describe_words(ret, &exec->spec.cmd, NULL);
    return describe_identity(exec, ret, err);
}

/* --- Starting */

static void relay_ended(void *data)
{
    struct exec_private *private = data;
    timer_stop(&private->grace);
    relay_free(TAKE(private->relay));
}

static void grace_over(struct timer *timer)
{
    relay_ended(container_of(timer, struct exec_private, grace));
}

/* The exit code is known: the caller's output may end, when the relay has carried the rest. */
static void output_ended(struct exec *exec)
{
    struct exec_private *private = exec->private;
    close_fd(&private->output);
    if (!private->relay)
        return;
    private->grace.expired = grace_over;
    timer_start(&private->grace, private->engine->config.loop, GRACE_MS);
}

/* Its end was told. */
static void told(struct exec *exec)
{
    exec->private->telling = false;
    if (exec->private->dropped)
        forget(exec);
}

static void wake_waiters(struct exec *exec)
{
    struct list *waiters = &exec->private->waiters;
    while (!list_empty(waiters)) {
        struct exec_waiter *waiter = container_of(waiters->next, struct exec_waiter, link);
        list_remove(&waiter->link);
        waiter->ended(waiter, exec->exit_code);
    }
}

static void exec_failed(struct exec *exec, const struct err *failure)
{
    struct exec_private *private = exec->private;
    engine_done *done = private->done;
    private->done = NULL;
    private->telling = true;
    exec->status = EXEC_EXITED;
    exec->exit_code = failure->kind == ERR_NO_COMMAND ? 127 : 126;
    private->ended_ms = clock_monotonic_ms();
    output_ended(exec);
    close_fd(&private->input);
    if (done)
        done(private->done_data, failure);
    wake_waiters(exec);
    told(exec);
}

static void spawn_answered(void *data, const struct err *err, const void *payload, size_t size, int fd)
{
    struct adoption *asked = data;
    struct exec *exec = map_get(&asked->engine->execs, asked->id);
    if (err && exec && exec->status == EXEC_RUNNING)
        exec_failed(exec, err);
    free(asked);
}

int exec_run(struct exec *exec, const int stdio[3], engine_done *done, void *data, struct err *err)
{
    struct container *c = exec->container;
    struct described described;
    char message[DESCRIPTION_SIZE_MAX];
    int fds[DESCRIPTION_FDS_MAX];
    unsigned fd_count;
    if (exec->status != EXEC_CREATED)
        return err_set(err, ERR_CONFLICT, "exec %.12s was started already", exec->id);
    if (check(c, &exec->spec, err) < 0)
        return -1;
    cleanup_fd int cgroup = cgroup_open(cgroups_of(c), c->id);
    if (cgroup < 0)
        return err_errno(err, cgroup, "cannot open the control group of container %s", c->name);
    int r = describe_exec(exec, cgroup, stdio, &described, err);
    ssize_t size =
        r < 0 ? -1 : description_encode(&described.description, message, sizeof(message), fds, &fd_count, err);
    const uint8_t *key = size < 0 ? NULL : profile_launcher(c, err);
    if (key) {
        struct adoption *asked = NEW(struct adoption);
        asked->engine = c->engine;
        memcpy(asked->id, exec->id, sizeof(asked->id));
        exec->status = EXEC_RUNNING;
        exec->private->done = done;
        exec->private->done_data = data;
        keeper_client_spawn(c->engine->keeper,
                            &(struct keeper_client_spawn){
                                .id = exec->id,
                                .container = c->id,
                                .key = key,
                                .description = message,
                                .description_size = (size_t)size,
                                .fds = fds,
                                .fd_count = fd_count,
                            },
                            spawn_answered, asked);
    }
    described_done(&described);
    return key ? 0 : -1;
}

/* The pipes of one start: [0] the engine's and the caller's ends, [1] the payload's. */
struct exec_pipes {
    int input[2], output[2], error[2], result[2];
};

static void close_pair(int pair[2])
{
    closep(&pair[0]);
    closep(&pair[1]);
}

static void close_pipes(struct exec_pipes *pipes)
{
    close_pair(pipes->input);
    close_pair(pipes->output);
    close_pair(pipes->error);
    close_pair(pipes->result);
}

static int open_pipes(const struct exec *exec, struct exec_pipes *pipes, struct err *err)
{
    bool tty = exec->spec.tty;
    *pipes = (struct exec_pipes){{-1, -1}, {-1, -1}, {-1, -1}, {-1, -1}};
    int r = exec->spec.attach_stdin ? pipe2(pipes->input, O_CLOEXEC) : 0;
    if (r == 0 && !tty && exec->spec.attach_stdout)
        r = pipe2(pipes->output, O_CLOEXEC);
    if (r == 0 && !tty && exec->spec.attach_stderr)
        r = pipe2(pipes->error, O_CLOEXEC);
    if (r == 0 && (exec->spec.attach_stdout || exec->spec.attach_stderr))
        r = pipe2(pipes->result, O_CLOEXEC | O_NONBLOCK);
    return r < 0 ? err_errno(err, errno, "cannot make pipes") : 0;
}

static int open_null(void)
{
    return open("/dev/null", O_RDWR | O_CLOEXEC);
}

static void relay_output(struct exec *exec, int stdout_fd, int stderr_fd, int result_fd)
{
    struct relay_options options = {
        .loop = exec->private->engine->config.loop,
        .user = {.in = -1, .out = result_fd},
        .process = {.in = stdout_fd, .err = stderr_fd, .out = -1},
        .framed = true,
        .until_process_ends = true,
        .ended = relay_ended,
        .data = exec->private,
    };
    for (int i = 0; i < 3; i++) {
        int fd = (int[]){stdout_fd, stderr_fd, result_fd}[i];
        if (fd >= 0)
            (void)fcntl(fd, F_SETFL, O_NONBLOCK);
    }
    exec->private->output = fcntl(result_fd, F_DUPFD_CLOEXEC, 0);
    exec->private->relay = relay_new(&options);
}

static int connect_plain(struct exec *exec, struct exec_pipes *pipes, engine_done *done, void *data, struct err *err)
{
    cleanup_fd int null = open_null();
    const int stdio[3] = {
        pipes->input[0] >= 0 ? pipes->input[0] : null,
        pipes->output[1] >= 0 ? pipes->output[1] : null,
        pipes->error[1] >= 0 ? pipes->error[1] : null,
    };
    if (pipes->result[1] >= 0)
        relay_output(exec, take_fd(&pipes->output[0]), take_fd(&pipes->error[0]), take_fd(&pipes->result[1]));
    return exec_run(exec, stdio, done, data, err);
}

/* The master comes with STARTED: until then the pipes wait. */
static int connect_terminal(struct exec *exec, struct exec_pipes *pipes, engine_done *done, void *data, struct err *err)
{
    static const int none[3] = {-1, -1, -1};
    exec->private->output = take_fd(&pipes->result[1]);
    exec->private->input = take_fd(&pipes->input[0]);
    return exec_run(exec, none, done, data, err);
}

int exec_start(struct exec *exec, bool detach, int *ret_input, int *ret_output, engine_done *done, void *data,
               struct err *err)
{
    struct exec_pipes pipes;
    *ret_input = *ret_output = -1;
    if (detach)
        exec->spec.attach_stdin = exec->spec.attach_stdout = exec->spec.attach_stderr = false;
    int r = open_pipes(exec, &pipes, err);
    if (r == 0) {
        /* Given before it is started: where the keeper cannot be reached, done comes before this returns. */
        *ret_input = take_fd(&pipes.input[1]);
        *ret_output = take_fd(&pipes.result[0]);
        if (*ret_input >= 0)
            (void)fcntl(*ret_input, F_SETFL, O_NONBLOCK);
        r = exec->spec.tty ? connect_terminal(exec, &pipes, done, data, err)
                           : connect_plain(exec, &pipes, done, data, err);
        if (r < 0) {
            close_fd(ret_input);
            close_fd(ret_output);
        }
    }
    close_pipes(&pipes);
    return r;
}

/* --- What the keeper tells */

static void begin_terminal(struct exec *exec, int terminal)
{
    struct exec_private *private = exec->private;
    private->terminal = terminal;
    if (private->output < 0 && private->input < 0)
        return;
    struct relay_options options = {
        .loop = private->engine->config.loop,
        .user = {.in = take_fd(&private->input),
                 .out = private->output < 0 ? -1 : fcntl(private->output, F_DUPFD_CLOEXEC, 0)},
        .process = {.in = fcntl(terminal, F_DUPFD_CLOEXEC, 0), .err = -1, .out = fcntl(terminal, F_DUPFD_CLOEXEC, 0)},
        .until_process_ends = true,
        .ended = relay_ended,
        .data = private,
    };
    (void)fcntl(terminal, F_SETFL, O_NONBLOCK);
    private->relay = relay_new(&options);
}

bool exec_started(struct engine *engine, const char *id, pid_t pid, int terminal)
{
    struct exec *exec = map_get(&engine->execs, id);
    if (!exec)
        return false;
    exec->pid = pid;
    if (terminal >= 0)
        begin_terminal(exec, terminal);
    engine_done *done = exec->private->done;
    exec->private->done = NULL;
    if (done)
        done(exec->private->done_data, NULL);
    return true;
}

bool exec_not_started(struct engine *engine, const char *id, const struct err *failure)
{
    struct exec *exec = map_get(&engine->execs, id);
    if (exec)
        exec_failed(exec, failure);
    return exec != NULL;
}

bool exec_exited(struct engine *engine, const char *id, int status)
{
    struct exec *exec = map_get(&engine->execs, id);
    if (!exec)
        return false;
    struct exec_private *private = exec->private;
    exec->status = EXEC_EXITED;
    exec->exit_code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    exec->pid = 0;
    private->telling = true;
    private->ended_ms = clock_monotonic_ms();
    close_fd(&private->terminal);
    output_ended(exec);
    wake_waiters(exec);
    told(exec);
    return true;
}

void exec_wait_add(struct exec *exec, struct exec_waiter *waiter)
{
    if (exec->status == EXEC_EXITED)
        waiter->ended(waiter, exec->exit_code);
    else
        list_push(&exec->private->waiters, &waiter->link);
}

void exec_wait_cancel(struct exec_waiter *waiter)
{
    list_remove(&waiter->link);
}

int exec_resize(struct exec *exec, int rows, int columns, struct err *err)
{
    struct winsize size = {.ws_row = (unsigned short)rows, .ws_col = (unsigned short)columns};
    if (exec->private->terminal < 0)
        return err_set(err, ERR_CONFLICT, "exec %.12s has no running terminal", exec->id);
    return ioctl(exec->private->terminal, TIOCSWINSZ, &size) < 0 ? err_errno(err, errno, "cannot resize the terminal")
                                                                 : 0;
}

void exec_kill(struct exec *exec)
{
    keeper_client_signal(exec->private->engine->keeper, exec->id, SIGKILL, NULL, NULL);
}

void exec_drop(struct exec *exec)
{
    exec->private->done = NULL;
    exec->private->dropped = true;
    if (exec->status != EXEC_RUNNING && !exec->private->telling)
        forget(exec);
}

/* Sessions that the container's end ended are told of by the keeper; the others are forgotten here. */
void execs_of_container_ended(struct container *c)
{
    struct exec_private *private;
    list_foreach (private, &c->private->execs, link)
        if (private->owner->status != EXEC_RUNNING && !private->telling)
            forget(private->owner);
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
            forget(private->owner);
    }
}

void execs_done(struct engine *engine)
{
    struct map_entry *entry;
    for (size_t i = 0; (entry = map_next(&engine->execs, &i));)
        exec_free(entry->value);
    map_done(&engine->execs);
}
