/* The keeper and the logger: connected to, started where nobody did, and started again where they died. */
#include "engine/private.h"

#include "engine/exec_private.h"
#include "engine/kept.h"
#include "engine/profiles.h"
#include "engine/streams.h"

#include "base/log.h"
#include "network/network.h"
#include "sys/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>

#define RETRY_MS 10
#define PATIENCE 500 /* attempts to reach a program that was started: five seconds */

/*
 * Starts a program that outlives this one: a grandchild in a session of its own, so that nobody here has to wait for
 * it. Its standard error is ours.
 */
static int start_program(struct engine *engine, const char *name, struct err *err)
{
    char *path cleanup(freep) = mem_printf("%s/%s", engine->bin_dir, name);
    if (access(path, X_OK) < 0)
        return err_errno(err, errno, "cannot start %s", path);
    pid_t pid = fork();
    if (pid < 0)
        return err_errno(err, errno, "cannot start %s", path);
    if (pid == 0) {
        if (setsid() < 0 || fork() != 0)
            _exit(0);
        int null = open("/dev/null", O_RDWR);
        (void)dup2(null, STDIN_FILENO);
        (void)dup2(null, STDOUT_FILENO);
        sigset_t none;
        (void)sigemptyset(&none);
        (void)sigprocmask(SIG_SETMASK, &none, NULL);
        (void)execl(path, name, "--run-dir", engine->run_dir, (char *)NULL);
        _exit(127);
    }
    (void)waitpid(pid, NULL, 0); /* it ends at once */
    log_info("started %s", name);
    return 0;
}

/* --- The keeper */

static void started_done(struct engine *engine, const struct err *failure)
{
    engine_done *done = engine->started;
    engine->started = NULL;
    if (done)
        done(engine->started_data, failure);
}

/* The containers and what is kept for them are known. */
static void take_over(struct engine *engine)
{
    struct err err;
    if (recover(engine, &err) < 0) {
        log_error("%s", err.message);
        started_done(engine, &err);
        return;
    }
    kept_settle(engine);
    if (engine->logger) /* otherwise its turn comes: clients may attach from the first moment on */
        started_done(engine, NULL);
}

static void keeper_ready(void *data, const struct keeper_welcome *welcome)
{
    struct engine *engine = data;
    log_info("connected to the keeper (pid %d, %u containers)", welcome->pid, welcome->containers);
    if (engine->recovered)
        take_over(engine);
    else
        kept_fetch(engine, take_over);
}

static void keeper_listed(void *data, const char *id, const struct keeper_record *record)
{
    recover_listed(data, id, record);
}

/* What happens before take_over() belongs to what was listed. */

static void keeper_started(void *data, const char *id, pid_t pid, int64_t started_ns, int terminal)
{
    struct engine *engine = data;
    struct container *c = map_get(&engine->by_id, id);
    struct keeper_record *record = map_get(&engine->listed, id);
    if (record) {
        record->state = KEEPER_RUNNING;
        record->pid = pid;
        record->started_ns = started_ns;
        closep(&terminal); /* the keeper gives it again */
        return;
    }
    if (c && c->state.status == CONTAINER_STARTING)
        start_succeeded(c, pid, started_ns, terminal);
    else if (!exec_started(engine, id, pid, terminal)) {
        closep(&terminal);
        keeper_client_signal(engine->keeper, id, SIGKILL, NULL, NULL); /* nobody knows it */
    }
}

static void keeper_failed(void *data, const char *id, const struct err *failure)
{
    struct engine *engine = data;
    struct container *c = map_get(&engine->by_id, id);
    struct keeper_record *record = map_get(&engine->listed, id);
    if (record) {
        record->state = KEEPER_FAILED_STATE;
        record->kind = failure->kind;
        record->errnum = failure->errnum;
        (void)snprintf(record->message, sizeof(record->message), "%.*s", KEEPER_MESSAGE_MAX - 1, failure->message);
        return;
    }
    vec_push(&engine->to_acknowledge, mem_strdup(id));
    if (c && c->state.status == CONTAINER_STARTING)
        start_failed(c, failure);
    else
        (void)exec_not_started(engine, id, failure);
}

