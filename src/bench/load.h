#pragma once
/*
 * The same few requests for each of many things, by several clients at once: one thread, one connection for each
 * client, which takes the next number when it is done with one.
 */
#include "base/buf.h"
#include "base/err.h"
#include "event/loop.h"
#include "http/address.h"
#include "http/parser.h"

#define LOAD_STEPS_MAX   16
#define LOAD_CLIENTS_MAX 1000

struct load_step {
    const char *name; /* "create" */
    enum http_method method;
    /* Appends what is asked for; a body that stays empty is none. */
    void (*ask)(const void *data, size_t number, struct buf *target, struct buf *body);
    /* Is the answer as it must be? Its status is below 400 already. May be NULL. */
    int (*check)(const void *data, size_t number, const struct buf *answer, struct err *err);
};

struct load {
    struct loop *loop;
    size_t clients;
    size_t first, count; /* numbers */
    const struct load_step *steps;
    size_t step_count;
    const void *data;                   /* of the steps */
    const struct http_address *address; /* one connection for each client, kept; or NULL: */
    void (*find)(const void *data, size_t number, struct http_address *ret); /* one for each number */
    void (*told)(void *told_data, size_t done);                              /* after each number; may be NULL */
    void *told_data;
    const bool *stop; /* becomes true: ERR_CANCELLED, once the calls under way are answered. May be NULL */
};

struct load_times {
    double seconds; /* of all */
    struct {
        double median_ms, p99_ms;
    } steps[LOAD_STEPS_MAX];
};

/* Ends with the first failure, once the calls under way are answered. */
int load_run(const struct load *load, struct load_times *ret, struct err *err);
