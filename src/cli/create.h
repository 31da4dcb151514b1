#pragma once
/* A container made from its definition, its image pulled before where that is wanted or needed. */
#include "cli/daemon.h"
#include "spec/container.h"

struct create_options {
    const char *name, *platform; /* may be NULL */
    const char *pull;            /* "missing", "always", "never"; NULL: missing */
    bool quiet;                  /* no progress of a pull */
};

/* *ret_id lives in the daemon's arena. The daemon's warnings are told. */
int create_container(struct cli *cli, const struct daemon *daemon, const struct container_spec *spec,
                     const struct create_options *options, const char **ret_id, struct err *err);
