#pragma once
/* The listening socket. */
#include <stdint.h>

/* Listens on port on every address of the machine, IPv6 and IPv4. Returns the socket or -errno. */
long listen_on_port(uint16_t port);

/* The port a socket is bound to (where 0 was asked for). */
uint16_t listen_port(int listener);