static void keeper_exited(void *data, const char *id, int status, int64_t ended_ns)
{
    struct engine *engine = data;
    struct container *c = map_get(&engine->by_id, id);
    struct keeper_record *record = map_get(&engine->listed, id);
    if (record) {
        record->state = KEEPER_EXITED_STATE;
        record->status = status;
        record->ended_ns = ended_ns;
        return;
    }
    if (c && c->private->draining)
        return; /* it is known already */
    if (c && container_is_running(c)) {
        container_exited(c, status, ended_ns);
        return;
    }
    (void)exec_exited(engine, id, status);
    vec_push(&engine->to_acknowledge, mem_strdup(id));
}

void engine_committed(struct engine *engine)
{
    vec_foreach (id, &engine->to_acknowledge) {
        if (keeper_client_connected(engine->keeper))
            keeper_client_ack(engine->keeper, *id, NULL, NULL);
        free(*id);
    }
    engine->to_acknowledge.count = 0;
    vec_foreach (id, &engine->to_start) {
        struct container *c = map_get(&engine->by_id, *id);
        if (c)
            loop_defer(engine->config.loop, &c->private->kick);
        free(*id);
    }
    engine->to_start.count = 0;
    keeper_client_release(engine->keeper);
}

static void keeper_lost(void *data, const struct err *why)
{
    struct engine *engine = data;
    profiles_forget(engine);
    recover_forget(engine);
    kept_lost(engine);
    if (engine->stopping)
        return;
    log_warning("the keeper is gone: %s", why->message);
    engine->keeper_attempts = 0;
    timer_start(&engine->keeper_retry, engine->config.loop, RETRY_MS);
}

static const struct keeper_client_ops keeper_ops = {
    .ready = keeper_ready,
    .listed = keeper_listed,
    .started = keeper_started,
    .failed = keeper_failed,
    .exited = keeper_exited,
    .lost = keeper_lost,
};

static void try_keeper(struct timer *timer)
{
    struct engine *engine = container_of(timer, struct engine, keeper_retry);
    char *path cleanup(freep) = mem_printf("%s/%s", engine->run_dir, KEEPER_SOCKET);
    struct err err;
    if (keeper_client_connect(engine->keeper, path, &err) == 0)
        return;
    if (engine->keeper_attempts++ % PATIENCE == 0 && start_program(engine, "shoal-keeper", &err) < 0) {
        log_error("%s", err.message);
        started_done(engine, &err);
        return;
    }
    timer_start(timer, engine->config.loop, RETRY_MS);
}

/* --- The logger */

static void logger_drained(void *data, const char *id)
{
    struct engine *engine = data;
    struct container *c = map_get(&engine->by_id, id);
    if (c)
        container_drained(c);
}

static void free_logger(struct deferred *deferred)
{
    struct engine *engine = container_of(deferred, struct engine, logger_gone);
    logger_client_free(TAKE(engine->lost_logger));
}

static void logger_lost(void *data, const struct err *why)
{
    struct engine *engine = data;
    engine->lost_logger = TAKE(engine->logger);
    engine->logger_gone.call = free_logger;
    loop_defer(engine->config.loop, &engine->logger_gone);
    if (engine->stopping)
        return;
    log_warning("the logger is gone: %s", why->message);
    struct container *c = NULL;
    while ((c = engine_next_container(engine, c)))
        streams_logger_lost(c);
    engine->logger_attempts = 0;
    timer_start(&engine->logger_retry, engine->config.loop, RETRY_MS);
}

static const struct logger_client_ops logger_ops = {.drained = logger_drained, .lost = logger_lost};

/* What runs is opened again; what has ended meanwhile is closed again, so that DRAINED comes. */
static void open_again(struct engine *engine)
{
    struct container *c = NULL;
    struct err err;
    while ((c = engine_next_container(engine, c))) {
        if (!c->private->logged)
            continue;
        if (container_is_running(c) || c->state.status == CONTAINER_STARTING)
            streams_open_at_logger(c, false);
        if (c->private->draining && logger_client_close(engine->logger, c->id, NULL, NULL, &err) < 0)
            container_drained(c);
    }
}

static void listed_at_logger(void *data, const struct logger_stats *open)
{
    struct engine *engine = data;
    struct container *c = map_get(&engine->by_id, open->id);
    struct err err;
    if (!c || !streams_in_use(c))
        (void)logger_client_close(engine->logger, open->id, NULL, NULL, &err);
}

