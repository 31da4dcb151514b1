/*
 * A daemon for tests: the keeper's protocol, driven over standard input and output, an object of JSON a line each.
 *
 *     keeper_client RUN/keeper.sock
 *
 * in:  {"do": "spawn", "id": …, "argv": […], "rootfs": …, …}   see spawn(), which takes what struct description has
 *      {"do": "exec", "id": …, "container": …, …}  {"do": "signal", "id": …, "signo": 9}  {"do": "ack", "id": …}
 *      {"do": "launcher", "seccomp": "default", "capabilities": …}  {"do": "tty", "id": …, "path": …}  {"do":
 * "shutdown"}
 *      {"do": "store", "name": …, "path": …}  {"do": "take", "name": …}  {"do": "drop", …}  {"do": "stored"}
 *      {"do": "reexec", "path": …}  {"do": "list"}
 * out: {"reply": …, …} for each, and {"event": "started"|"failed"|"exited"|"listed"|"ready"|"lost", …}
 *
 * What a terminal says is copied to the file that "tty_output" names.
 */
#include "ipc/keeper_client.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "codec/json.h"
#include "runtime/description.h"
#include "runtime/seccomp_profile.h"
#include "sys/capabilities.h"
#include "sys/files.h"
#include "sys/mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/stat.h>

#define LISTS_MAX 256

static struct tool {
    struct loop *loop;
    struct keeper_client *client;
    struct io input;
    struct buf line;
    uint8_t key[KEEPER_KEY_SIZE]; /* of the launcher that was asked for last */
} tool;

/* --- Out ---------------------------------------------------------------------------------------------------------- */

static void say(const struct buf *json)
{
    struct buf line cleanup(buf_done) = BUF(1 << 20);
    buf_add(&line, json->data, json->size);
    buf_addc(&line, '\n');
    (void)file_write_all(STDOUT_FILENO, line.data, line.size);
}

static void put_err(struct json_out *out, const struct err *err)
{
    json_key_string(out, "kind", err_kind_name(err->kind));
    json_key_int(out, "errno", err->errnum);
    json_key_string(out, "message", err->message);
}

static void event(const char *name, const char *id, const struct err *err, int64_t status, int64_t pid, int64_t at_ns)
{
    struct buf json cleanup(buf_done) = BUF(1 << 16);
    struct json_out out = {.buf = &json};
    json_put_object(&out);
    json_key_string(&out, "event", name);
    json_key_string(&out, "id", id);
    json_key_int(&out, "status", status);
    json_key_int(&out, "pid", pid);
    json_key_int(&out, "ns", at_ns);
    if (err)
        put_err(&out, err);
    json_put_object_end(&out);
    say(&json);
}

static void on_ready(void *data, const struct keeper_welcome *welcome)
{
    event("ready", welcome->version, NULL, welcome->reexecs, welcome->pid, 0);
}

static void on_listed(void *data, const char *id, const struct keeper_record *record)
{
    struct buf json cleanup(buf_done) = BUF(1 << 16);
    struct json_out out = {.buf = &json};
    json_put_object(&out);
    json_key_string(&out, "event", "listed");
    json_key_string(&out, "id", id);
    json_key_int(&out, "state", record->state);
    json_key_int(&out, "pid", record->pid);
    json_key_int(&out, "status", record->status);
    json_key_bool(&out, "tty", record->has_tty);
    json_key_string(&out, "message", record->message);
    json_put_object_end(&out);
    say(&json);
}

static void on_started(void *data, const char *id, pid_t pid, int64_t started_ns, int tty)
{
    event("started", id, NULL, tty >= 0, pid, started_ns);
    if (tty >= 0)
        (void)close(tty);
}

static void on_failed(void *data, const char *id, const struct err *err)
{
    event("failed", id, err, 0, 0, 0);
}

static void on_exited(void *data, const char *id, int status, int64_t ended_ns)
{
    event("exited", id, NULL, status, 0, ended_ns);
}

static void on_lost(void *data, const struct err *err)
{
    event("lost", "", err, 0, 0, 0);
    loop_stop(tool.loop);
}

static const struct keeper_client_ops ops = {
    .ready = on_ready,
    .listed = on_listed,
    .started = on_started,
    .failed = on_failed,
    .exited = on_exited,
    .lost = on_lost,
};

