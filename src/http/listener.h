#pragma once
/* Listening sockets: non-blocking, CLOEXEC. */
#include "base/err.h"
#include "http/address.h"

#include <sys/types.h>

/*
 * A unix socket at path with mode and group (-1: leave it). A socket that a dead daemon left behind is replaced; one
 * that somebody still listens on, and anything that is no socket, is ERR_CONFLICT. It never exists with wider
 * permissions than asked for.
 */
int http_listen_unix(const char *path, mode_t mode, gid_t group, struct err *err);

/* A TCP socket on the address' first result. */
int http_listen_tcp(const struct http_address *address, struct err *err);
