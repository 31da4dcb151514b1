#pragma once
/* What was measured, as tables for people and as JSON for charts and for keeping. */
#include "bench/measure.h"

struct report {
    const char *scenario; /* "density" */
    const struct bench_options *options;
    const struct result *results; /* plain processes first */
    size_t count;
};

void report_print(const struct report *report);
/* One object; bench/README.md says what is in it. */
void report_json(const struct report *report, struct buf *ret);
