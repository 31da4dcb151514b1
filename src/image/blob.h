#pragma once
/* Small blobs (configurations, manifests) in DATA/images/blobs, by digest. For workers: writing waits for the disk. */
#include "base/arena.h"
#include "base/err.h"

#include <stddef.h>

/* Stores data under its sha256 digest; what is there already stays. */
int blob_write(const char *data_dir, const char *digest, const void *data, size_t size, struct err *err);

/* Reads a blob of at most max bytes, NUL-terminated in arena, and checks it against its digest. */
const char *blob_read(const char *data_dir, const char *digest, size_t max, struct arena *arena, size_t *ret_size,
                      struct err *err);
