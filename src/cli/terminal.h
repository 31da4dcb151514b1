#pragma once
/*
 * The user's terminal: raw while a container's terminal is shown in it, as it was afterwards, whatever ends the program
 * but SIGKILL.
 */
#include "base/err.h"

#include <stdbool.h>

/* Rows and columns of the terminal at fd; false where it is none. */
bool terminal_size(int fd, int *ret_rows, int *ret_columns);

/* Passes each key on as it is, without echo and without signals; fd is a terminal. */
int terminal_raw(int fd, struct err *err);
/* Back to what it was before terminal_raw(); harmless without. Called at exit, too. */
void terminal_restore(void);
