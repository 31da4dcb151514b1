#pragma once
/* Between unpack.c, which reads the tar, and unpack_entry.c, which makes one entry of it on the disk. */
#include "base/map.h"
#include "image/beneath.h"
#include "image/skeleton.h"
#include "image/unpack.h"

#include <archive.h>
#include <archive_entry.h>
#include <time.h>

/* Folders get their times when everything is in them. */
struct folder_time {
    char *path;
    struct timespec mtime;
};

struct unpack {
    const struct unpack_options *options;
    struct unpack_result *result;
    struct archive *archive;
    struct beneath beneath;
    struct skeleton_writer *skeleton; /* NULL: none */
    struct map implied, opaque;       /* sets of paths */
    VEC(struct folder_time) times;    /* in the result's arena */
    size_t path_bytes;                /* remembered in all of these */
    int64_t unchecked;                /* bytes written since the free space was looked at */
    struct inflate *inflate;
    struct hasher hasher;
    struct err read_err; /* of the callback that feeds libarchive */
    bool read_failed;
    char *block;
};

/* Makes the entry; its contents are read from the archive. */
int unpack_entry(struct unpack *u, struct archive_entry *entry, struct err *err);
/* Sets what can be set only at the end: the times of folders. */
int unpack_folder_times(struct unpack *u, struct err *err);

/* Counts size bytes (or an entry, size 0) against the budgets and the free space. */
int unpack_charge(struct unpack *u, int64_t size, struct err *err);
void unpack_warn(struct unpack *u, const char *format, ...) __attribute__((format(printf, 2, 3)));
