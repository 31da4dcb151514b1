#pragma once
/*
 * One question on its way to servers elsewhere: each server is asked in turn, by UDP from a socket of its own (so with
 * a random port and a random id), by TCP when the answer was cut off and the asker can take a long one. An answer
 * counts only when it comes from the server asked, is well-formed and repeats the question.
 */
#include "codec/dns.h"
#include "event/loop.h"

#define LOOKUPS_MAX        512 /* at a time */
#define LOOKUPS_OF_ONE_MAX 128 /* of them, for one client */
#define LOOKUP_SERVERS_MAX 8

struct lookup;

struct lookups {
    struct loop *loop;
    struct list list; /* of struct lookup, owned */
    size_t count;
};

void lookups_init(struct lookups *lookups, struct loop *loop);
/* Ends all of them without a word. */
void lookups_done(struct lookups *lookups);

struct lookup_params {
    const uint8_t *query; /* copied */
    size_t size;
    const struct ip *servers;
    size_t server_count; /* 1 to LOOKUP_SERVERS_MAX */
    struct ip client;
    bool long_answers; /* the asker came by TCP */
    /* The answer, with the query's id and not longer than the asker takes; SERVFAIL where no server gave one in time.
       The lookup is gone by then. */
    void (*done)(void *data, const uint8_t *answer, size_t size);
    void *data;
};

/* NULL where there are too many already, or no socket: nothing is called then. */
struct lookup *lookup_start(struct lookups *lookups, const struct lookup_params *params);
void lookup_cancel(struct lookup *lookup);