/* data: the id of the request, to be freed. */
static void replied(void *data, const struct err *err, const void *payload, size_t size, int fd)
{
    cleanup_free char *what = data;
    struct buf json cleanup(buf_done) = BUF(1 << 20);
    struct json_out out = {.buf = &json};
    json_put_object(&out);
    json_key_string(&out, "reply", what);
    json_key_bool(&out, "ok", !err);
    json_key_int(&out, "size", (int64_t)size);
    struct stat st;
    if (fd >= 0 && fstat(fd, &st) == 0) {
        json_key_int(&out, "inode", (int64_t)st.st_ino);
        json_key_int(&out, "rdev", (int64_t)st.st_rdev);
        (void)close(fd);
    }
    if (err)
        put_err(&out, err);
    json_put_object_end(&out);
    say(&json);
}

/* --- A description from JSON -------------------------------------------------------------------------------------- */

/* Everything that a description points to, and the descriptors that were opened for it. */
struct made {
    struct arena arena;
    int fds[LISTS_MAX];
    unsigned fd_count;
};

static void made_done(struct made *made)
{
    for (unsigned i = 0; i < made->fd_count; i++)
        (void)close(made->fds[i]);
    arena_done(&made->arena);
}

static int keep(struct made *made, int fd, const char *what)
{
    if (fd < 0) {
        log_error("%s: %s", what, strerror(fd == -1 ? errno : -fd));
        return -1;
    }
    if (made->fd_count < LISTS_MAX)
        made->fds[made->fd_count++] = fd;
    return fd;
}

static const char *const *texts(struct made *made, const json_value *array)
{
    size_t count = json_count(array);
    const char **list = arena_alloc_array(&made->arena, count + 1, sizeof(*list));
    for (size_t i = 0; i < count; i++)
        list[i] = arena_strdup(&made->arena, json_as_text(json_at(array, i)));
    return list;
}

static const char *text(struct made *made, const json_value *object, const char *key)
{
    return arena_strdup(&made->arena, json_get_text(object, key));
}

static uint32_t number(const json_value *object, const char *key, uint32_t otherwise)
{
    return (uint32_t)json_as_int(json_get(object, key), otherwise);
}

static uint64_t number64(const json_value *object, const char *key, uint64_t otherwise)
{
    return (uint64_t)json_as_int(json_get(object, key), (int64_t)otherwise);
}

static int open_path(struct made *made, const char *path, int flags)
{
    return path ? keep(made, open(path, flags | O_CLOEXEC), path) : -1;
}

static int clone_tree(struct made *made, const char *path)
{
    return path ? keep(made, mount_clone(AT_FDCWD, path, true), path) : -1;
}

static void read_mounts(struct made *made, const json_value *array, struct description *d)
{
    static const char *const kinds[] = {"",       "fd",     "proc",    "sysfs", "tmpfs",
                                        "devpts", "mqueue", "cgroup2", "dev",   "lean-dev"};
    struct description_mount *list = arena_alloc_array(&made->arena, json_count(array) + 1, sizeof(*list));
    for (size_t i = 0; i < json_count(array); i++) {
        const json_value *from = json_at(array, i);
        struct description_mount *m = &list[i];
        for (uint32_t kind = 1; kind < ARRAY_SIZE(kinds); kind++)
            if (str_same(json_get_text(from, "kind"), kinds[kind]))
                m->kind = kind;
        m->target = text(made, from, "target");
        m->data = text(made, from, "data");
        m->attributes = number64(from, "attributes", 0);
        m->propagation = number64(from, "propagation", 0);
        m->recursive = number(from, "recursive", 0);
        m->source = clone_tree(made, json_get_text(from, "source"));
    }
    d->mounts = list;
    d->mount_count = (uint32_t)json_count(array);
}

