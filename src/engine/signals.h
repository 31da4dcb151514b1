#pragma once
/* Signals by the names that users write: "SIGTERM", "term", "15", "SIGRTMIN+3". */
#include "base/err.h"

/* The number, or ERR_INVALID "invalid signal: x". */
int signal_by_name(const char *name, struct err *err);
