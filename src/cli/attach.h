#pragma once
/*
 * The user's terminal or pipes joined to the streams of a container or of a command in one (attach, exec): input,
 * output taken apart into stdout and stderr, the terminal raw and its size passed on, signals sent on to the process.
 *
 *     attach_open()   asks the daemon for the streams
 *     …               starts the process
 *     attach_run()    until its output ends
 */
#include "cli/daemon.h"

struct attach;

struct attach_options {
    const struct daemon *daemon;
    const char *target;     /* POST, to be hijacked: "/containers/ID/attach?…", "/exec/ID/start" */
    const struct buf *body; /* may be NULL */
    const char *resize;     /* "/containers/ID/resize": told the terminal's size */
    const char *kill;       /* "/containers/ID/kill": told our signals; NULL: they end us */
    bool input;             /* standard input is passed on */
    bool tty;               /* it has a terminal */
};

int attach_open(const struct attach_options *options, struct attach **ret, struct err *err);
/* The loop it lives on, for what is to go on meanwhile. */
struct loop *attach_loop(struct attach *attach);
/* Tells the process how large the terminal is; once it runs. */
void attach_resize(struct attach *attach);
int attach_run(struct attach *attach, struct err *err);
void attach_free(struct attach *attach);
DEFINE_CLEANUP(struct attach *, attach_free);