void helpers_close_unused(struct engine *engine)
{
    struct err err;
    if (engine->logger && logger_client_stats(engine->logger, NULL, listed_at_logger, NULL, engine, &err) < 0)
        log_warning("%s", err.message);
}

static void try_logger(struct timer *timer)
{
    struct engine *engine = container_of(timer, struct engine, logger_retry);
    char *path cleanup(freep) = mem_printf("%s/logger.sock", engine->run_dir);
    struct err err;
    engine->logger = logger_client_new(engine->config.loop, path, engine->containers_fd, &logger_ops, engine, &err);
    if (engine->logger) {
        log_info("connected to the logger");
        open_again(engine);
        if (engine->recovered) {
            helpers_close_unused(engine);
            started_done(engine, NULL);
        }
        return;
    }
    if (engine->logger_attempts++ % PATIENCE == 0 && start_program(engine, "shoal-logger", &err) < 0) {
        log_error("%s", err.message);
        started_done(engine, &err);
    }
    timer_start(timer, engine->config.loop, RETRY_MS);
}

/* --- Both */

int helpers_connect(struct engine *engine, struct err *err)
{
    engine->keeper = keeper_client_new(engine->config.loop, &keeper_ops, engine);
    keeper_client_hold(engine->keeper);
    engine->keeper_retry.expired = try_keeper;
    engine->logger_retry.expired = try_logger;
    /* The logger first: what recover() adopts is opened there. */
    try_logger(&engine->logger_retry);
    timer_start(&engine->keeper_retry, engine->config.loop, 0);
    return 0;
}

static bool needs_helpers(struct engine *engine)
{
    struct container *c = NULL;
    while ((c = engine_next_container(engine, c)))
        if (container_is_running(c) || c->state.status == CONTAINER_STARTING)
            return true;
    return false;
}

/* No container runs: the next daemon makes again what it needs. */
static void clear_machine(struct engine *engine)
{
    struct err err;
    char *group cleanup(freep) = mem_printf("../shoal-%s", engine->instance);
    char *limited cleanup(freep) = mem_printf("../shoal-%s-limited", engine->instance);
    (void)cgroup_remove(engine->cgroups_fd, limited);
    (void)cgroup_remove(engine->cgroups_fd, group);
    if (networks_clear(engine->net, &err) < 0)
        log_warning("%s", err.message);
}

/* The helpers were told, and what is being killed in control groups is gone. */
void stop_settled(struct engine *engine)
{
    if (!engine->stopping || engine->helpers_ending || engine->cgroups_to_remove.count)
        return;
    clear_machine(engine);
    engine->stopped(engine->stopped_data, NULL);
}

static void helper_told(struct engine *engine, const struct err *failure)
{
    if (failure)
        log_debug("%s", failure->message);
    engine->helpers_ending--;
    stop_settled(engine);
}

static void keeper_told(void *data, const struct err *failure, const void *payload, size_t size, int fd)
{
    helper_told(data, failure);
}

static void logger_told(void *data, const struct err *failure)
{
    helper_told(data, failure);
}

void engine_stop(struct engine *engine, engine_done *done, void *data)
{
    struct err err;
    if (needs_helpers(engine)) {
        done(data, NULL);
        return;
    }
    engine->stopping = true;
    engine->stopped = done;
    engine->stopped_data = data;
    engine->helpers_ending = 1; /* this function's own */
    timer_stop(&engine->keeper_retry);
    timer_stop(&engine->logger_retry);
    if (keeper_client_connected(engine->keeper)) {
        engine->helpers_ending++;
        keeper_client_shutdown(engine->keeper, keeper_told, engine);
    }
    if (engine->logger && logger_client_request(engine->logger, LOGGER_SHUTDOWN, NULL, logger_told, engine, &err) >= 0)
        engine->helpers_ending++;
    helper_told(engine, NULL);
}

void helpers_done(struct engine *engine)
{
    timer_stop(&engine->keeper_retry);
    timer_stop(&engine->logger_retry);
    deferred_cancel(&engine->logger_gone);
    logger_client_free(engine->lost_logger);
    logger_client_free(engine->logger);
    keeper_client_free(engine->keeper);
    vec_foreach (id, &engine->to_acknowledge)
        free(*id);
    vec_done(&engine->to_acknowledge);
    vec_foreach (id, &engine->to_start)
        free(*id);
    vec_done(&engine->to_start);
}
