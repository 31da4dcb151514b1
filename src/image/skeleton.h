#pragma once
/*
 * The skeleton of a layer: its tar without the contents of its files, which are in the unpacked layer already. From
 * both the same tar can be made again, byte by byte (its digest, the diff ID, is the proof), at the cost of about 1 %
 * of the layer instead of another 40 % for the compressed blob.
 *
 * The file is zstd; inside are the 8 bytes of SKELETON_MAGIC and records, integers little-endian:
 *
 *     'R' u32 size, bytes                                    these bytes
 *     'F' u64 offset, u64 size, u16 length, path             size bytes of that file, from offset
 *     'E' u64 size                                           the end; the size of the tar
 */
#include "base/cleanup.h"
#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

#define SKELETON_MAGIC "shoaltr1"

/* Smaller contents stay in the skeleton. */
#define SKELETON_CONTENT_MIN 64

/* --- Writing: the tar streams by; whoever parses it says which parts of it are contents -------------------------- */

struct skeleton_writer;

/* Writes to fd, which stays the caller's. */
struct skeleton_writer *skeleton_writer_new(int fd);
void skeleton_writer_free(struct skeleton_writer *w);
DEFINE_CLEANUP(struct skeleton_writer *, skeleton_writer_free);

/* The next bytes of the tar. What an earlier call brought can no longer become contents. */
int skeleton_add(struct skeleton_writer *w, const void *data, size_t size, struct err *err);
/* The size bytes of the tar from position on are the contents of path: they are dropped from what was and will be
 * added. */
int skeleton_content(struct skeleton_writer *w, uint64_t position, uint64_t size, const char *path, struct err *err);
/* Ends the file; fsync is the caller's. */
int skeleton_finish(struct skeleton_writer *w, struct err *err);

/* --- Making the tar again ----------------------------------------------------------------------------------------- */

/* Writes the tar of the layer unpacked at root, whose skeleton is fd, through sink. ERR_INVALID where either was
 * changed. */
int skeleton_play(int fd, int root, int (*sink)(void *sink_data, const void *data, size_t size, struct err *err),
                  void *sink_data, struct err *err);
