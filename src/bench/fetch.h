#pragma once
/* Whether every server serves what it must: all files, each compared byte for byte. Servers are numbers with a port
 * each. */
#include "bench/bench.h"

/* ERR_CONFLICT where somebody listens on one of the ports before anything was started. */
int fetch_check_free(const struct bench *bench, size_t count, struct err *err);
/* Waits until each of them accepts. */
int fetch_wait(struct bench *bench, size_t first, size_t count, struct err *err);
/* Fetches every file of the site from each of them. */
int fetch_all(struct bench *bench, const char *subject, size_t first, size_t count, struct err *err);
