#pragma once
/*
 * Exec sessions: another process in a running container. Made, started once, and remembered until an hour after they
 * ended or their container is gone. They belong to this daemon's life: a restarted daemon knows none of them.
 */
#include "engine/container.h"

struct exec_spec {
    bool attach_stdin, attach_stdout, attach_stderr, tty, privileged;
    char *detach_keys, *user, *working_dir;
    struct strings env, cmd;
    int rows, columns; /* of the terminal at first; 0: unknown */
};
extern const struct fields exec_spec_table; /* the API's request, but for its ConsoleSize */

enum exec_status { EXEC_CREATED, EXEC_RUNNING, EXEC_EXITED };

struct exec {
    char id[ID_SIZE];
    struct container *container;
    struct exec_spec spec;
    enum exec_status status;
    pid_t pid;
    int exit_code;
    struct exec_private *private;
};

int exec_create(struct container *container, const struct exec_spec *spec, struct exec **ret, struct err *err);
/* ERR_NOT_FOUND "No such exec instance: x". */
struct exec *engine_find_exec(struct engine *engine, const char *id, struct err *err);

/* Walks those of a container; NULL starts and ends. */
struct exec *container_next_exec(struct container *container, struct exec *after);

/*
 * Starts it. done comes when the command runs, or could not be run. The descriptors are as container_attach() gives
 * them, valid when this returns success: output framed unless tty. detach: none are given, and its output is thrown
 * away.
 */
int exec_start(struct exec *exec, bool detach, int *ret_input, int *ret_output, engine_done *done, void *data,
               struct err *err);
int exec_resize(struct exec *exec, int rows, int columns, struct err *err);

struct exec_waiter {
    void (*ended)(struct exec_waiter *waiter, int exit_code);
    struct list link;
};
void exec_wait_add(struct exec *exec, struct exec_waiter *waiter);
void exec_wait_cancel(struct exec_waiter *waiter);
