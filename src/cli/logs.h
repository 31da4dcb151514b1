#pragma once
/*
 * Logs of containers on the user's terminal: of several at once, line by line with a label before each, on the loop; or
 * of one as it is.
 */
#include "cli/daemon.h"
#include "event/loop.h"

struct log_query {
    bool follow, timestamps;
    const char *tail, *since, *until; /* as the user gave them; NULL: all */
    bool json;                        /* lines of {"container","stream","time","line"} */
    bool plain;                       /* no colours */
    bool unlabelled;
};

/* Prints the whole log of one container: stdout to stdout, stderr to stderr. Returns an exit code. */
int logs_of_container(const struct daemon *daemon, const char *name, const struct log_query *query, struct err *err);

struct logs;

/* query and daemon must outlive it. ERR_INVALID where query has times that are none. */
int logs_new(const struct daemon *daemon, struct loop *loop, const struct log_query *query, struct logs **ret,
             struct err *err);

/* The log of one container. */
struct log_source {
    const char *container; /* its ID */
    const char *label;     /* before each line; NULL: nothing */
    const char *group;     /* those of one group have one colour */
    int64_t since_ns;      /* only what is newer, instead of the query's since; 0: as the query says */
};

/* Prints it until it ends. A container that is being printed already is not added again. */
int logs_add(struct logs *logs, const struct log_source *source, struct err *err);
/* Called for each that has ended. */
void logs_on_end(struct logs *logs, void (*ended)(void *data, const char *container), void *data);
/* Is it being printed? */
bool logs_has(const struct logs *logs, const char *container);
/* How many are being printed. */
size_t logs_active(const struct logs *logs);
void logs_free(struct logs *logs);
DEFINE_CLEANUP(struct logs *, logs_free);
