#pragma once
/*
 * Files of an image archive (a tar, compressed or not) or of a folder, by name: what `load` reads. An archive that is
 * compressed or that comes as a stream is first written to the staging folder, for its parts are needed out of order.
 */
#include "base/arena.h"
#include "base/map.h"
#include "image/inflate.h"

struct bundle {
    struct arena arena;
    int folder;       /* owned; -1 where it is an archive */
    int archive;      /* owned; -1 where it is a folder */
    struct map files; /* clean path → struct bundle_file * */
};

/* path: a file or a folder; NULL: the archive comes from fd. staging: a folder for a temporary file. */
int bundle_open(struct bundle *bundle, const char *path, int fd, int staging, int64_t reserve_bytes, struct err *err);
void bundle_close(struct bundle *bundle);

bool bundle_has(const struct bundle *bundle, const char *name);
/*
 * The bytes of a file; the descriptor in *ret is to be closed with bundle_release(). ERR_INVALID where the archive
 * lacks it.
 */
int bundle_find(struct bundle *bundle, const char *name, struct byte_source *ret, struct err *err);
void bundle_release(struct bundle *bundle, struct byte_source *source);
/* A small file, NUL-terminated in arena. */
const char *bundle_read(struct bundle *bundle, const char *name, size_t max, struct arena *arena, size_t *ret_size,
                        struct err *err);
