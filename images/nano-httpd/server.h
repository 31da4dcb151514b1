#pragma once
/* The event loop: a listening socket, a bounded number of clients, and the signals that end it. */
#include <stdint.h>

/* Listens on port on every address of the machine, IPv6 and IPv4. Returns the socket or -errno. */
long server_listen(uint16_t port);

/* The port a socket is bound to (where 0 was asked for). */
uint16_t server_port(int listener);

/* Gets ready to serve the directory root; from here on a signal is not lost. Returns 0 or -errno. */
long server_start(int listener, int root);

/* Serves until SIGTERM or SIGINT. */
void server_run(void);
