#include "daemon/daemon.h"

#include "api/api.h"
#include "base/log.h"
#include "base/str.h"
#include "cluster/manager.h"
#include "daemon/notify.h"
#include "daemon/place.h"
#include "db/db.h"
#include "engine/engine.h"
#include "event/loop.h"
#include "http/listener.h"
#include "http/server.h"

#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#define SOCKET_MODE   0660
#define LARGE         (128 * 1024) /* bytes: what is mapped by itself, and goes back to the machine when it is freed */
#define STOP_GRACE_MS 2000         /* for answers under way when it is told to stop */
#define SYNC_DELAY_MS 1000         /* what a power cut may undo of what processes did (db_run_soon()) */

struct daemon {
    struct place place;
    struct loop *loop;
    struct db *db;
    struct engine *engine;
    struct manager *manager;
    struct api *api;
    struct http_server *server;
    char socket_path[PATH_MAX + 16];

    struct signal_watch term, interrupt, hangup;
    struct timer grace, sync;
    bool listening, stopping;
    bool ending; /* all answers are given; the engine stops */
    bool failed; /* failure says why; the loop is about to stop */
    struct err failure;
};

/* --- Ending */

static void fail(struct daemon *daemon, const struct err *err)
{
    if (!daemon->failed)
        daemon->failure = *err;
    daemon->failed = true;
    loop_stop(daemon->loop);
}

static void sync_due(struct timer *timer)
{
    struct daemon *daemon = container_of(timer, struct daemon, sync);
    struct err err;
    if (db_sync(daemon->db, &err) < 0)
        fail(daemon, &err);
}

static void engine_stopped(void *data, const struct err *failure)
{
    loop_stop(((struct daemon *)data)->loop);
}

/* Answers are given, or their time is over: the engine is the last. */
static void end(struct daemon *daemon)
{
    if (daemon->ending)
        return;
    daemon->ending = true;
    timer_start(&daemon->grace, daemon->loop, STOP_GRACE_MS);
    engine_stop(daemon->engine, engine_stopped, daemon);
}

/*
 * The end of a turn: what it changed is committed, then what it answered is let go. Objects that are ahead of a
 * database that cannot be written would tell lies: then the daemon ends, and its successor reads what is true.
 */
static void turn_ended(void *data)
{
    struct daemon *daemon = data;
    struct err err;
    if (db_commit(daemon->db, &err) < 0) {
        http_server_fail(daemon->server, &err);
        err_wrap(&err, "what this turn changed cannot be kept");
        fail(daemon, &err);
        return;
    }
    if (db_unsynced(daemon->db) && !daemon->sync.loop)
        timer_start(&daemon->sync, daemon->loop, SYNC_DELAY_MS);
    engine_committed(daemon->engine);
    http_server_flush(daemon->server);
    if (daemon->stopping && http_server_requests(daemon->server) == 0)
        end(daemon);
}

static void grace_over(struct timer *timer)
{
    struct daemon *daemon = container_of(timer, struct daemon, grace);
    if (daemon->ending)
        loop_stop(daemon->loop);
    else
        end(daemon);
}

/* Answers under way are finished, streams are cut; containers run on. A second signal cuts everything. */
static void stop(struct daemon *daemon, const struct signalfd_siginfo *info)
{
    log_info("%s: stopping; containers run on", strsignal((int)info->ssi_signo));
    if (daemon->stopping) {
        loop_stop(daemon->loop);
        return;
    }
    daemon->stopping = true;
    notify_manager("STOPPING=1");
    http_server_stop_listening(daemon->server);
    if (daemon->listening)
        (void)unlink(daemon->socket_path);
    timer_start(&daemon->grace, daemon->loop, STOP_GRACE_MS);
}

static void terminated(struct signal_watch *watch, const struct signalfd_siginfo *info)
{
    stop(container_of(watch, struct daemon, term), info);
}

static void interrupted(struct signal_watch *watch, const struct signalfd_siginfo *info)
{
    stop(container_of(watch, struct daemon, interrupt), info);
}

static void hung_up(struct signal_watch *watch, const struct signalfd_siginfo *info)
{
    log_info("SIGHUP: there is nothing to be read again, ignoring");
}

/* --- Beginning */

/* The engine is in order: clients may come. Ready means that the socket accepts. */
static void engine_started(void *data, const struct err *failure)
{
    struct daemon *daemon = data;
    struct err err;
    if (failure) {
        fail(daemon, failure);
        return;
    }
    if (daemon->stopping)
        return;
    manager_start(daemon->manager);
    int fd = http_listen_unix(daemon->socket_path, SOCKET_MODE, place_socket_group(), &err);
    if (fd < 0 || http_server_listen(daemon->server, fd, true, &err) < 0) {
        fail(daemon, &err);
        return;
    }
    daemon->listening = true;
    (void)malloc_trim(0); /* the start took much that is free now, here and there */
    log_info("ready: DOCKER_HOST=unix://%s", daemon->socket_path);
    notify_manager("READY=1");
}

