#pragma once
/*
 * Unpacks one layer (OCI image-spec, layer.md): a tar, compressed or not, becomes a folder that overlay takes as a
 * lower one. For workers; the process that runs it is confined besides (image/confine.h), but nothing here relies on
 * that.
 *
 * Everything ends beneath the root (image/beneath.h). Whiteouts ".wh.NAME" become overlay's (character device 0:0);
 * opaque folders
 * ".wh..wh..opq" are listed, for trusted.overlay.opaque needs a privilege that this code does not have. As Docker does,
 * a later entry replaces an earlier one of the same name, folders are merged.
 */
#include "base/arena.h"
#include "base/vec.h"
#include "codec/digest.h"
#include "image/inflate.h"

#include <stdbool.h>
#include <stdint.h>

struct unpack_options {
    int root;                   /* an empty folder */
    struct byte_source source;  /* the blob */
    int skeleton;               /* where the skeleton is written (image/skeleton.h); negative: nowhere */
    bool whole_skeleton;        /* keep contents in it: for tars that name a file twice */
    bool owners;                /* set owners and security.capability; needs privileges */
    int64_t max_bytes;          /* of all contents and of the tar itself; 0: 256 GiB */
    int64_t max_entries;        /* 0: 4 million */
    int64_t reserve_bytes;      /* free space to leave on the disk */
    int64_t compressed_size;    /* of the blob, to judge how much may come out of it; 0: not judged */
    volatile int64_t *progress; /* where the bytes read of the blob are told; may be NULL */
};

/* Strings live in the arena. */
struct unpack_result {
    struct arena *arena;
    char diff_id[DIGEST_SIZE]; /* the sha256 digest of the tar */
    int64_t size;              /* bytes of the files */
    int64_t tar_size;
    int64_t entries;
    bool replaced;         /* a file was replaced by a later entry: the skeleton is worth nothing unless it was whole */
    struct strings opaque; /* folders to be marked opaque; "" is the root */
    struct strings implied;  /* folders that no entry names: their attributes are those of the layers beneath */
    struct strings warnings; /* what was left out: device nodes, xattrs. At most UNPACK_WARNINGS_MAX */
};

#define UNPACK_WARNINGS_MAX 50

/*
 * Leaves a half-unpacked folder where it fails. ERR_INVALID: the tar is broken or hostile; ERR_LIMIT: more than the
 * budgets; ERR_NO_SPACE: the disk would be left with less than reserve_bytes.
 */
int unpack_layer(const struct unpack_options *options, struct unpack_result *result, struct err *err);
