#pragma once
/*
 * The composition root: `shoal daemon` makes every object of the node, wires them, runs the loop, and takes them down
 * again. Nothing is decided here but order.
 */
#include "cli/cli.h"

/* "daemon", for cli_main(). */
extern const struct cli_command daemon_command;
