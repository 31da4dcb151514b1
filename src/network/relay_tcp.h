#pragma once
/*
 * What arrives at a published TCP port's own socket, relayed to a backend: two sockets, and at most one chunk of data
 * that waits for each. Half-closes pass through; an error on one side resets the other.
 */
#include "network/state.h"

/* Takes what waits at the port's socket. */
void relay_tcp_accept(struct port *port);
/* Goes on accepting; for the port's timer. */
void relay_tcp_retry(struct timer *timer);
/* Ends every connection of the port. */
void relay_tcp_end(struct port *port);
