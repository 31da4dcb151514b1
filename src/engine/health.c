/*
 * Health checks: a command run inside the container at an interval (Docker's HEALTHCHECK). One at a time; one that
 * takes longer than its timeout is killed and counts as failed. Failures within the start period do not count until the
 * first success.
 *
 *   starting ───── one success ────► healthy ◄─────────────┐
 *      │                                │ retries failures │ one success
 *      └──────── retries failures ──────┴──► unhealthy ────┘
 */
#include "engine/private.h"

#include "engine/exec_private.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>

#define INTERVAL_DEFAULT_NS       (30 * NS_PER_S)
#define TIMEOUT_DEFAULT_NS        (30 * NS_PER_S)
#define START_INTERVAL_DEFAULT_NS (5 * NS_PER_S)
#define RETRIES_DEFAULT           3
#define OUTPUT_MAX                ((size_t)4096)
#define LOG_MAX                   5
#define EXIT_TIMEOUT              (-1) /* Docker's code for a check that was killed */

struct health {
    struct container *container;
    struct arena arena; /* of the definition */
    const struct health_check *check;
    const struct strings *shell;
    struct timer timer; /* the next check, or the end of this one's time */
    struct exec *exec;  /* the check that runs */
    struct exec_waiter waiter;
    struct io output;
    int output_fd; /* -1 while no check runs */
    struct buf text;
    int64_t started_ns, begun_ms;
    bool timed_out, succeeded_once;
};

static int64_t or_default(int64_t value, int64_t otherwise)
{
    return value ? value : otherwise;
}

static bool in_start_period(const struct health *h)
{
    return !h->succeeded_once && clock_monotonic_ms() - h->begun_ms < h->check->start_period_ns / NS_PER_MS;
}

static void check_now(struct timer *timer);

static void schedule(struct health *h)
{
    const struct health_check *check = h->check;
    int64_t interval = in_start_period(h) ? or_default(check->start_interval_ns, START_INTERVAL_DEFAULT_NS)
                                          : or_default(check->interval_ns, INTERVAL_DEFAULT_NS);
    h->timer.expired = check_now;
    timer_start(&h->timer, h->container->engine->config.loop, interval / NS_PER_MS);
}

/* --- What a check says */

static void set_health(struct container *c, enum health_status status)
{
    if (c->health == status)
        return;
    c->health = status;
    char action[64];
    (void)snprintf(action, sizeof(action), "health_status: %s", health_status_name(status));
    emit_container(c, action, NULL);
}

static void remember(struct health *h, int exit_code, const char *output)
{
    struct container *c = h->container;
    if (c->health_log.count == LOG_MAX) {
        free(c->health_log.items[0].output);
        vec_remove(&c->health_log, 0);
    }
    vec_push(&c->health_log, (struct health_probe){h->started_ns, clock_realtime_ns(), exit_code, mem_strdup(output)});
}

static void judge(struct health *h, int exit_code)
{
    struct container *c = h->container;
    const struct health_check *check = h->check;
    if (exit_code == 0) {
        h->succeeded_once = true;
        c->health_failing_streak = 0;
        set_health(c, HEALTH_HEALTHY);
        return;
    }
    if (in_start_period(h))
        return;
    c->health_failing_streak++;
    if (c->health_failing_streak >= (check->retries ? check->retries : RETRIES_DEFAULT))
        set_health(c, HEALTH_UNHEALTHY);
}

/* --- One check */

static void close_output(struct health *h)
{
    io_remove(&h->output);
    close_fd(&h->output_fd);
}

static void output_ready(struct io *io, uint32_t events)
{
    struct health *h = container_of(io, struct health, output);
    char bytes[OUTPUT_MAX];
    ssize_t n = read(h->output_fd, bytes, sizeof(bytes));
    if (n < 0 && errno == EAGAIN)
        return;
    if (n <= 0) {
        close_output(h);
        return;
    }
    size_t room = OUTPUT_MAX - h->text.size;
    buf_add(&h->text, bytes, (size_t)n < room ? (size_t)n : room);
}

static void check_over(struct health *h, int exit_code, const char *output)
{
    struct exec *exec = TAKE(h->exec);
    timer_stop(&h->timer);
    close_output(h);
    if (exec)
        exec_drop(exec);
    remember(h, exit_code, output);
    judge(h, exit_code);
    schedule(h);
}

