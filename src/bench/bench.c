#include "bench/bench.h"

#include "base/clock.h"
#include "base/str.h"
#include "bench/containers.h"
#include "bench/load.h"

#include <signal.h>
#include <stdio.h>

#define CONTAINERS_MAX 60000

static const struct bench_options defaults = {
    .n = 100, .clients = 4, .first_port = 3000, .idle = 5, .rest = 15, .image = "shoal/hello"};

const struct cli_option bench_option_table[] = {
    CLI_OPTION(struct bench_options, n, "n", 'n', NUMBER, "N", "So many containers (100)"),
    CLI_OPTION(struct bench_options, classes, "class", 0, TEXTS, "CLASS",
               "lean, read-only, default, logged, or all (default)"),
    CLI_OPTION(struct bench_options, peers, "peer", 0, TEXTS, "HOST",
               "Another engine with the Docker API, measured after the daemon: unix:///var/run/docker.sock"),
    CLI_OPTION(struct bench_options, clients, "clients", 0, NUMBER, "N",
               "So many connections to the engine at once (4)"),
    CLI_OPTION(struct bench_options, image, "image", 0, TEXT, "IMAGE",
               "An image that is started as nano-httpd is: -p PORT /www (shoal/hello)"),
    CLI_OPTION(struct bench_options, first_port, "first-port", 0, NUMBER, "PORT",
               "Container i listens on port PORT + i of the host (3000)"),
    CLI_OPTION(struct bench_options, idle, "idle", 0, NUMBER, "SECONDS",
               "So long the engine's wake-ups are counted while nothing happens (5)"),
    CLI_OPTION(struct bench_options, rest, "rest", 0, NUMBER, "SECONDS",
               "So long at most it waits, each time it looks at memory, until that does not change any more (15)"),
    CLI_OPTION(struct bench_options, json, "json", 0, FLAG, .help = "Print JSON"),
    {0},
};

/* --- Options */

static int check(int64_t value, int64_t most, const char *name, struct err *err)
{
    return value >= 1 && value <= most
               ? 0
               : err_set(err, ERR_INVALID, "--%s must be from 1 to %lld", name, (long long)most);
}

static int take_options(struct bench *bench, const struct bench_options *given, struct err *err)
{
    struct bench_options *o = &bench->options;
    *o = *given;
    o->n = o->n ? o->n : defaults.n;
    o->clients = o->clients ? o->clients : defaults.clients;
    o->first_port = o->first_port ? o->first_port : defaults.first_port;
    o->idle = o->idle ? o->idle : defaults.idle;
    o->rest = o->rest ? o->rest : defaults.rest;
    o->image = o->image ? o->image : defaults.image;
    if (check(o->n, CONTAINERS_MAX, "n", err) < 0 || check(o->clients, LOAD_CLIENTS_MAX, "clients", err) < 0 ||
        check(o->first_port, UINT16_MAX, "first-port", err) < 0 || check(o->idle, 3600, "idle", err) < 0 ||
        check(o->rest, 3600, "rest", err) < 0 || bench_classes_find(&o->classes, bench->classes, err) < 0)
        return -1;
    if (o->first_port + o->n > UINT16_MAX)
        return err_set(err, ERR_INVALID,
                       "%lld containers from port %lld on are more than there are ports: choose --first-port",
                       (long long)o->n, (long long)o->first_port);
    return 0;
}

unsigned bench_port(const struct bench *bench, size_t number)
{
    return (unsigned)bench->options.first_port + (unsigned)number;
}

/* --- Engines */

static int add_engine(struct bench *bench, const char *host, struct err *err)
{
    struct bench_engine *engine = &bench->engines[bench->engine_count];
    struct cli with_host = {.globals.host = host};
    if (daemon_find(&with_host, &engine->daemon, err) < 0)
        return -1;
    engine->daemon.arena = &bench->cli->arena;
    char text[HTTP_ADDRESS_TEXT_MAX];
    http_address_format(&engine->daemon.address, text);
    engine->host = arena_strdup(&bench->cli->arena, text);
    if (engine_look(engine, err) < 0)
        return -1;
    bench->engine_count++;
    return 0;
}

