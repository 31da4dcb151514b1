#pragma once
/* What the files of exec sessions share: exec.c has their table, exec_start.c begins them, exec_life.c has what becomes
 * of them. */
#include "engine/exec_private.h"
#include "engine/private.h"

struct exec_private {
    struct exec *owner;
    struct engine *engine;
    struct list link; /* in its container's execs */
    struct arena arena;
    struct list waiters;
    engine_done *done;
    void *done_data;
    struct relay *relay; /* between the caller's pipes and the process */
    struct timer grace;  /* ends the relay where a grandchild keeps the output open */
    int terminal;        /* -1 without */
    int output;          /* another writing end of the caller's output: its end is told after the exit code is known */
    int input;           /* the reading end of the caller's input, until the terminal is there */
    int64_t ended_ms;
    bool telling; /* its end is being told: it is not to be freed under that */
    bool dropped; /* nobody asks for it any more: it is forgotten at its end */
};

/* Can the container run it now? */
int exec_check(const struct container *container, const struct exec_spec *spec, struct err *err);
/* Joins the caller's pipes to the terminal, which becomes the session's. */
void exec_begin_terminal(struct exec *exec, int terminal);
/* Its relay has carried everything, or will carry no more; data is the struct exec_private. */
void exec_relay_ended(void *data);
/* It could not be started, or nobody will tell how it ends. */
void exec_failed(struct exec *exec, const struct err *failure);
/* Takes it out of the table and frees it. */
void exec_forget(struct exec *exec);
