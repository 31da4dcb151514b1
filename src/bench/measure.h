#pragma once
/* The measurements: N plain processes, and N containers of one class on one engine, from their start to their end. */
#include "bench/bench.h"
#include "bench/load.h"
#include "bench/memory.h"

/* What is looked at beside the times. */
enum measure_depth {
    MEASURE_TIMES,   /* nothing: started, listed, stopped as fast as it goes */
    MEASURE_DENSITY, /* all are fetched from, and when the machine is at rest its memory and the engine's are looked at
                      */
};

struct result {
    const struct bench_engine *engine; /* NULL: plain processes */
    const struct bench_class *class;
    size_t count;
    double starts_per_second; /* created and started; plain processes: vfork and exec */
    double stops_per_second;  /* stopped and removed */
    struct load_times start_times, stop_times;
    double list_ms;

    /* MEASURE_DENSITY */
    bool dense;
    bool rested;               /* the machine was at rest each time; else others moved its memory too */
    struct memory_each memory; /* of each, in KiB; what the engine needs for it included */
    double left;               /* `used` that was still there when they were gone, of each; below 0: there is less */
    size_t fetched;            /* files, all as they must be */
    struct engine_usage before, after;
    double engine_start_cpu_ms; /* of the engine's own processes, for each start */
    double wakeups_per_second;
};

/* Takes the program and what it serves out of a container of the first class (bench->site). */
int measure_prepare(struct bench *bench, struct err *err);
int measure_plain(struct bench *bench, enum measure_depth depth, struct result *ret, struct err *err);
/*
 * One container of the class runs already when measuring begins, so that what the first one alone brings (the image's
 * mount, a filter) is not counted as each one's.
 */
int measure_class(struct bench *bench, const struct bench_engine *engine, const struct bench_class *class,
                  enum measure_depth depth, struct result *ret, struct err *err);
