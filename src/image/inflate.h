#pragma once
/*
 * Plain bytes out of a blob that is gzip (RFC 1952, several members too), zstd (RFC 8878) or not compressed, told apart
 * by its first bytes. Memory is bounded: a zstd window above 128 MiB is refused. For workers: it blocks.
 */
#include "base/cleanup.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Bytes of a descriptor: a part of a file, or a stream up to its end. */
struct byte_source {
    int fd;         /* borrowed */
    int64_t offset; /* where to read next in a file (pread); negative: a stream (read) */
    int64_t left;   /* bytes to go; negative: up to the end */
};

/* The whole of fd: a file from its start, or a stream. */
struct byte_source byte_source_of(int fd);
/* The number of bytes read, 0 at the end, negative with *err filled. Short only at the end. */
ssize_t byte_source_read(struct byte_source *source, void *data, size_t size, struct err *err);

enum compression { COMPRESSION_NONE, COMPRESSION_GZIP, COMPRESSION_ZSTD };

struct inflate;

/* source is copied. ERR_UNSUPPORTED names bzip2 and xz, ERR_INVALID whatever is broken. */
struct inflate *inflate_open(const struct byte_source *source, struct err *err);
void inflate_free(struct inflate *inflate);
DEFINE_CLEANUP(struct inflate *, inflate_free);

/* As byte_source_read(). A stream that is cut off, or followed by something else, is an error. */
ssize_t inflate_read(struct inflate *inflate, void *data, size_t size, struct err *err);

enum compression inflate_compression(const struct inflate *inflate);
/* Bytes read of the blob so far. */
int64_t inflate_consumed(const struct inflate *inflate);
