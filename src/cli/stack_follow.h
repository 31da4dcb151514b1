#pragma once
/*
 * The logs of a stack's containers as they come: of those that run, of those that start meanwhile, and of those that
 * start again; until none runs any more.
 */
#include "cli/logs.h"
#include "cli/stack.h"

struct stack_follow_options {
    const struct daemon *daemon;
    const char *stack;
    char **services; /* NULL-terminated; NULL or empty: all */
    const struct log_query *query;
    /* An interrupt (ctrl-c) is not our end, but calls this: how many there were by now. NULL: it is our end. */
    void (*interrupted)(void *data, int times);
    void *data;
};

int stack_follow(const struct stack_follow_options *options, struct err *err);
