#pragma once
/*
 * The floor: the same program as plain processes, started with vfork and exec from this one. They end with it, whatever
 * ends it.
 */
#include "base/err.h"
#include "bench/site.h"

struct plain {
    pid_t *pids; /* owned */
    size_t count;
};

/* Starts count of them, on first_port and the ports that follow. *ret_seconds: until the last one was executed. */
int plain_start(const struct site *site, unsigned first_port, size_t count, struct plain *ret, double *ret_seconds,
                struct err *err);
/* Kills and reaps them. */
void plain_done(struct plain *plain);