static void read_lists(struct made *made, const json_value *from, struct description *d)
{
    const json_value *array = json_get(from, "rlimits");
    struct description_rlimit *limits = arena_alloc_array(&made->arena, json_count(array) + 1, sizeof(*limits));
    for (size_t i = 0; i < json_count(array); i++)
        limits[i] = (struct description_rlimit){.resource = number(json_at(array, i), "resource", 0),
                                                .soft = number64(json_at(array, i), "soft", 0),
                                                .hard = number64(json_at(array, i), "hard", 0)};
    d->rlimits = limits;
    d->rlimit_count = (uint32_t)json_count(array);

    array = json_get(from, "sysctls");
    struct description_sysctl *sysctls = arena_alloc_array(&made->arena, json_count(array) + 1, sizeof(*sysctls));
    for (size_t i = 0; i < json_count(array); i++)
        sysctls[i] = (struct description_sysctl){.name = text(made, json_at(array, i), "name"),
                                                 .value = text(made, json_at(array, i), "value")};
    d->sysctls = sysctls;
    d->sysctl_count = (uint32_t)json_count(array);

    array = json_get(from, "devices");
    struct description_device *devices = arena_alloc_array(&made->arena, json_count(array) + 1, sizeof(*devices));
    for (size_t i = 0; i < json_count(array); i++)
        devices[i] = (struct description_device){.path = text(made, json_at(array, i), "path"),
                                                 .mode = number(json_at(array, i), "mode", 0),
                                                 .major = number(json_at(array, i), "major", 0),
                                                 .minor = number(json_at(array, i), "minor", 0)};
    d->devices = devices;
    d->device_count = (uint32_t)json_count(array);

    array = json_get(from, "joins");
    struct description_join *joins = arena_alloc_array(&made->arena, json_count(array) + 1, sizeof(*joins));
    for (size_t i = 0; i < json_count(array); i++)
        joins[i] = (struct description_join){.type = number(json_at(array, i), "type", 0),
                                             .fd = open_path(made, json_get_text(json_at(array, i), "path"), O_RDONLY)};
    d->joins = joins;
    d->join_count = (uint32_t)json_count(array);

    array = json_get(from, "groups");
    uint32_t *groups = arena_alloc_array(&made->arena, json_count(array) + 1, sizeof(*groups));
    for (size_t i = 0; i < json_count(array); i++)
        groups[i] = (uint32_t)json_as_int(json_at(array, i), 0);
    d->groups = groups;
    d->group_count = (uint32_t)json_count(array);
}

/* "id_map": [container, host, size], for users and groups. */
static void read_id_map(struct made *made, const json_value *array, struct description *d)
{
    if (!array)
        return;
    struct description_id_map *map = arena_alloc(&made->arena, sizeof(*map));
    *map = (struct description_id_map){.container = (uint32_t)json_as_int(json_at(array, 0), 0),
                                       .host = (uint32_t)json_as_int(json_at(array, 1), 0),
                                       .size = (uint32_t)json_as_int(json_at(array, 2), 0)};
    d->uid_maps = d->gid_maps = map;
    d->uid_map_count = d->gid_map_count = 1;
}

static void read_streams(struct made *made, const json_value *from, struct description *d)
{
    const char *in = json_get_text(from, "stdin"), *out = json_get_text(from, "stdout");
    if (d->flags & DESCRIPTION_TTY)
        return;
    d->stdio[0] = open_path(made, in ? in : "/dev/null", O_RDONLY);
    d->stdio[1] = open_path(made, out ? out : "/dev/null", O_WRONLY | O_APPEND);
    d->stdio[2] = d->stdio[1];
}

static void read_description(struct made *made, const json_value *from, struct description *d)
{
    description_init(d);
    uint64_t caps = number64(from, "capabilities", 0);
    d->flags = number(from, "flags", 0);
    d->argv = texts(made, json_get(from, "argv"));
    d->env = texts(made, json_get(from, "env"));
    d->cwd = json_get(from, "cwd") ? text(made, from, "cwd") : "/";
    d->uid = number(from, "uid", 0);
    d->gid = number(from, "gid", 0);
    d->umask = number(from, "umask", 022);
    d->tty_columns = number(from, "columns", 0);
    d->tty_rows = number(from, "rows", 0);
    d->bounding = caps;
    d->permitted = d->effective = d->uid ? 0 : caps;
    d->oom_score_adj = (int32_t)json_as_int(json_get(from, "oom_score_adj"), 0);
    d->namespaces = number64(from, "namespaces", CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC);
    d->hostname = text(made, from, "hostname");
    d->domainname = text(made, from, "domainname");
    d->root = clone_tree(made, json_get_text(from, "rootfs"));
    d->root_propagation = number64(from, "root_propagation", 0);
    d->masked_paths = texts(made, json_get(from, "masked"));
    d->readonly_paths = texts(made, json_get(from, "readonly"));
    d->cgroup = open_path(made, json_get_text(from, "cgroup"), O_RDONLY | O_DIRECTORY);
    read_mounts(made, json_get(from, "mounts"), d);
    read_lists(made, from, d);
    read_id_map(made, json_get(from, "id_map"), d);
    read_streams(made, from, d);
}

/* --- In ----------------------------------------------------------------------------------------------------------- */

