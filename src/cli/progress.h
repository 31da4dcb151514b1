#pragma once
/*
 * Progress of several things at once (layers of a pull, replicas of a deployment): on a terminal a line for each,
 * rewritten in place, with a bar where sizes are known; elsewhere a plain line at each change of state, for logs.
 *
 *     a1b2c3d4e5f6  Downloading  [=======>            ]  12.3MB / 40.1MB
 *     web-1         Started
 */
#include "base/arena.h"
#include "base/map.h"
#include "base/vec.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum progress_state { PROGRESS_WAITING, PROGRESS_WORKING, PROGRESS_DONE, PROGRESS_FAILED };

struct progress_item;

struct progress {
    FILE *out;
    bool terminal; /* rewrites in place */
    bool colours;
    struct arena arena;
    struct map by_name;                /* of items */
    VEC(struct progress_item *) items; /* in the order of their first update */
    size_t drawn;                      /* lines on the screen that are ours */
    int64_t drawn_ms;                  /* clock_monotonic_ms() of the last drawing */
};

void progress_init(struct progress *progress, FILE *out);

/* name's state is now this: text is shown ("Downloading"), current of total bytes where total > 0. */
void progress_update(struct progress *progress, const char *name, enum progress_state state, const char *text,
                     int64_t current, int64_t total);
/* A line above all of them that stays. */
void progress_print(struct progress *progress, const char *text);
/* Draws the last state. */
void progress_done(struct progress *progress);
