#pragma once
/* The child that unpacks one layer, and what it tells the helper. */
#include "base/vec.h"
#include "image/stage.h"

#define STAGE_REPORT_MAX ((size_t)128 << 20)

struct stage_child {
    int blob, root, skeleton, output;
    struct byte_source source;
    int64_t compressed_size, reserve_bytes;
    bool whole; /* contents stay in the skeleton */
    volatile int64_t *progress;
};

/* Confines itself to the layer's folder, unpacks, reports, and ends. */
_Noreturn void stage_child_run(const struct stage_child *child);

/*
 * The report: records of a letter, a text and a NUL. What the helper, which has privileges, must believe of it is as
 * simple as can be: 'w' a warning, 'o' an opaque folder, 'i' an implied one, 'r' (replaced), 'd' the diff ID and two
 * sizes; or 'e' an error.
 */
struct stage_report {
    struct arena *arena;
    struct stage_layer layer;
    bool replaced;
    struct strings warnings, opaque, implied;
};

/* Negative where it is an error's report, or none. */
int stage_report_read(const char *data, size_t size, struct stage_report *ret, struct err *err);
