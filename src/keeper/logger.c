#include "keeper/logger.h"

#include "base/mem.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>

/* --- One turn of a stream ----------------------------------------------------------------------------------------- */

void stream_wake(struct logger *l, struct stream *s)
{
    if (s->io.fd >= 0 && list_unlinked(&s->ready))
        list_push(&l->ready, &s->ready);
}

void container_wake(struct logger *l, struct container *c)
{
    stream_wake(l, &c->stream[0]);
    stream_wake(l, &c->stream[1]);
}

static void container_free(struct logger *l, struct container *c)
{
    stream_close(l, &c->stream[0]);
    stream_close(l, &c->stream[1]);
    log_file_close(&l->files, &c->file);
    attachments_free(&c->attachments);
    free(c->attrs);
    free(c);
}

void tell_drained(struct logger *l, struct connection *to, const char *id)
{
    struct logger_event event = {.type = LOGGER_DRAINED};
    memcpy(event.id, id, ID_SIZE);
    logger_tell(l, to, &event, NULL);
}

static void end_if_idle(struct logger *l)
{
    l->ended |= l->ending && !l->containers.count;
}

/* A stream has come to its end; with the last one the container has. */
static void stream_end(struct logger *l, struct container *c, struct stream *s)
{
    stream_close(l, s);
    if (c->stream[0].io.fd >= 0 || c->stream[1].io.fd >= 0)
        return;
    container_log_end(l, c);
    (void)map_remove(&l->containers, c->id);
    container_detach_all(l, c);
    tell_drained(l, NULL, c->id);
    container_free(l, c);
    end_if_idle(l);
}

static void stream_run(struct logger *l, struct stream *s)
{
    struct container *c = stream_container(s);
    struct window w;
    bool gone = s->hung_up || c->closing, stopped = false;
    /* Nobody waits for a slow attachment where the payload is gone: what it has not got is kept for it. */
    if (container_is_held_up(c) && !gone)
        return;
    if (!stream_look(l, s, &w)) {
        stream_end(l, c, s);
        return;
    }
    container_copy(l, c, s, &w);
    gone |= s->hung_up;
    bool last = gone && (!w.more || w.size < LOGGER_WINDOW);
    size_t used = w.size;
    if (c->driver == LOGGER_JSON_FILE)
        used = container_log(l, c, s, &w, last, &stopped);
    else
        stream_consume(l, s, used, NULL);
    container_copied(c, s, used);
    stream_leave(l, s, w.size - used);
    if (stopped || gone || (s->terminal && w.more))
        stream_wake(l, s);
}

static void stream_ready(struct io *io, uint32_t events)
{
    struct stream *s = container_of(io, struct stream, io);
    struct logger *l = s->logger;
    s->hung_up |= (events & EPOLLHUP) != 0;
    stream_wake(l, s);
}

/* Each stream that is ready now gets one turn; those that become ready in it wait for the next. */
static void run_ready(struct logger *l)
{
    struct list now;
    list_init(&now);
    while (!list_empty(&l->ready)) {
        struct list *first = l->ready.next;
        list_remove(first);
        list_push(&now, first);
    }
    while (!list_empty(&now)) {
        struct stream *s = container_of(now.next, struct stream, ready);
        list_remove(&s->ready);
        stream_run(l, s);
    }
}

/* --- Containers --------------------------------------------------------------------------------------------------- */

struct container *logger_find(struct logger *l, const char *id, struct err *err)
{
    struct container *c = map_get(&l->containers, id);
    if (!c)
        (void)err_set(err, ERR_NOT_FOUND, "the logger has no container %s open", id);
    return c;
}

static struct container *container_new(const struct logger_request *r, const char *attrs)
{
    struct container *c = NEW(struct container);
    memcpy(c->id, r->id, ID_SIZE);
    c->driver = (uint8_t)r->driver;
    c->flags = (uint8_t)r->flags;
    c->streams = (uint8_t)r->streams;
    c->file.fd = -1;
    c->file.max_size = r->max_size ? r->max_size : LOGGER_MAX_SIZE_DEFAULT;
    c->file.max_files = r->max_files ? r->max_files : LOGGER_MAX_FILES_DEFAULT;
    c->attrs = r->text_size ? mem_memdup(attrs, r->text_size) : NULL;
    c->attrs_size = r->text_size;
    c->pipe_size = LOGGER_WINDOW;
    if (r->flags & LOGGER_NON_BLOCKING)
        c->pipe_size = r->max_buffer ? r->max_buffer : LOGGER_MAX_BUFFER_DEFAULT;
    list_init(&c->attachments);
    for (int i = 0; i < 2; i++)
        c->stream[i] = (struct stream){.number = (uint8_t)(i + 1), .io = {.ready = stream_ready, .fd = -1}};
    return c;
}

