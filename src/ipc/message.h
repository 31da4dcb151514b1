#pragma once
/*
 * One bounded message with descriptors over a SOCK_SEQPACKET (or SOCK_DGRAM) socket: what is sent as one arrives as
 * one, or not at all. Used by the keeper, the logger and the workers; each puts its own header into the payload.
 *
 * Nothing here allocates, so static programs with fixed tables may use it. Functions return ≥ 0 or -errno.
 */
#include "base/cleanup.h"

#include <stddef.h>
#include <sys/types.h>
#include <sys/uio.h>

/* The kernel's own limit for one message (SCM_MAX_FD). */
#define MESSAGE_FDS_MAX 253

/* What a default socket buffer takes in one piece on every architecture, with room for the kernel's overhead. */
#define MESSAGE_SIZE_MAX ((size_t)136 * 1024)

/* Descriptors that came with a message. Owned here until taken; all are CLOEXEC. */
struct message_fds {
    unsigned count;
    int fd[MESSAGE_FDS_MAX]; /* valid up to count; -1 once taken */
};

#define MESSAGE_FDS_NONE ((struct message_fds){.count = 0})

/* Moves the i-th descriptor out; -1 where there is none (any more). */
int message_fds_take(struct message_fds *fds, unsigned i);
/* Closes what was not taken. Harmless when empty. For cleanup(message_fds_close). */
void message_fds_close(struct message_fds *fds);

/*
 * Sends the parts as one message, with fd_count descriptors, which stay the caller's. Never raises SIGPIPE.
 * 0, or -EAGAIN (the socket does not block and its buffer is full), -EPIPE and -ECONNRESET (nobody there), -EMSGSIZE
 * (larger than MESSAGE_SIZE_MAX or than the socket's buffer), -EINVAL (empty, or too many descriptors).
 */
int message_send(int socket, const struct iovec *parts, size_t part_count, const int *fds, unsigned fd_count);

/* The same for one piece. */
int message_send_data(int socket, const void *data, size_t size, const int *fds, unsigned fd_count);

/*
 * Receives one message into data. *ret_fds is always filled; NULL where none are expected: those that come are closed.
 * Returns the size; 0 when the other side has closed; -EAGAIN, -ECONNRESET …; -EMSGSIZE where the message was larger
 * than size, and -EMFILE where not all of its descriptors could be opened here: it is gone then, and so are its
 * descriptors.
 */
ssize_t message_receive(int socket, void *data, size_t size, struct message_fds *ret_fds);
