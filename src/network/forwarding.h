#pragma once
/* Forwarding between links, which routed containers need and a fresh machine has off. */
#include "base/err.h"

#include <stdbool.h>

/*
 * Turns forwarding on where it is off. With IPv6, links that take their routes from router advertisements are told to
 * go on doing so (accept_ra=2): else the kernel would drop them when it forwards. Says in the log what it changed.
 */
int forwarding_enable(bool ipv6, struct err *err);

/* Is it on? Where /proc cannot be read, yes. */
bool forwarding_enabled(bool ipv6);
