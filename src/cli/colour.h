#pragma once
/*
 * Colours, on terminals alone: not where output goes to a file or a pipe, not where NO_COLOR is set (no-color.org), not
 * where TERM is "dumb".
 */
#include <stdbool.h>
#include <stddef.h>

/* Is fd a terminal that takes escape sequences? */
bool colour_terminal(int fd);
/* May colours be written to fd? */
bool colour_allowed(int fd);

#define COLOUR_RESET  "\033[0m"
#define COLOUR_RED    "\033[31m"
#define COLOUR_GREEN  "\033[32m"
#define COLOUR_YELLOW "\033[33m"
#define COLOUR_DIM    "\033[2m"

/* The nth of the colours that tell things apart (services in logs); they repeat. */
const char *colour_of(size_t n);
