/*
 * Starting an exec session: it is described from its container and its request, and sent to the keeper with pipes that
 * a relay joins to the caller's.
 */
#include "engine/exec_internal.h"

#include "engine/describe.h"
#include "engine/profiles.h"
#include "engine/streams.h"
#include "engine/users.h"

#include "base/str.h"
#include "http/relay.h"
#include "sys/cgroup.h"

#include <errno.h>
#include <fcntl.h>

/* --- Describing */

static int describe_identity(struct exec *exec, const struct container_spec *spec, struct described *ret,
                             struct err *err)
{
    struct container *c = exec->container;
    struct description *d = &ret->description;
    struct identity identity;
    char path[64];
    (void)snprintf(path, sizeof(path), "/proc/%d/root", c->pid);
    cleanup_fd int root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (root < 0)
        return err_errno(err, errno, "cannot look into container %s", c->name);
    const char *user = str_empty(exec->spec.user) ? spec->user : exec->spec.user;
    if (identity_find(root, user, &spec->host.group_add, &ret->arena, &identity, err) < 0)
        return -1;
    d->uid = identity.uid;
    d->gid = identity.gid;
    d->groups = identity.groups;
    d->group_count = (uint32_t)identity.group_count;
    return describe_environment(spec, &exec->spec.env, exec->spec.tty, &identity, ret), 0;
}

static int describe_exec(struct exec *exec, const struct container_spec *spec, int cgroup, const int stdio[3],
                         struct described *ret, struct err *err)
{
    struct description *d = &ret->description;
    *ret = (struct described){0};
    description_init(d);
    d->cgroup = cgroup;
    for (int i = 0; i < 3; i++)
        d->stdio[i] = stdio[i];
    uint64_t capabilities = exec->spec.privileged ? capability_all() : capabilities_of(&spec->host) & capability_all();
    d->bounding = d->permitted = d->effective = capabilities;
    d->cwd = str_empty(exec->spec.working_dir) ? (str_empty(spec->working_dir) ? "/" : spec->working_dir)
                                               : exec->spec.working_dir;
    if (exec->spec.tty) {
        d->flags |= DESCRIPTION_TTY;
        d->tty_rows = (uint32_t)exec->spec.rows;
        d->tty_columns = (uint32_t)exec->spec.columns;
    }
    describe_no_new_privileges(&spec->host, d);
    d->argv = describe_words(ret, &exec->spec.cmd, NULL);
    return describe_identity(exec, spec, ret, err);
}

/* --- Starting */

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
    if (exec_check(c, &exec->spec, err) < 0)
        return -1;
    struct arena arena cleanup(arena_done) = {0};
    const struct container_spec *spec = container_definition(c, &arena, err);
    if (!spec)
        return -1;
    cleanup_fd int cgroup = cgroup_open(cgroups_of(c), c->id);
    if (cgroup < 0)
        return err_errno(err, cgroup, "cannot open the control group of container %s", c->name);
    int r = describe_exec(exec, spec, cgroup, stdio, &described, err);
    ssize_t size =
        r < 0 ? -1 : description_encode(&described.description, message, sizeof(message), fds, &fd_count, err);
    const uint8_t *key = size < 0 ? NULL : profile_launcher(c->engine, &spec->host, err);
    if (key) {
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
                            spawn_answered, adoption_new(c->engine, exec->id));
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

static void relay_output(struct exec *exec, int stdout_fd, int stderr_fd, int result_fd)
{
    struct relay_options options = {
        .loop = exec->private->engine->config.loop,
        .user = {.in = -1, .out = result_fd},
        .process = {.in = stdout_fd, .err = stderr_fd, .out = -1},
        .framed = true,
        .until_process_ends = true,
        .ended = exec_relay_ended,
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
    cleanup_fd int null = streams_open_null(err);
    if (null < 0)
        return -1;
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

/* It did not begin: nothing of it is left, so that it may be tried again. */
static void disconnect(struct exec *exec)
{
    relay_free(TAKE(exec->private->relay));
    close_fd(&exec->private->output);
    close_fd(&exec->private->input);
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
            disconnect(exec);
            close_fd(ret_input);
            close_fd(ret_output);
        }
    }
    close_pipes(&pipes);
    return r;
}

void exec_begin_terminal(struct exec *exec, int terminal)
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
        .ended = exec_relay_ended,
        .data = private,
    };
    (void)fcntl(terminal, F_SETFL, O_NONBLOCK);
    private->relay = relay_new(&options);
}
