#pragma once
/* Actions of the daemon (docs/API.md, "Actions"): asked for, and followed to their end with their progress shown. */
#include "cli/daemon.h"

struct action_view {
    bool json;  /* the events as they are, on stdout */
    bool quiet; /* nothing but failures */
};

/*
 * Calls method on target with body, which starts an action, and follows it to its end. An interrupt (ctrl-c) cancels
 * the action, a second one leaves it to itself. Returns an exit code, or negative with the action's failure.
 */
int action_run(const struct daemon *daemon, enum http_method method, const char *target, const struct buf *body,
               const struct action_view *view, struct err *err);
