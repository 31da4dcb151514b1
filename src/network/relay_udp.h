#pragma once
/*
 * What arrives at a published UDP port's own socket, relayed to a backend. Each client has a flow: a socket of its own
 * towards the backend, so that answers find back. A flow ends after a minute of silence, or when it is the one silent
 * longest and there are too many.
 */
#include "network/state.h"

struct relay_udp *relay_udp_new(struct port *port);
void relay_udp_free(struct relay_udp *relay);

/* Takes what waits at the port's socket. */
void relay_udp_receive(struct relay_udp *relay);
/* Ends the flows whose backend is none any more. */
void relay_udp_backends_changed(struct relay_udp *relay);
