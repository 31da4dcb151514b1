#pragma once
/*
 * What a container wrote, as the daemon streams it where there is no terminal: frames of 8 bytes (stream: 1 stdout, 2
 * stderr; three zeros; size, big-endian) and that many bytes (Docker Engine API, "Attach to a container", stream
 * format). Fed in any pieces.
 */
#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

struct stream {
    unsigned char header[8];
    size_t header_size; /* bytes of it that are there */
    size_t left;        /* bytes of the frame to come */
};

/* Gives what is in bytes to take, piece by piece. ERR_INVALID where it is no such stream. */
int stream_feed(struct stream *stream, const char *bytes, size_t size,
                void (*take)(void *data, int fd, const char *bytes, size_t size), void *data, struct err *err);

/* Writes all of it to fd, waiting where it must; what cannot be written is dropped. */
void stream_write(int fd, const char *bytes, size_t size);