static int open_stream(struct logger *l, struct container *c, struct stream *s, const struct logger_request *r,
                       int *terminal_fd, struct err *err)
{
    s->logger = l;
    s->terminal = r->flags & LOGGER_TTY;
    if (l->stream_count >= l->stream_max)
        return err_set(err, ERR_LIMIT, "the logger reads %u streams, all that its limit of descriptors allows",
                       l->stream_count);
    if (s->terminal)
        s->io.fd = take_fd(terminal_fd);
    else if (stream_open_fifo(l, s, c->id, err) < 0)
        return -1;
    l->stream_count++;
    if (s->terminal && fcntl(s->io.fd, F_SETFL, O_NONBLOCK) < 0)
        return err_errno(err, errno, "cannot read the terminal of container %s", c->id);
    if (r->flags & LOGGER_FRESH && journal_find(&l->journal, c->id, s->number))
        journal_forget(journal_find(&l->journal, c->id, s->number));
    stream_recover(l, s);
    return io_add(&s->io, l->loop, s->io.fd, EPOLLIN | EPOLLET, err);
}

int logger_open_container(struct logger *l, const struct logger_request *r, const char *attrs, int *terminal_fd,
                          struct err *err)
{
    if (map_get(&l->containers, r->id))
        return 0; /* a daemon that came back */
    struct container *c = container_new(r, attrs);
    for (int i = 0; i < 2; i++)
        if (r->streams & c->stream[i].number && open_stream(l, c, &c->stream[i], r, terminal_fd, err) < 0) {
            container_free(l, c);
            return -1;
        }
    (void)map_put(&l->containers, c->id, c);
    l->ending = false;
    return 0;
}

void container_close(struct logger *l, struct container *c)
{
    c->closing = true;
    container_wake(l, c);
}

/* --- The logger --------------------------------------------------------------------------------------------------- */

static void raise_descriptor_limit(struct logger *l)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
    (void)getrlimit(RLIMIT_NOFILE, &limit);
    rlim_t most = limit.rlim_cur < UINT32_MAX ? limit.rlim_cur : UINT32_MAX;
    l->stream_max = most > LOGGER_SPARE_FDS ? (unsigned)most - LOGGER_SPARE_FDS : 0;
}

static int open_run_dir(struct logger *l, const char *run_dir, struct err *err)
{
    cleanup_fd int run_fd = open(run_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (run_fd < 0)
        return err_errno(err, errno, "cannot open the run directory %s", run_dir);
    int r = journal_open(&l->journal, run_fd);
    if (r == -EWOULDBLOCK)
        return err_set(err, ERR_CONFLICT, "another logger runs in %s", run_dir);
    if (r < 0)
        return err_errno(err, r, "cannot open %s/logger.journal", run_dir);
    if (mkdirat(run_fd, "containers", 0700) < 0 && errno != EEXIST)
        return err_errno(err, errno, "cannot make %s/containers", run_dir);
    l->containers_fd = openat(run_fd, "containers", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return l->containers_fd < 0 ? err_errno(err, errno, "cannot open %s/containers", run_dir) : 0;
}

static void written(struct signal_watch *watch, const struct signalfd_siginfo *info)
{
    logger_look_at_unfinished(container_of(watch, struct logger, written));
}

int logger_init(struct logger *l, struct loop *loop, const char *run_dir, struct err *err)
{
    l->loop = loop;
    l->containers_fd = l->peek[0] = l->peek[1] = l->journal.fd = l->listener.fd = -1;
    list_init(&l->ready);
    list_init(&l->unfinished);
    list_init(&l->leaving);
    list_init(&l->connections);
    log_files_init(&l->files);
    raise_descriptor_limit(l);
    l->written.arrived = written;
    if (signal_watch_add(&l->written, loop, SIGIO, err) < 0)
        return -1;
    if (open_run_dir(l, run_dir, err) < 0)
        return -1;
    if (stream_open_peek(l, err) < 0)
        return -1;
    return logger_listen(l, run_dir, err);
}

void logger_fini(struct logger *l)
{
    struct map_entry *entry;
    for (size_t i = 0; (entry = map_next(&l->containers, &i));)
        container_free(l, entry->value);
    map_done(&l->containers);
    attachments_free(&l->leaving);
    logger_hang_up(l);
    signal_watch_remove(&l->written);
    close_fd(&l->containers_fd);
    close_fd(&l->peek[0]);
    close_fd(&l->peek[1]);
    log_files_use(&l->files, -1);
    journal_close(&l->journal);
}

int logger_turn(struct logger *l, int timeout_ms, struct err *err)
{
    if (loop_turn(l->loop, list_empty(&l->ready) ? timeout_ms : 0, err) < 0)
        return -1;
    run_ready(l);
    return 0;
}

int logger_run(struct logger *l, struct err *err)
{
    while (!l->ended)
        if (logger_turn(l, -1, err) < 0)
            return -1;
    return 0;
}
