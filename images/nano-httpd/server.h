#pragma once
/* The event loop: a listening socket, a bounded number of clients, and the signals that end it. */
#include <stdint.h>

/* Keeps the signals that end the server for server_run(): from here on none is lost. Returns 0 or -errno. */
long server_catch_signals(void);

/*
 * Serves the current directory until SIGTERM or SIGINT, and exits. moved: how far settle() has moved the program from
 * where it was linked to, 0 where it has not. Hidden, so that its address is found without a table of addresses.
 */
__attribute__((visibility("hidden"))) _Noreturn void server_run(int listener, uintptr_t moved);
