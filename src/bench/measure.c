#include "bench/measure.h"

#include "base/clock.h"
#include "bench/containers.h"
#include "bench/fetch.h"
#include "bench/plain.h"

#include <stdlib.h>
#include <unistd.h>

#define LOOK_MS     200
#define QUIET_KIB   192 /* between looks */
#define QUIET_LOOKS 3   /* in a row */
#define LISTED_MS   20000

/* --- Rest */

/* The machine's memory once it does not change any more; or as it is after --rest, and then result->rested is false. */
static int settle(struct bench *bench, const char *subject, struct result *result, struct memory *ret, struct err *err)
{
    int64_t end_ms = clock_monotonic_ms() + bench->options.rest * 1000;
    struct memory now;
    int quiet = 0;
    status_show(&bench->status, subject, "waiting for the machine to come to rest", 0, 0);
    if (memory_look(ret, err) < 0)
        return -1;
    while (quiet < QUIET_LOOKS && clock_monotonic_ms() < end_ms) {
        if (bench_wait(bench, LOOK_MS, err) < 0 || memory_look(&now, err) < 0)
            return -1;
        quiet = llabs(now.used - ret->used) <= QUIET_KIB ? quiet + 1 : 0;
        *ret = now;
    }
    result->rested = result->rested && quiet == QUIET_LOOKS;
    return 0;
}

static void take_memory(const struct memory *before, const struct memory *after, struct result *ret)
{
    struct memory difference = memory_difference(after, before);
    ret->memory = memory_share(&difference, ret->count);
}

static int take_left(struct bench *bench, const struct memory *before, struct result *ret, struct err *err)
{
    struct memory now;
    if (settle(bench, "after", ret, &now, err) < 0)
        return -1;
    ret->left = (double)(now.used - before->used) / (double)ret->count;
    return 0;
}

/* --- Plain processes */

static int weigh_plain(struct bench *bench, const struct memory *before, struct result *ret, struct err *err)
{
    struct memory after;
    if (fetch_all(bench, "plain processes", 1, ret->count, err) < 0 ||
        settle(bench, "plain processes", ret, &after, err) < 0)
        return -1;
    take_memory(before, &after, ret);
    ret->fetched = ret->count * bench->site.file_count;
    return 0;
}

int measure_plain(struct bench *bench, enum measure_depth depth, struct result *ret, struct err *err)
{
    struct plain plain cleanup(plain_done) = {0};
    struct memory before = {0};
    double seconds;
    *ret = (struct result){.count = (size_t)bench->options.n, .dense = depth == MEASURE_DENSITY, .rested = true};
    if (ret->dense && settle(bench, "before", ret, &before, err) < 0)
        return -1;
    status_show(&bench->status, "plain processes", "starting", 0, 0);
    if (plain_start(&bench->site, bench_port(bench, 1), ret->count, &plain, &seconds, err) < 0 ||
        fetch_wait(bench, 1, ret->count, err) < 0 || (ret->dense && weigh_plain(bench, &before, ret, err) < 0))
        return -1;
    ret->starts_per_second = (double)ret->count / seconds;
    int64_t begun_ns = clock_monotonic_ns();
    plain_done(&plain);
    ret->stops_per_second = (double)ret->count * (double)NS_PER_S / (double)(clock_monotonic_ns() - begun_ns);
    return ret->dense ? take_left(bench, &before, ret, err) : 0;
}

/* --- Containers */

/* Until the engine lists all of them, the first one included, as running. */
static int wait_listed(struct bench *bench, const struct bench_engine *engine, size_t count, struct err *err)
{
    int64_t end_ms = clock_monotonic_ms() + LISTED_MS;
    size_t listed;
    for (;;) {
        if (containers_count(engine, CONTAINERS_RUNNING, &listed, err) < 0)
            return -1;
        if (listed == count)
            return 0;
        if (clock_monotonic_ms() > end_ms)
            return err_set(err, ERR_INTERNAL, "%s lists %zu containers that run; %zu were started", engine->name,
                           listed, count);
        if (bench_wait(bench, LOOK_MS, err) < 0)
            return -1;
    }
}

