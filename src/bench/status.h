#pragma once
/* What is being done, on a line of the terminal that is written again and again; elsewhere nothing. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct status {
    bool terminal;
    int64_t drawn_ms;
};

void status_init(struct status *status);
/* "Shoal 0.1.0, lean: starting 120 of 2000". total 0: without numbers. */
void status_show(struct status *status, const char *subject, const char *doing, size_t done, size_t total);
/* The line is empty again. */
void status_clear(struct status *status);
