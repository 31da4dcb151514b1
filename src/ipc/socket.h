#pragma once
/*
 * Unix sockets of type SOCK_SEQPACKET between our own programs, by path. All descriptors are CLOEXEC. Paths may be
 * longer than sockaddr_un has room for. Functions return a descriptor (or 0) or -errno.
 */
#include <stdbool.h>

/*
 * Listens at path, mode 0600, not blocking. Who sees the socket can connect to it. One that is there already is
 * replaced: whoever calls this holds the lock that makes it the only one.
 */
int socket_listen(const char *path);

/* The next connection, not blocking; -EAGAIN where none waits. */
int socket_accept(int listener);

/* Connects; -ECONNREFUSED or -ENOENT where nobody listens. blocking says how the descriptor behaves afterwards. */
int socket_connect(const char *path, bool blocking);

/* A connected pair that blocks; the caller makes an end non-blocking where it wants that. */
int socket_pair(int ret_fds[2]);

/* 0 where the other end runs as our own user (or as root); -EPERM otherwise. */
int socket_check_peer(int socket);