static void spawn(const json_value *from, char *what)
{
    struct made made cleanup(made_done) = {0};
    struct description d;
    read_description(&made, from, &d);
    cleanup_free char *data = mem_alloc(DESCRIPTION_SIZE_MAX);
    int fds[DESCRIPTION_FDS_MAX];
    unsigned fd_count;
    struct err err;
    ssize_t size = description_encode(&d, data, DESCRIPTION_SIZE_MAX, fds, &fd_count, &err);
    if (size < 0) {
        replied(what, &err, NULL, 0, -1);
        return;
    }
    struct keeper_client_spawn request = {
        .id = json_get_text(from, "id"),
        .container = json_get_text(from, "container"),
        .key = tool.key,
        .flags = number(from, "keeper_flags", 0),
        .description = data,
        .description_size = (size_t)size,
        .fds = fds,
        .fd_count = fd_count,
    };
    keeper_client_spawn(tool.client, &request, replied, what);
}

static void launcher(const json_value *from, char *what)
{
    struct seccomp_profile profile cleanup(seccomp_profile_done);
    struct err err;
    seccomp_profile_unconfined(&profile);
    if (str_same(json_get_text(from, "seccomp"), "default") &&
        seccomp_profile_default(number64(from, "capabilities", 0), &profile, &err) < 0) {
        replied(what, &err, NULL, 0, -1);
        return;
    }
    memcpy(tool.key, profile.key, sizeof(tool.key));
    keeper_client_launcher(tool.client, profile.key, profile.outer, profile.outer_size, profile.inner,
                           profile.inner_size, replied, what);
}

static void carry_out(const json_value *from)
{
    const char *verb = json_get_text(from, "do"), *id = json_get_text(from, "id"), *name = json_get_text(from, "name");
    const char *path = json_get_text(from, "path");
    char *what = mem_printf("%s", id ? id : name ? name : verb);
    cleanup_fd int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (str_in(verb, (const char *const[]){"spawn", "exec", NULL}))
        spawn(from, what);
    else if (str_eq(verb, "launcher"))
        launcher(from, what);
    else if (str_eq(verb, "signal"))
        keeper_client_signal(tool.client, id, (int)number(from, "signo", 0), replied, what);
    else if (str_eq(verb, "ack"))
        keeper_client_ack(tool.client, id, replied, what);
    else if (str_eq(verb, "tty"))
        keeper_client_tty(tool.client, id, replied, what);
    else if (str_eq(verb, "store"))
        keeper_client_store_fd(tool.client, name, fd, replied, what);
    else if (str_eq(verb, "take"))
        keeper_client_take_fd(tool.client, name, replied, what);
    else if (str_eq(verb, "drop"))
        keeper_client_drop_fd(tool.client, name, replied, what);
    else if (str_eq(verb, "stored"))
        keeper_client_stored(tool.client, 0, replied, what);
    else if (str_eq(verb, "reexec"))
        keeper_client_reexec(tool.client, fd, replied, what);
    else
        keeper_client_shutdown(tool.client, replied, what);
}

static void take_line(char *line)
{
    struct err err;
    json_value *request cleanup(json_freep) = json_parse(line, strlen(line), "the request", &err);
    if (request)
        carry_out(request);
    else
        log_error("%s", err.message);
}

static void on_input(struct io *io, uint32_t events)
{
    char *room = buf_reserve(&tool.line, 65536);
    ssize_t n = room ? read(STDIN_FILENO, room, 65536) : 0;
    if (n <= 0) {
        loop_stop(tool.loop);
        return;
    }
    buf_claim(&tool.line, (size_t)n);
    char *end;
    while ((end = memchr(tool.line.data, '\n', tool.line.size))) {
        *end = '\0';
        take_line(tool.line.data);
        buf_consume(&tool.line, (size_t)(end - tool.line.data) + 1);
        if (!tool.line.size)
            break;
    }
}

int main(int argc, char **argv)
{
    struct err err;
    log_open("keeper_client", LOG_LEVEL_INFO);
    if (argc != 2)
        return EXIT_FAILURE;
    tool.line = BUF(4 << 20);
    tool.loop = loop_new(&err);
    tool.client = keeper_client_new(tool.loop, &ops, NULL);
    tool.input.ready = on_input;
    if (keeper_client_connect(tool.client, argv[1], &err) < 0 ||
        io_add(&tool.input, tool.loop, STDIN_FILENO, EPOLLIN, &err) < 0 || loop_run(tool.loop, &err) < 0) {
        log_error("%s", err.message);
        return EXIT_FAILURE;
    }
    keeper_client_free(tool.client);
    loop_free(tool.loop);
    buf_done(&tool.line);
    return EXIT_SUCCESS;
}
