#include "bench/report.h"

#include "base/clock.h"
#include "bench/machine.h"
#include "cli/table.h"
#include "codec/json.h"

#include <stdarg.h>
#include <stdio.h>

/* --- What follows from a result and the floor */

static double over_plain(const struct result *result, const struct result *plain)
{
    return result->memory.used - plain->memory.used;
}

static double starts_ratio(const struct result *result, const struct result *plain)
{
    return result->starts_per_second / plain->starts_per_second;
}

static double pss_each(const struct result *result)
{
    return (double)(result->after.sum.pss_kib - result->before.sum.pss_kib) / (double)result->count;
}

/* --- Tables */

static const char *const memory_columns[] = {"SLAB", "STACKS", "TABLES", "PRIVATE", "SHARED", "PERCPU", "OTHER"};

static const char *number(struct table *table, double value, int digits)
{
    return arena_printf(&table->arena, "%.*f", digits, value);
}

static const char *engine_name(const struct result *result)
{
    return result->engine ? result->engine->name : "plain processes";
}

static const char *class_name(const struct result *result)
{
    return result->class ? result->class->name : "";
}

static void warn_unrested(const struct report *report)
{
    for (size_t i = 0; i < report->count; i++)
        if (!report->results[i].rested)
            (void)fprintf(stderr,
                          "shoal: warning: the machine did not come to rest: memory of %s %s is of others too\n",
                          engine_name(&report->results[i]), class_name(&report->results[i]));
}

static void print_memory(const struct report *report)
{
    struct table table cleanup(table_done) = {.columns = 12};
    table_row(&table, "ENGINE", "CLASS", "KIB EACH", "OVER PLAIN", memory_columns[0], memory_columns[1],
              memory_columns[2], memory_columns[3], memory_columns[4], memory_columns[5], memory_columns[6], "LEFT");
    for (size_t i = 0; i < report->count; i++) {
        const struct result *r = &report->results[i];
        const struct memory_each *m = &r->memory;
        table_row(&table, engine_name(r), class_name(r), number(&table, m->used, 1),
                  r->engine ? number(&table, over_plain(r, report->results), 1) : "", number(&table, m->slab, 1),
                  number(&table, m->kernel_stack, 1), number(&table, m->page_tables, 1), number(&table, m->private, 1),
                  number(&table, m->shared, 1), number(&table, m->percpu, 1), number(&table, m->other, 1),
                  number(&table, r->left, 1));
    }
    table_print(&table, stdout);
    printf("\n");
    warn_unrested(report);
}

static void print_engines(const struct report *report)
{
    struct table table cleanup(table_done) = {.columns = 9};
    table_row(&table, "ENGINE", "CLASS", "PROCESSES", "THREADS BEFORE", "THREADS", "PSS KIB", "PSS KIB EACH",
              "CPU MS A START", "WAKE-UPS/S");
    for (size_t i = 1; i < report->count; i++) {
        const struct result *r = &report->results[i];
        table_row(&table, engine_name(r), class_name(r), arena_printf(&table.arena, "%zu", r->after.processes),
                  arena_printf(&table.arena, "%zu", r->before.sum.threads),
                  arena_printf(&table.arena, "%zu", r->after.sum.threads),
                  arena_printf(&table.arena, "%lld", (long long)r->after.sum.pss_kib), number(&table, pss_each(r), 1),
                  number(&table, r->engine_start_cpu_ms, 2), number(&table, r->wakeups_per_second, 1));
    }
    table_print(&table, stdout);
    printf("\n");
}

static void print_times(const struct report *report)
{
    struct table table cleanup(table_done) = {.columns = 9};
    table_row(&table, "ENGINE", "CLASS", "STARTS/S", "÷ PLAIN", "CREATE MS", "START MS", "STOPS/S", "LIST MS",
              "FETCHED");
    for (size_t i = 0; i < report->count; i++) {
        const struct result *r = &report->results[i];
        table_row(&table, engine_name(r), class_name(r), number(&table, r->starts_per_second, 0),
                  r->engine ? number(&table, starts_ratio(r, report->results), 3) : "",
                  r->engine ? number(&table, r->start_times.steps[0].median_ms, 2) : "",
                  r->engine ? number(&table, r->start_times.steps[1].median_ms, 2) : "",
                  number(&table, r->stops_per_second, 0), r->engine ? number(&table, r->list_ms, 1) : "",
                  r->dense ? arena_printf(&table.arena, "%zu", r->fetched) : "");
    }
    table_print(&table, stdout);
}

