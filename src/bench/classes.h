#pragma once
/*
 * Classes of containers: how much of Docker's isolation each has. All are nano-httpd on the host's network, each on a
 * port of its own, silent after its first line.
 */
#include "base/buf.h"
#include "base/err.h"
#include "base/vec.h"

struct bench_class {
    const char *name;
    const char *summary;
    bool ours; /* only Shoal has it */
    /* HostConfig */
    const char *runtime;    /* NULL: the engine's own */
    const char *log_driver; /* "none", "json-file" */
    bool read_only;
};

/* The last has no name. */
extern const struct bench_class bench_classes[];

#define BENCH_CLASSES_MAX 8

/* Those that are named, or all of them for "all"; "default" for none. In the order of the table; NULL-terminated. */
int bench_classes_find(const struct strings *names, const struct bench_class *ret[BENCH_CLASSES_MAX + 1],
                       struct err *err);

/* What marks our containers. */
#define BENCH_LABEL "io.shoal.bench"

/* The body of POST /containers/create. */
void bench_class_body(const struct bench_class *class, const char *image, unsigned port, struct buf *body);
