#pragma once
/* Exec sessions, for the rest of engine/: health checks run them too, and the keeper's events end here. */
#include "engine/exec.h"

/* Starts it with these standard streams; they stay the caller's. done as of exec_start(). */
int exec_run(struct exec *exec, const int stdio[3], engine_done *done, void *data, struct err *err);
void exec_kill(struct exec *exec);
/* Nobody asks for it any more: done does not come, and it is forgotten, where it runs at its end. */
void exec_drop(struct exec *exec);

/* The keeper's news; false where id is no exec session. terminal becomes the session's. */
bool exec_started(struct engine *engine, const char *id, pid_t pid, int terminal);
bool exec_not_started(struct engine *engine, const char *id, const struct err *failure);
bool exec_exited(struct engine *engine, const char *id, int status);

/* Nobody will tell how the sessions of the container end, or it goes: who waits is told, and they are forgotten. */
void execs_lost(struct container *container);
