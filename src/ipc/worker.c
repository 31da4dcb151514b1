#include "ipc/worker.h"

#include "base/mem.h"
#include "base/str.h"
#include "sys/files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/wait.h>

#define REQUEST_FD 0
#define OUTPUT_FD  1
#define DATA_FD    3
#define READ_SIZE  ((size_t)64 * 1024)

static void start_next(struct worker_queue *queue);

void worker_queue_init(struct worker_queue *queue, unsigned max)
{
    *queue = (struct worker_queue){.max = max};
    list_init(&queue->waiting);
}

/* shoal-worker beside the program that runs. To be freed. */
static char *default_program(void)
{
    char path[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);
    path[n > 0 ? n : 0] = '\0';
    char *slash = strrchr(path, '/');
    return slash ? mem_printf("%.*s/shoal-worker", (int)(slash - path), path) : mem_strdup("shoal-worker");
}

static void fail(struct worker *worker, const struct err *err)
{
    if (!worker->failed)
        worker->failure = *err;
    worker->failed = true;
}

/* Frees all that one run held; the worker may be started again. */
static void release(struct worker *worker)
{
    io_remove(&worker->output);
    close_fd(&worker->output.fd);
    child_remove(&worker->child);
    deferred_cancel(&worker->deferred);
    list_remove(&worker->link);
    close_fd(&worker->request_fd);
    close_fd(&worker->data_fd);
    free(TAKE(worker->job));
    free(TAKE(worker->program));
    buf_done(&worker->lines);
    if (worker->state == WORKER_RUNNING && worker->queue)
        worker->queue->running--;
    worker->state = WORKER_IDLE;
}

/* Tells the owner, who may free the worker: nothing touches it after that. */
static void end(struct worker *worker)
{
    struct err err = worker->failure;
    bool failed = worker->failed;
    struct worker_queue *queue = worker->queue;
    json_value *result cleanup(json_freep) = TAKE(worker->result);
    if (!failed && !result) {
        err_set(&err, ERR_INTERNAL, "shoal-worker %s ended without an answer", worker->job);
        failed = true;
    }
    if (worker->cancelled) {
        err_set(&err, ERR_CANCELLED, "%s was cancelled", worker->job);
        failed = true;
    }
    release(worker);
    worker->ended(worker, failed ? NULL : json_get(result, "result"), failed ? &err : NULL);
    if (queue)
        start_next(queue);
}

static void on_deferred(struct deferred *deferred)
{
    end(container_of(deferred, struct worker, deferred));
}

/* --- What it says ------------------------------------------------------------------------------------------------- */

static enum err_kind kind_of_name(const char *name)
{
    for (int kind = 1; name && kind < ERR_KIND_COUNT; kind++)
        if (str_eq(name, err_kind_name(kind)))
            return kind;
    return ERR_INTERNAL;
}

static void take_error(struct worker *worker, const json_value *value)
{
    struct err err;
    const char *message = json_get_text(value, "message");
    err_set(&err, kind_of_name(json_get_text(value, "kind")), "%s", message ? message : "it does not say what failed");
    err.errnum = (int)json_as_int(json_get(value, "errno"), 0);
    fail(worker, &err);
}

static void take_line(struct worker *worker, const char *text, size_t size)
{
    struct err err;
    json_value *line cleanup(json_freep) = json_parse(text, size, "a line of shoal-worker", &err);
    void *first = line ? json_first(line) : NULL;
    if (!first) {
        if (line)
            err_set(&err, ERR_INTERNAL, "a line of shoal-worker has no key");
        fail(worker, &err);
        return;
    }
    const char *key = json_iter_key(first);
    json_value *value = json_iter_value(first);
    if (str_eq(key, "error"))
        take_error(worker, value);
    else if (str_eq(key, "result") && !worker->result)
        worker->result = TAKE(line);
    else if (worker->line && !worker->cancelled)
        worker->line(worker, key, value);
}

static void take_lines(struct worker *worker)
{
    struct buf *lines = &worker->lines;
    size_t start = 0;
    char *newline;
    while (start < lines->size && (newline = memchr(lines->data + start, '\n', lines->size - start))) {
        take_line(worker, lines->data + start, (size_t)(newline - lines->data) - start);
        start = (size_t)(newline - lines->data) + 1;
    }
    buf_consume(lines, start);
}

/* Reads what is there now. False at the end of the stream. */
static bool read_output(struct worker *worker)
{
    for (;;) {
        void *room = buf_reserve(&worker->lines, READ_SIZE);
        if (!room) {
            struct err err;
            err_set(&err, ERR_LIMIT, "shoal-worker %s wrote a line of more than %zu bytes", worker->job,
                    WORKER_LINE_MAX);
            fail(worker, &err);
            kill(worker->child.pid, SIGKILL);
            return false;
        }
        ssize_t n = read(worker->output.fd, room, READ_SIZE);
        if (n < 0)
            return errno == EAGAIN || errno == EINTR;
        if (n == 0)
            return false;
        buf_claim(&worker->lines, (size_t)n);
        take_lines(worker);
    }
}

static void on_output(struct io *io, uint32_t events)
{
    struct worker *worker = container_of(io, struct worker, output);
    if (!read_output(worker))
        io_remove(io); /* the exit follows */
}

