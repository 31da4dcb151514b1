#pragma once
/*
 * The life of our containers on one engine: made and started, waited for, listed, stopped and removed. Each has a name
 * that follows from its class and number, so that nothing has to be remembered.
 */
#include "bench/bench.h"
#include "bench/load.h"

/* Number first and the count - 1 that follow it, of one class on one engine. */
struct containers {
    struct bench *bench;
    const struct bench_engine *engine;
    const struct bench_class *class;
    size_t first, count;
};

/* Steps of the times that containers_start() and containers_stop() give. */
enum { STEP_CREATE, STEP_START };
enum { STEP_STOP, STEP_REMOVE };

/* Each is created and then started; clients of --clients at once. */
int containers_start(const struct containers *containers, struct load_times *ret, struct err *err);
/* Each is stopped (SIGTERM) and then removed. */
int containers_stop(const struct containers *containers, struct load_times *ret, struct err *err);

/* The process of the first of them. */
int containers_pid(const struct containers *containers, pid_t *ret, struct err *err);

enum containers_which { CONTAINERS_ALL, CONTAINERS_RUNNING };
/* How many of ours the engine lists. */
int containers_count(const struct bench_engine *engine, enum containers_which which, size_t *ret, struct err *err);
/* How long GET /containers/json takes, until the answer's last byte; the median of several. */
int containers_list_ms(const struct containers *containers, double *ret_ms, struct err *err);

/* Removes all of ours, whatever their state. *ret_count: how many there were; may be NULL. */
int containers_clean(const struct bench_engine *engine, struct loop *loop, struct status *status, size_t *ret_count,
                     struct err *err);
