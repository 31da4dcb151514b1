#pragma once
/* Connecting to a daemon, and saying why it could not be done in a way that helps. */
#include "base/err.h"
#include "http/address.h"

/*
 * A non-blocking, CLOEXEC socket, connected (unix) or connecting (TCP: writable when it is done, with the outcome in
 * SO_ERROR). Resolving a TCP host's name waits for the resolver.
 */
int http_connect(const struct http_address *address, struct err *err);

/* ERR_UNAVAILABLE for errnum, with the address and what to do about it. Returns -1. */
int http_unreachable(const struct http_address *address, int errnum, struct err *err);