static void on_exit_of(struct child *child, int status)
{
    struct worker *worker = container_of(child, struct worker, child);
    struct err err;
    if (worker->output.loop)
        (void)read_output(worker);
    if (WIFSIGNALED(status)) {
        err_set(&err, ERR_INTERNAL, "shoal-worker %s was killed by signal %d (%s)", worker->job, WTERMSIG(status),
                strsignal(WTERMSIG(status)));
        fail(worker, &err);
    } else if (WEXITSTATUS(status) == MEM_EXIT_STATUS) {
        err_set(&err, ERR_LIMIT, "shoal-worker %s ran out of memory", worker->job);
        fail(worker, &err);
    } else if (WEXITSTATUS(status) != 0) {
        err_set(&err, ERR_INTERNAL, "shoal-worker %s exited with status %d", worker->job, WEXITSTATUS(status));
        fail(worker, &err);
    }
    end(worker);
}

/* --- Starting ----------------------------------------------------------------------------------------------------- */

/* posix_spawn(3) with the request, the pipe and the data in place, and no signal blocked or ignored. */
static int spawn(struct worker *worker, int output, pid_t *ret_pid)
{
    char parent[32];
    (void)snprintf(parent, sizeof(parent), "--parent=%d", (int)getpid());
    char *argv[] = {worker->program, parent, worker->job, NULL};
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawn_file_actions_init(&files);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    posix_spawn_file_actions_adddup2(&files, worker->request_fd, REQUEST_FD);
    posix_spawn_file_actions_adddup2(&files, output, OUTPUT_FD);
    if (worker->data_fd >= 0)
        posix_spawn_file_actions_adddup2(&files, worker->data_fd, DATA_FD);
    int failed = posix_spawn(ret_pid, worker->program, &files, &attributes, argv, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&files);
    return -failed;
}

static int run(struct worker *worker, struct err *err)
{
    int ends[2];
    pid_t pid;
    if (pipe2(ends, O_CLOEXEC) < 0)
        return err_errno(err, errno, "shoal-worker %s: cannot make a pipe", worker->job);
    worker->output = (struct io){.ready = on_output, .fd = ends[0]};
    (void)fcntl(ends[0], F_SETFL, O_NONBLOCK);
    int spawned = spawn(worker, ends[1], &pid);
    (void)close(ends[1]);
    if (spawned < 0)
        return err_errno(err, spawned, "cannot start %s", worker->program);
    worker->child = (struct child){.exited = on_exit_of};
    if (child_add(&worker->child, worker->loop, pid, err) < 0 ||
        io_add(&worker->output, worker->loop, ends[0], EPOLLIN, err) < 0) {
        (void)kill(pid, SIGKILL);
        (void)waitpid(pid, NULL, 0);
        return -1;
    }
    return 0;
}

static void start_now(struct worker *worker)
{
    struct err err;
    list_remove(&worker->link);
    worker->state = WORKER_RUNNING;
    if (worker->queue)
        worker->queue->running++;
    if (worker->failed)
        loop_defer(worker->loop, &worker->deferred);
    else if (run(worker, &err) < 0) {
        fail(worker, &err);
        loop_defer(worker->loop, &worker->deferred);
    }
    close_fd(&worker->request_fd);
    close_fd(&worker->data_fd);
}

static void start_next(struct worker_queue *queue)
{
    while (queue->running < queue->max && !list_empty(&queue->waiting))
        start_now(container_of(queue->waiting.next, struct worker, link));
}

/* The request and the data, held until the process starts. A failure is told later, like any other. */
static void keep_descriptors(struct worker *worker, const struct worker_request *request)
{
    struct err err;
    worker->request_fd = file_sealed_memfd("shoal-request", request->request, strlen(request->request), false);
    worker->data_fd = request->data_fd > 0 ? file_dup(request->data_fd, DATA_FD + 1) : -1;
    if (worker->request_fd < 0 || (request->data_fd > 0 && worker->data_fd < 0)) {
        err_errno(&err, worker->request_fd < 0 ? worker->request_fd : worker->data_fd, "cannot start shoal-worker %s",
                  request->job);
        fail(worker, &err);
    }
}

void worker_start(struct worker *worker, struct loop *loop, const struct worker_request *request)
{
    worker->loop = loop;
    worker->queue = request->queue;
    worker->job = mem_strdup(request->job);
    worker->program = request->program ? mem_strdup(request->program) : default_program();
    worker->deferred = (struct deferred){.call = on_deferred};
    worker->output = (struct io){.fd = -1};
    worker->child = (struct child){0};
    worker->lines = BUF(WORKER_LINE_MAX);
    worker->failed = worker->cancelled = false;
    keep_descriptors(worker, request);
    if (worker->queue && worker->queue->running >= worker->queue->max) {
        worker->state = WORKER_WAITING;
        list_push(&worker->queue->waiting, &worker->link);
    } else {
        start_now(worker);
    }
}

void worker_cancel(struct worker *worker)
{
    if (worker->state == WORKER_IDLE)
        return;
    worker->cancelled = true;
    if (worker->state == WORKER_WAITING) {
        list_remove(&worker->link);
        loop_defer(worker->loop, &worker->deferred);
    } else if (worker->child.io.loop) {
        (void)kill(worker->child.pid, SIGKILL);
    }
}

void worker_done(struct worker *worker)
{
    if (worker->state == WORKER_IDLE)
        return;
    if (worker->child.io.loop) {
        (void)kill(worker->child.pid, SIGKILL);
        (void)waitpid(worker->child.pid, NULL, 0);
    }
    json_free(TAKE(worker->result));
    release(worker);
}