/* How often the engine wakes up when nobody wants anything of it. */
static int take_wakeups(struct bench *bench, const struct bench_engine *engine, struct result *ret, struct err *err)
{
    struct engine_usage first = engine_usage(engine);
    status_show(&bench->status, engine->name, "counting wake-ups", 0, 0);
    if (bench_wait(bench, bench->options.idle * 1000, err) < 0)
        return -1;
    struct engine_usage last = engine_usage(engine);
    ret->wakeups_per_second = (double)(last.sum.switches - first.sum.switches) / (double)bench->options.idle;
    return 0;
}

static int weigh_class(const struct containers *all, const struct memory *before, struct result *ret, struct err *err)
{
    struct bench *bench = all->bench;
    struct memory after;
    int64_t ticks = engine_usage(all->engine).sum.cpu_ticks - ret->before.sum.cpu_ticks;
    ret->engine_start_cpu_ms = (double)ticks * 1000 / (double)sysconf(_SC_CLK_TCK) / (double)ret->count;
    if (wait_listed(bench, all->engine, ret->count + 1, err) < 0 ||
        fetch_all(bench, all->engine->name, 0, ret->count + 1, err) < 0 ||
        settle(bench, all->engine->name, ret, &after, err) < 0)
        return -1;
    take_memory(before, &after, ret);
    ret->fetched = (ret->count + 1) * bench->site.file_count;
    ret->after = engine_usage(all->engine);
    return take_wakeups(bench, all->engine, ret, err);
}

/* The first one runs; the others come and go. */
static int measure_others(const struct containers *first, struct result *ret, struct err *err)
{
    struct bench *bench = first->bench;
    struct containers others = *first;
    struct memory before = {0};
    others.first = 1;
    others.count = ret->count;
    if (ret->dense && settle(bench, "before", ret, &before, err) < 0)
        return -1;
    ret->before = engine_usage(first->engine);
    if (containers_start(&others, &ret->start_times, err) < 0 || fetch_wait(bench, 1, ret->count, err) < 0 ||
        (ret->dense && weigh_class(&others, &before, ret, err) < 0) ||
        containers_list_ms(first, &ret->list_ms, err) < 0 || containers_stop(&others, &ret->stop_times, err) < 0)
        return -1;
    ret->starts_per_second = (double)ret->count / ret->start_times.seconds;
    ret->stops_per_second = (double)ret->count / ret->stop_times.seconds;
    return ret->dense ? take_left(bench, &before, ret, err) : 0;
}

int measure_class(struct bench *bench, const struct bench_engine *engine, const struct bench_class *class,
                  enum measure_depth depth, struct result *ret, struct err *err)
{
    const struct containers first = {.bench = bench, .engine = engine, .class = class, .count = 1};
    *ret = (struct result){.engine = engine,
                           .class = class,
                           .count = (size_t)bench->options.n,
                           .dense = depth == MEASURE_DENSITY,
                           .rested = true};
    if (containers_start(&first, NULL, err) < 0 || fetch_wait(bench, 0, 1, err) < 0 ||
        measure_others(&first, ret, err) < 0 || containers_stop(&first, NULL, err) < 0)
        return -1;
    bench->made[engine - bench->engines] = false;
    return 0;
}

int measure_prepare(struct bench *bench, struct err *err)
{
    const struct containers first = {
        .bench = bench, .engine = &bench->engines[0], .class = bench->classes[0], .count = 1};
    pid_t pid;
    if (fetch_check_free(bench, (size_t)bench->options.n + 1, err) < 0 || containers_start(&first, NULL, err) < 0 ||
        containers_pid(&first, &pid, err) < 0 || site_copy(pid, &bench->site, err) < 0 ||
        fetch_wait(bench, 0, 1, err) < 0 || fetch_all(bench, "the first one", 0, 1, err) < 0)
        return -1;
    return containers_stop(&first, NULL, err);
}
