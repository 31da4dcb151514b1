#pragma once
/*
 * One run of the benchmark: the engines that are measured (the daemon of --host first, then the peers), the classes,
 * and what was found. Whatever ends the run, what it made on the engines is removed; an interrupt (ctrl-c) ends it, a
 * second one at once, and then `shoal bench clean` removes what is left.
 */
#include "bench/classes.h"
#include "bench/engine.h"
#include "bench/site.h"
#include "bench/status.h"
#include "event/loop.h"

#define BENCH_PEERS_MAX 4

struct bench_options {
    int64_t n, clients, first_port, idle, rest;
    struct strings classes, peers;
    const char *image;
    bool json;
};

/* The table of all of them: what `bench density` and `bench start` take. Ends with {0}. */
extern const struct cli_option bench_option_table[];

struct bench {
    struct cli *cli;
    struct bench_options options; /* with the defaults */
    const struct bench_class *classes[BENCH_CLASSES_MAX + 1];
    struct bench_engine engines[1 + BENCH_PEERS_MAX];
    bool made[1 + BENCH_PEERS_MAX]; /* there may be containers of ours on it */
    size_t engine_count;
    struct loop *loop;
    struct signal_watch interrupt, term;
    bool stop; /* somebody wants it to end */
    struct status status;
    struct site site;
};

/* Fills bench->engines with what --host and peers name, and looks who answers there. */
int bench_find_engines(struct bench *bench, struct cli *cli, const struct strings *peers, struct err *err);

/*
 * Checks everything that can be checked before anything is made: options, engines, that they have the image, and that
 * no container of a former run is there.
 */
int bench_open(struct bench *bench, struct cli *cli, const struct bench_options *options, struct err *err);
/* Removes what is left on the engines. */
void bench_close(struct bench *bench);

/* Waits. ERR_CANCELLED where somebody wants it to end. */
int bench_wait(struct bench *bench, int64_t ms, struct err *err);

/* Number i's port. */
unsigned bench_port(const struct bench *bench, size_t number);