static void check_ended(struct exec_waiter *waiter, int exit_code)
{
    struct health *h = container_of(waiter, struct health, waiter);
    if (h->output_fd >= 0)
        output_ready(&h->output, EPOLLIN);
    if (h->timed_out)
        check_over(h, EXIT_TIMEOUT, "Health check exceeded timeout");
    else
        check_over(h, exit_code, buf_str(&h->text));
}

static void check_overdue(struct timer *timer)
{
    struct health *h = container_of(timer, struct health, timer);
    h->timed_out = true;
    exec_kill(h->exec);
}

static void check_started(void *data, const struct err *failure)
{
    struct health *h = data;
    if (!failure)
        return;
    exec_wait_cancel(&h->waiter);
    check_over(h, 126, failure->message);
}

static int run_check(struct health *h, struct err *err)
{
    struct container *c = h->container;
    struct arena arena cleanup(arena_done) = {0};
    const struct strings *test = &h->check->test;
    struct exec_spec spec = {0};
    int pair[2];
    if (str_eq(test->items[0], "CMD-SHELL")) {
        static char *default_shell[] = {(char *)"/bin/sh", (char *)"-c"};
        struct strings fallback = {default_shell, 2, 2};
        const struct strings *shell = h->shell->count ? h->shell : &fallback;
        vec_foreach (word, shell)
            vec_push_in(&arena, &spec.cmd, *word);
    }
    for (size_t i = 1; i < test->count; i++)
        vec_push_in(&arena, &spec.cmd, test->items[i]);
    if (exec_create(c, &spec, &h->exec, err) < 0)
        return -1;
    if (pipe2(pair, O_CLOEXEC) < 0)
        return err_errno(err, errno, "cannot make a pipe");
    cleanup_fd int writer = pair[1], null = open("/dev/null", O_RDWR | O_CLOEXEC);
    h->output_fd = pair[0];
    (void)fcntl(h->output_fd, F_SETFL, O_NONBLOCK);
    if (io_add(&h->output, c->engine->config.loop, h->output_fd, EPOLLIN, err) < 0)
        return -1;
    return exec_run(h->exec, (const int[3]){null, writer, writer}, check_started, h, err);
}

static void check_now(struct timer *timer)
{
    struct health *h = container_of(timer, struct health, timer);
    struct err err;
    buf_reset(&h->text);
    h->timed_out = false;
    h->started_ns = clock_realtime_ns();
    if (h->container->state.status == CONTAINER_PAUSED) {
        schedule(h);
        return;
    }
    if (run_check(h, &err) < 0) {
        check_over(h, 126, err.message);
        return;
    }
    if (!h->exec) /* the keeper could not be asked: it is over already */
        return;
    h->waiter.ended = check_ended;
    exec_wait_add(h->exec, &h->waiter);
    h->timer.expired = check_overdue;
    timer_start(&h->timer, h->container->engine->config.loop,
                or_default(h->check->timeout_ns, TIMEOUT_DEFAULT_NS) / NS_PER_MS);
}

/* --- The life of a run */

void health_begin(struct container *c)
{
    struct err err;
    if (!c->outline.health_check)
        return;
    struct health *h = NEW(struct health);
    const struct container_spec *spec = container_definition(c, &h->arena, &err);
    if (!spec) {
        log_error("container %.12s: its health is not checked: %s", c->id, err.message);
        free(h);
        return;
    }
    h->container = c;
    h->check = spec->health_check;
    h->shell = &spec->shell;
    h->output_fd = -1;
    h->output.ready = output_ready;
    h->text = BUF(OUTPUT_MAX);
    h->begun_ms = clock_monotonic_ms();
    c->private->health = h;
    c->health = HEALTH_STARTING;
    c->health_failing_streak = 0;
    schedule(h);
}

void health_end(struct container *c)
{
    struct health *h = c->private->health;
    if (!h)
        return;
    c->private->health = NULL;
    timer_stop(&h->timer);
    if (h->exec) {
        exec_wait_cancel(&h->waiter);
        exec_drop(h->exec);
    }
    close_output(h);
    buf_done(&h->text);
    arena_done(&h->arena);
    free(h);
    if (c->health == HEALTH_STARTING || c->health == HEALTH_HEALTHY)
        c->health = HEALTH_UNHEALTHY;
}
