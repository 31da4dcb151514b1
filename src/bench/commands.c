#include "bench/commands.h"

#include "base/vec.h"
#include "bench/containers.h"
#include "bench/report.h"

#include <stdio.h>

#define REPORT_MAX ((size_t)1 << 20)

struct results {
    struct result *items;
    size_t count, capacity;
};

/* --- Measuring */

/* Classes that an engine does not have are left out; where it has none of them, it is measured with the default. */
static int measure_engine(struct bench *bench, const struct bench_engine *engine, enum measure_depth depth,
                          struct results *results, struct err *err)
{
    struct strings none = {0};
    const struct bench_class *fallback[BENCH_CLASSES_MAX + 1];
    struct result result;
    size_t measured = 0;
    for (const struct bench_class **c = bench->classes; *c; c++) {
        if ((*c)->ours && !engine->shoal)
            continue;
        if (measure_class(bench, engine, *c, depth, &result, err) < 0)
            return -1;
        vec_push(results, result);
        measured++;
    }
    if (measured)
        return 0;
    if (bench_classes_find(&none, fallback, err) < 0 ||
        measure_class(bench, engine, fallback[0], depth, &result, err) < 0)
        return -1;
    vec_push(results, result);
    return 0;
}

/* The floor before and, where only times count, after the engines: a machine that others use does not stay as fast. */
static int measure(struct bench *bench, enum measure_depth depth, struct results *results, struct err *err)
{
    struct result plain;
    if (measure_prepare(bench, err) < 0 || measure_plain(bench, depth, &plain, err) < 0)
        return -1;
    vec_push(results, plain);
    for (size_t i = 0; i < bench->engine_count; i++)
        if (measure_engine(bench, &bench->engines[i], depth, results, err) < 0)
            return -1;
    if (depth == MEASURE_TIMES) {
        if (measure_plain(bench, depth, &plain, err) < 0)
            return -1;
        struct result *floor = &results->items[0];
        floor->starts_per_second = (floor->starts_per_second + plain.starts_per_second) / 2;
        floor->stops_per_second = (floor->stops_per_second + plain.stops_per_second) / 2;
    }
    return 0;
}

static int run(struct cli *cli, const struct bench_options *options, const char *scenario, enum measure_depth depth,
               struct err *err)
{
    struct bench bench cleanup(bench_close) = {0};
    struct results results = {0};
    if (bench_open(&bench, cli, options, err) < 0)
        return -1;
    if (measure(&bench, depth, &results, err) < 0) {
        vec_done(&results);
        return -1;
    }
    status_clear(&bench.status);
    const struct report report = {scenario, &bench.options, results.items, results.count};
    if (options->json) {
        struct buf text cleanup(buf_done) = BUF(REPORT_MAX);
        report_json(&report, &text);
        puts(buf_str(&text));
    } else {
        report_print(&report);
    }
    vec_done(&results);
    return EXIT_DONE;
}

static int run_density(struct cli *cli, const void *options, char **arguments, struct err *err)
{
    return run(cli, options, "density", MEASURE_DENSITY, err);
}

static int run_start(struct cli *cli, const void *options, char **arguments, struct err *err)
{
    return run(cli, options, "start", MEASURE_TIMES, err);
}

const struct cli_command command_bench_density = {
    .name = "bench density",
    .arguments = "[OPTIONS]",
    .summary = "Measure what containers cost this machine, beside plain processes and other engines",
    .options = bench_option_table,
    .options_size = sizeof(struct bench_options),
    .run = run_density,
};

const struct cli_command command_bench_start = {
    .name = "bench start",
    .arguments = "[OPTIONS]",
    .summary = "Measure how fast containers start and stop, beside plain processes and other engines",
    .options = bench_option_table,
    .options_size = sizeof(struct bench_options),
    .run = run_start,
};

/* --- Clearing */

struct clean_options {
    struct strings peers;
};

static const struct cli_option clean_option_table[] = {
    CLI_OPTION(struct clean_options, peers, "peer", 0, TEXTS, "HOST", "Another engine, beside the daemon"),
    {0},
};

static int run_clean(struct cli *cli, const void *values, char **arguments, struct err *err)
{
    const struct clean_options *o = values;
    struct bench bench cleanup(bench_close) = {0};
    size_t count;
    status_init(&bench.status);
    bench.loop = loop_new(err);
    if (!bench.loop || bench_find_engines(&bench, cli, &o->peers, err) < 0)
        return -1;
    for (size_t i = 0; i < bench.engine_count; i++) {
        if (containers_clean(&bench.engines[i], bench.loop, &bench.status, &count, err) < 0)
            return -1;
        status_clear(&bench.status);
        printf("%s: %zu containers removed\n", bench.engines[i].name, count);
    }
    return EXIT_DONE;
}

const struct cli_command command_bench_clean = {
    .name = "bench clean",
    .arguments = "[OPTIONS]",
    .summary = "Remove what a benchmark that was cut short has left",
    .options = clean_option_table,
    .options_size = sizeof(struct clean_options),
    .run = run_clean,
};
