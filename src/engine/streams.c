#include "engine/streams.h"

#include "engine/private.h"

#include "base/log.h"
#include "base/str.h"
#include "codec/units.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

/* Does the logger have anything to do for it? */
static bool needs_logger(const struct container *c)
{
    return c->outline.keeps_log || c->outline.attach_output;
}

/* The keeper holds another descriptor of its input, so that the daemon's end is not the end of that. */
static const char *stored_name(const struct container *c, char name[KEEPER_STORE_NAME_MAX])
{
    (void)snprintf(name, KEEPER_STORE_NAME_MAX, "stdin/%s", c->id);
    return name;
}

static int run_folder(struct container *c, struct err *err)
{
    int at = c->engine->run_containers_fd;
    if (mkdirat(at, c->id, 0700) < 0 && errno != EEXIST)
        return err_errno(err, errno, "cannot make the run folder of container %.12s", c->id);
    int fd = openat(at, c->id, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? err_errno(err, errno, "cannot open the run folder of container %.12s", c->id) : fd;
}

static int make_fifo(int folder, const char *name, struct err *err)
{
    if (mkfifoat(folder, name, 0600) < 0 && errno != EEXIST)
        return err_errno(err, errno, "cannot make the FIFO %s", name);
    return 0;
}

/* --- The logger */

static int size_option(const struct pairs *options, const char *name, int64_t *ret, struct err *err)
{
    const char *text = pairs_get(options, name);
    if (text && !size_parse(text, ret))
        return err_set(err, ERR_INVALID, "log option %s: expected a size like 10m, found '%s'", name, text);
    return 0;
}

static int logger_options(struct container *c, struct arena *arena, struct logger_open *open, struct err *err)
{
    const struct container_spec *spec = container_definition(c, arena, err);
    if (!spec)
        return -1;
    const struct pairs *options = &spec->host.log.options;
    const char *files = pairs_get(options, "max-file"), *mode = pairs_get(options, "mode");
    int64_t size = 0, buffer = 0;
    int count = 0;
    if (size_option(options, "max-size", &size, err) < 0 || size_option(options, "max-buffer-size", &buffer, err) < 0)
        return -1;
    open->max_size = size < 0 ? UINT64_MAX : (uint64_t)size;
    open->max_buffer = buffer > 1 << 20 ? 1 << 20 : (uint32_t)buffer;
    if (files && !str_to_int(files, 1, 1000, &count))
        return err_set(err, ERR_INVALID, "log option max-file: expected a number from 1 to 1000, found '%s'", files);
    open->max_files = (uint32_t)count;
    if (mode && !str_eq(mode, "blocking") && !str_eq(mode, "non-blocking"))
        return err_set(err, ERR_INVALID, "log option mode: expected blocking or non-blocking, found '%s'", mode);
    open->non_blocking = str_same(mode, "non-blocking");
    return log_attributes(spec, arena, &open->attrs, err);
}

/*
 * Output is held open from before the logger reads it until both the logger and the payload have it: a payload that
 * ends at once leaves its words there, and a logger that is quicker than the payload does not see an end before the
 * beginning. The same while the logger is gone.
 */
static void release_output(struct container *c)
{
    if (!c->private->opened_at_logger || c->state.status == CONTAINER_CREATED || c->state.status == CONTAINER_STARTING)
        return;
    close_fd(&c->private->held_output[0]);
    close_fd(&c->private->held_output[1]);
}

static void opened_at_logger(void *data, const struct err *failure)
{
    struct adoption *asked = data;
    struct container *c = map_get(&asked->engine->by_id, asked->id);
    bool again = failure && failure->kind == ERR_UNAVAILABLE; /* the logger died: it is opened at the next one */
    if (failure && !again)
        log_error("container %.12s: its output cannot be logged: %s", asked->id, failure->message);
    if (c && !again) {
        c->private->opened_at_logger = true;
        release_output(c);
    }
    free(asked);
}

static int open_payload(struct container *c, const char *name, int flags, struct err *err)
{
    char path[ID_SIZE + 16];
    (void)snprintf(path, sizeof(path), "%s/%s", c->id, name);
    int fd = openat(c->engine->run_containers_fd, path, flags | O_CLOEXEC);
    return fd < 0 ? err_errno(err, errno, "cannot open the FIFO %s of container %.12s", name, c->id) : fd;
}

static int hold_output(struct container *c, struct err *err)
{
    static const char *const names[] = {"stdout", "stderr"};
    c->private->opened_at_logger = false;
    for (int i = 0; i < 2; i++)
        if (c->private->held_output[i] < 0)
            c->private->held_output[i] = open_payload(c, names[i], O_RDWR, err);
    return c->private->held_output[0] < 0 || c->private->held_output[1] < 0 ? -1 : 0;
}

void streams_logger_lost(struct container *c)
{
    struct err err;
    if (!c->private->logged || c->outline.tty)
        return;
    if (hold_output(c, &err) < 0)
        log_warning("%s", err.message);
}

void streams_open_at_logger(struct container *c, bool fresh)
{
    struct arena arena cleanup(arena_done) = {0};
    struct err err;
    struct logger_open open = {
        .id = c->id,
        .streams = c->outline.tty ? LOGGER_STDOUT : LOGGER_BOTH,
        .driver = c->outline.keeps_log ? LOGGER_JSON_FILE : LOGGER_ATTACH_ONLY,
        .terminal_fd = c->outline.tty ? c->private->terminal : -1,
        .fresh = fresh,
    };
    if (!c->engine->logger)
        return; /* it is opened when there is one */
    if (logger_options(c, &arena, &open, &err) < 0) {
        log_error("container %.12s: its output cannot be logged: %s", c->id, err.message);
        return;
    }
    struct adoption *asked = adoption_new(c->engine, c->id);
    if (logger_client_open(c->engine->logger, &open, opened_at_logger, asked, &err) < 0) {
        log_error("container %.12s: its output cannot be logged: %s", c->id, err.message);
        free(asked);
    }
}

/* --- Preparing */

int streams_prepare(struct container *c, struct err *err)
{
    struct container_private *private = c->private;
    if (private->streams_ready || (!needs_logger(c) && !c->outline.open_stdin))
        return 0;
    cleanup_fd int folder = run_folder(c, err);
    if (folder < 0 || (c->outline.keeps_log && container_make_folder(c, err) < 0))
        return -1;
    if (!c->outline.tty && needs_logger(c) &&
        (make_fifo(folder, "stdout", err) < 0 || make_fifo(folder, "stderr", err) < 0))
        return -1;
    if (!c->outline.tty && c->outline.open_stdin) {
        if (make_fifo(folder, "stdin", err) < 0)
            return -1;
        private->input_reader = openat(folder, "stdin", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
        private->input = openat(folder, "stdin", O_WRONLY | O_NONBLOCK | O_CLOEXEC);
        if (private->input < 0)
            return err_errno(err, errno, "cannot open the input of container %.12s", c->id);
    }
    private->streams_ready = true;
    private->logged = needs_logger(c);
    if (!private->logged || c->outline.tty)
        return 0;
    int r = hold_output(c, err);
    streams_open_at_logger(c, true);
    return r;
}

int streams_open_null(struct err *err)
{
    int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    return fd < 0 ? err_errno(err, errno, "cannot open /dev/null") : fd;
}

int streams_for_payload(struct container *c, int stdio[3], struct err *err)
{
    struct container_private *private = c->private;
    stdio[0] = stdio[1] = stdio[2] = -1;
    if (streams_prepare(c, err) < 0)
        return -1;
    if (c->outline.tty)
        return 0;
    if (private->input_reader >= 0) {
        stdio[0] = take_fd(&private->input_reader);
        (void)fcntl(stdio[0], F_SETFL, 0); /* blocking for the payload */
    } else {
        stdio[0] = streams_open_null(err);
    }
    /* Read and write: a logger that dies leaves it a reader, itself, and nobody gets SIGPIPE. */
    stdio[1] = private->logged ? open_payload(c, "stdout", O_RDWR, err) : streams_open_null(err);
    stdio[2] = private->logged ? open_payload(c, "stderr", O_RDWR, err) : streams_open_null(err);
    return stdio[0] < 0 || stdio[1] < 0 || stdio[2] < 0 ? -1 : 0;
}

/* --- The life of a run */

void streams_started(struct container *c, int terminal)
{
    char name[KEEPER_STORE_NAME_MAX];
    struct container_private *private = c->private;
    release_output(c);
    if (terminal >= 0) {
        closep(&private->terminal);
        private->terminal = terminal;
        if (private->logged)
            streams_open_at_logger(c, true);
        attachments_begin(c);
    }
    if (private->input >= 0)
        keeper_client_store_fd(c->engine->keeper, stored_name(c, name), private->input, NULL, NULL);
}

static void input_came_back(void *data, const struct err *err, const void *payload, size_t size, int fd)
{
    struct engine *engine = ((struct adoption *)data)->engine;
    struct container *c = map_get(&engine->by_id, ((struct adoption *)data)->id);
    if (c && fd >= 0 && c->private->input < 0)
        c->private->input = fd;
    else
        closep(&fd);
    free(data);
}

static void terminal_came_back(void *data, const struct err *err, const void *payload, size_t size, int fd)
{
    struct engine *engine = ((struct adoption *)data)->engine;
    struct container *c = map_get(&engine->by_id, ((struct adoption *)data)->id);
    free(data);
    if (!c || fd < 0) {
        closep(&fd);
        return;
    }
    c->private->terminal = fd;
    if (c->private->logged)
        streams_open_at_logger(c, false);
}

void streams_adopt(struct container *c)
{
    char name[KEEPER_STORE_NAME_MAX];
    struct container_private *private = c->private;
    private->streams_ready = true;
    private->logged = needs_logger(c);
    if (c->outline.tty)
        keeper_client_tty(c->engine->keeper, c->id, terminal_came_back, adoption_new(c->engine, c->id));
    else if (private->logged)
        streams_open_at_logger(c, false);
    if (c->outline.open_stdin && !c->outline.tty)
        keeper_client_take_fd(c->engine->keeper, stored_name(c, name), input_came_back, adoption_new(c->engine, c->id));
}

int streams_give_input(struct container *c, int *ret_input, struct err *err)
{
    char name[KEEPER_STORE_NAME_MAX];
    struct container_private *private = c->private;
    if (private->input < 0)
        return 0;
    if (c->outline.stdin_once) {
        *ret_input = take_fd(&private->input);
        keeper_client_drop_fd(c->engine->keeper, stored_name(c, name), NULL, NULL);
        return 0;
    }
    *ret_input = fcntl(private->input, F_DUPFD_CLOEXEC, 0);
    return *ret_input < 0 ? err_errno(err, errno, "cannot attach") : 0;
}

void streams_ended(struct container *c)
{
    char name[KEEPER_STORE_NAME_MAX];
    struct container_private *private = c->private;
    attachments_end(c);
    close_fd(&private->input_reader);
    if (private->input >= 0)
        keeper_client_drop_fd(c->engine->keeper, stored_name(c, name), NULL, NULL);
    close_fd(&private->input);
    close_fd(&private->terminal);
}

bool streams_in_use(const struct container *c)
{
    return container_is_running(c) || c->state.status == CONTAINER_STARTING || c->private->draining ||
           c->private->streams_ready;
}

void streams_unlink(struct engine *engine, const char *id)
{
    static const char *const names[] = {"stdin", "stdout", "stderr"};
    char path[ID_SIZE + 16];
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", id, names[i]);
        (void)unlinkat(engine->run_containers_fd, path, 0);
    }
    (void)unlinkat(engine->run_containers_fd, id, AT_REMOVEDIR);
}

void streams_abandon(struct container *c)
{
    struct err ignored;
    if (c->private->logged && c->engine->logger)
        (void)logger_client_close(c->engine->logger, c->id, NULL, NULL, &ignored);
    streams_remove(c);
}

void streams_remove(struct container *c)
{
    if (!c->private->streams_ready)
        return;
    c->private->streams_ready = c->private->logged = c->private->opened_at_logger = false;
    close_fd(&c->private->held_output[0]);
    close_fd(&c->private->held_output[1]);
    streams_unlink(c->engine, c->id);
}

const char *container_log_folder(struct container *c, struct arena *arena, struct err *err)
{
    if (c->outline.keeps_log)
        return arena_printf(arena, "%s/containers/%s", c->engine->data_dir, c->id);
    err_set(err, ERR_UNSUPPORTED, "configured logging driver does not support reading");
    return NULL;
}
