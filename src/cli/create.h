#pragma once
/* A container made from its definition, its image pulled before where that is wanted or needed. */
#include "cli/daemon.h"
#include "spec/stack.h"

struct create_options {
    const char *name, *platform; /* may be NULL */
    const char *pull;            /* "missing", "always", "never"; NULL: missing */
    bool quiet;                  /* no progress of a pull */
    /* NULL, or the stack and the service that it stands beside: it gets that one's networks, volumes and files. */
    const struct stack_spec *stack;
    const char *service;
};

/* *ret_id lives in the daemon's arena. The daemon's warnings are told. */
int create_container(struct cli *cli, const struct daemon *daemon, const struct container_spec *spec,
                     const struct create_options *options, const char **ret_id, struct err *err);