/* A descriptor or two for each container that logs, each attached client, each published port. */
static void raise_limits(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static int open_signals(struct daemon *daemon, struct err *err)
{
    daemon->term.arrived = terminated;
    daemon->interrupt.arrived = interrupted;
    daemon->hangup.arrived = hung_up;
    (void)signal(SIGPIPE, SIG_IGN);
    return signal_watch_add(&daemon->term, daemon->loop, SIGTERM, err) < 0 ||
                   signal_watch_add(&daemon->interrupt, daemon->loop, SIGINT, err) < 0 ||
                   signal_watch_add(&daemon->hangup, daemon->loop, SIGHUP, err) < 0
               ? -1
               : 0;
}

static int open_engine(struct daemon *daemon, struct err *err)
{
    char path[PATH_MAX + 16];
    (void)snprintf(path, sizeof(path), "%s/node.db", daemon->place.data_dir);
    daemon->db = db_open(path, err);
    if (!daemon->db)
        return -1;
    daemon->engine = engine_new(
        &(struct engine_config){
            .loop = daemon->loop,
            .db = daemon->db,
            .data_dir = daemon->place.data_dir,
            .run_dir = daemon->place.run_dir,
            .instance = daemon->place.instance.text,
            .bin_dir = daemon->place.bin_dir,
        },
        err);
    daemon->manager = daemon->engine ? manager_new(daemon->engine, err) : NULL;
    return daemon->manager ? 0 : -1;
}

static void open_server(struct daemon *daemon)
{
    struct http_server_options options = {.loop = daemon->loop, .name = "Shoal/" SHOAL_VERSION " (linux)"};
    daemon->api =
        api_new(&(struct api_options){.loop = daemon->loop, .engine = daemon->engine, .manager = daemon->manager});
    api_serve(daemon->api, &options);
    daemon->server = http_server_new(&options);
    (void)snprintf(daemon->socket_path, sizeof(daemon->socket_path), "%s/shoal.sock", daemon->place.run_dir);
}

/* From the bottom up. */
static int daemon_open(struct daemon *daemon, const char *data_dir, const char *run_dir, struct err *err)
{
    raise_limits();
    (void)umask(022);
    (void)mallopt(M_MMAP_THRESHOLD, LARGE); /* and stays there: by itself it would rise with each long answer */
    if (place_open(&daemon->place, data_dir, run_dir, err) < 0)
        return -1;
    daemon->loop = loop_new(err);
    if (!daemon->loop || open_signals(daemon, err) < 0 || open_engine(daemon, err) < 0)
        return -1;
    open_server(daemon);
    daemon->grace.expired = grace_over;
    daemon->sync.expired = sync_due;
    loop_on_turn_end(daemon->loop, turn_ended, daemon);
    return engine_start(daemon->engine, engine_started, daemon, err);
}

/* From the top down; what was never opened is NULL. */
static void daemon_close(struct daemon *daemon)
{
    if (daemon->listening && !daemon->stopping)
        (void)unlink(daemon->socket_path);
    timer_stop(&daemon->grace);
    timer_stop(&daemon->sync);
    http_server_freep(&daemon->server);
    api_freep(&daemon->api);
    manager_freep(&daemon->manager);
    engine_freep(&daemon->engine);
    db_freep(&daemon->db);
    signal_watch_remove(&daemon->term);
    signal_watch_remove(&daemon->interrupt);
    signal_watch_remove(&daemon->hangup);
    loop_freep(&daemon->loop);
    place_close(&daemon->place);
}

/* --- The command */

struct daemon_options {
    const char *data_dir, *run_dir, *log_level;
};

static const struct cli_option daemon_option_table[] = {
    CLI_OPTION(struct daemon_options, data_dir, "data-dir", 0, TEXT, "DIR",
               "What outlives a boot: images, volumes, definitions, logs (default: /var/lib/shoal)"),
    CLI_OPTION(struct daemon_options, run_dir, "run-dir", 0, TEXT, "DIR",
               "Sockets and what runs (default: /run/shoal); the API listens on DIR/shoal.sock"),
    CLI_OPTION(struct daemon_options, log_level, "log-level", 0, TEXT, "LEVEL",
               "error, warning, info or debug (default: info)"),
    {0},
};

static int parse_level(const char *name, enum log_level *ret, struct err *err)
{
    static const char *const names[] = {"error", "warning", "info", "debug"};
    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        if (str_eq(name, names[i])) {
            *ret = (enum log_level)i;
            return 0;
        }
    return err_set(err, ERR_INVALID, "--log-level: expected error, warning, info or debug, found '%s'", name);
}

static int run(struct cli *cli, const void *values, char **arguments, struct err *err)
{
    const struct daemon_options *options = values;
    struct daemon daemon cleanup(daemon_close) = {.place.lock = -1};
    enum log_level level = LOG_LEVEL_INFO;
    if (options->log_level && parse_level(options->log_level, &level, err) < 0)
        return -1;
    log_open("daemon", level);
    if (daemon_open(&daemon, options->data_dir ? options->data_dir : "/var/lib/shoal",
                    options->run_dir ? options->run_dir : "/run/shoal", err) < 0 ||
        loop_run(daemon.loop, err) < 0)
        return -1;
    if (daemon.failed) {
        *err = daemon.failure;
        return -1;
    }
    return EXIT_DONE;
}

const struct cli_command daemon_command = {
    .name = "daemon",
    .arguments = "[OPTIONS]",
    .summary = "Run the daemon of this machine in the foreground",
    .options = daemon_option_table,
    .options_size = sizeof(struct daemon_options),
    .run = run,
};
