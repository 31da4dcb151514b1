#pragma once
/* A process in the foreground: started, joined to the user's terminal (cli/attach.h), and its exit status. */
#include "cli/daemon.h"

#define SESSION_ID_MAX 65

/*
 * Starts a created container and stays with it to its end. Returns its exit status. removed: it removes itself (--rm),
 * which is waited for.
 */
int session_container(const struct daemon *daemon, const char *id, bool tty, bool input, bool removed,
                      const char *detach_keys, struct err *err);

struct session_exec {
    const char *container;
    char **command; /* NULL-terminated */
    struct strings env;
    const char *user, *workdir, *detach_keys;
    bool interactive, tty, detach, privileged;
};

/* Runs a command in a container. Returns its exit status, or 0 where it goes on alone (detach). */
int session_run_exec(const struct daemon *daemon, const struct session_exec *exec, struct err *err);

/* -t wants standard input to be a terminal, where it is passed on. */
int session_check_terminal(bool tty, bool input, struct err *err);