void report_print(const struct report *report)
{
    struct machine machine;
    machine_look(&machine);
    printf("%lld of each, %lld clients; %s, %lld CPUs%s, %s\n\n", (long long)report->options->n,
           (long long)report->options->clients, machine.cpu, (long long)machine.cpus,
           machine.virtualized ? " (virtual)" : "", machine.kernel);
    if (report->results[0].dense) {
        print_memory(report);
        print_engines(report);
    }
    print_times(report);
}

/* --- JSON */

static void key_double(struct json_out *out, const char *key, double value)
{
    json_key(out, key);
    json_put_double(out, value);
}

static void put_machine(struct json_out *out)
{
    struct machine machine;
    machine_look(&machine);
    json_key(out, "machine");
    json_put_object(out);
    json_key_string(out, "cpu", machine.cpu);
    json_key_int(out, "cpus", machine.cpus);
    json_key_int(out, "memory_kib", machine.memory_kib);
    json_key_string(out, "kernel", machine.kernel);
    json_key_string(out, "architecture", machine.architecture);
    json_key_bool(out, "virtualized", machine.virtualized);
    json_put_object_end(out);
}

static void put_options(const struct bench_options *o, struct json_out *out)
{
    json_key(out, "options");
    json_put_object(out);
    json_key_int(out, "n", o->n);
    json_key_int(out, "clients", o->clients);
    json_key_string(out, "image", o->image);
    json_key_int(out, "idle_seconds", o->idle);
    json_put_object_end(out);
}

static void put_step(const struct load_times *times, int step, const char *key, struct json_out *out)
{
    json_key(out, key);
    json_put_object(out);
    key_double(out, "median_ms", times->steps[step].median_ms);
    key_double(out, "p99_ms", times->steps[step].p99_ms);
    json_put_object_end(out);
}

static void put_usage(const struct engine_usage *usage, const char *key, struct json_out *out)
{
    json_key(out, key);
    json_put_object(out);
    json_key_int(out, "processes", (int64_t)usage->processes);
    json_key_int(out, "threads", (int64_t)usage->sum.threads);
    json_key_int(out, "pss_kib", usage->sum.pss_kib);
    json_put_object_end(out);
}

static void put_density(const struct result *r, const struct result *plain, struct json_out *out)
{
    json_key(out, "memory_kib_each");
    fields_write(&memory_each_table, &r->memory, out);
    key_double(out, "left_kib_each", r->left);
    json_key_bool(out, "rested", r->rested);
    json_key_int(out, "files_fetched", (int64_t)r->fetched);
    if (!r->engine)
        return;
    key_double(out, "over_plain_kib_each", over_plain(r, plain));
    put_usage(&r->before, "engine_before", out);
    put_usage(&r->after, "engine_after", out);
    key_double(out, "engine_pss_kib_each", pss_each(r));
    key_double(out, "engine_cpu_ms_each_start", r->engine_start_cpu_ms);
    key_double(out, "engine_wakeups_per_second", r->wakeups_per_second);
}

static void put_result(const struct result *r, const struct result *plain, struct json_out *out)
{
    json_put_object(out);
    json_key_string(out, "engine", engine_name(r));
    json_key_string(out, "class", r->class ? r->class->name : NULL);
    json_key_int(out, "count", (int64_t)r->count);
    key_double(out, "starts_per_second", r->starts_per_second);
    key_double(out, "stops_per_second", r->stops_per_second);
    if (r->engine) {
        key_double(out, "starts_ratio", starts_ratio(r, plain));
        key_double(out, "list_ms", r->list_ms);
        put_step(&r->start_times, 0, "create", out);
        put_step(&r->start_times, 1, "start", out);
        put_step(&r->stop_times, 0, "stop", out);
        put_step(&r->stop_times, 1, "remove", out);
    }
    if (r->dense)
        put_density(r, plain, out);
    json_put_object_end(out);
}

void report_json(const struct report *report, struct buf *ret)
{
    struct json_out out = {.buf = ret, .indent = 2};
    json_put_object(&out);
    json_key_string(&out, "scenario", report->scenario);
    json_key_time(&out, "time", clock_realtime_ns());
    json_key_string(&out, "version", SHOAL_VERSION);
    put_machine(&out);
    put_options(report->options, &out);
    json_key(&out, "results");
    json_put_array(&out);
    for (size_t i = 0; i < report->count; i++)
        put_result(&report->results[i], report->results, &out);
    json_put_array_end(&out);
    json_put_object_end(&out);
}