int bench_find_engines(struct bench *bench, struct cli *cli, const struct strings *peers, struct err *err)
{
    bench->cli = cli;
    if (peers->count > BENCH_PEERS_MAX)
        return err_set(err, ERR_LIMIT, "%zu peers, %d at most", peers->count, BENCH_PEERS_MAX);
    if (add_engine(bench, cli->globals.host, err) < 0)
        return -1;
    for (size_t i = 0; i < peers->count; i++)
        if (add_engine(bench, peers->items[i], err) < 0)
            return -1;
    return 0;
}

static int check_engine(struct bench *bench, const struct bench_engine *engine, struct err *err)
{
    size_t left;
    const char *image = bench->options.image;
    const char *target = arena_printf(&bench->cli->arena, "/images/%s/json", daemon_encode(&engine->daemon, image));
    if (daemon_get(&engine->daemon, target, NULL, err) < 0) {
        if (err->kind == ERR_NOT_FOUND)
            return err_set(err, ERR_NOT_FOUND, "%s has no image %s; put one there with: shoal --host %s load -i FILE",
                           engine->name, image, engine->host);
        return -1;
    }
    if (containers_count(engine, CONTAINERS_ALL, &left, err) < 0)
        return -1;
    if (left)
        return err_set(err, ERR_CONFLICT,
                       "%zu containers of a former run are on %s; remove them with: shoal --host %s bench clean", left,
                       engine->name, engine->host);
    return 0;
}

/* --- Ending */

static void asked_to_end(struct bench *bench)
{
    if (bench->stop)
        _exit(EXIT_CANCELLED);
    bench->stop = true;
    status_clear(&bench->status);
    (void)fprintf(stderr, "shoal: cancelled: removing what was made; once more: leave it to 'shoal bench clean'\n");
}

static void interrupted(struct signal_watch *watch, const struct signalfd_siginfo *info)
{
    asked_to_end(container_of(watch, struct bench, interrupt));
}

static void terminated(struct signal_watch *watch, const struct signalfd_siginfo *info)
{
    asked_to_end(container_of(watch, struct bench, term));
}

int bench_wait(struct bench *bench, int64_t ms, struct err *err)
{
    int64_t end_ms = clock_monotonic_ms() + ms, left_ms;
    while (!bench->stop && (left_ms = end_ms - clock_monotonic_ms()) > 0)
        if (loop_turn(bench->loop, (int)left_ms, err) < 0)
            return -1;
    return bench->stop ? err_set(err, ERR_CANCELLED, "cancelled") : 0;
}

/* --- Life */

int bench_open(struct bench *bench, struct cli *cli, const struct bench_options *options, struct err *err)
{
    bench->interrupt.arrived = interrupted;
    bench->term.arrived = terminated;
    status_init(&bench->status);
    if (take_options(bench, options, err) < 0 || bench_find_engines(bench, cli, &options->peers, err) < 0)
        return -1;
    for (size_t i = 0; i < bench->engine_count; i++)
        if (check_engine(bench, &bench->engines[i], err) < 0)
            return -1;
    bench->loop = loop_new(err);
    if (!bench->loop || signal_watch_add(&bench->interrupt, bench->loop, SIGINT, err) < 0 ||
        signal_watch_add(&bench->term, bench->loop, SIGTERM, err) < 0)
        return -1;
    return 0;
}

void bench_close(struct bench *bench)
{
    struct err err;
    for (size_t i = 0; i < bench->engine_count; i++)
        if (bench->made[i] && containers_clean(&bench->engines[i], bench->loop, &bench->status, NULL, &err) < 0)
            (void)fprintf(stderr, "shoal: %s\n", err.message);
    status_clear(&bench->status);
    site_done(&bench->site);
    signal_watch_remove(&bench->interrupt);
    signal_watch_remove(&bench->term);
    loop_freep(&bench->loop);
}
