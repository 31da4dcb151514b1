#pragma once
/*
 * Structs as flat bytes, by tables: what the engine says to the runtime. Fields follow each other without padding:
 * numbers in native byte order, texts as a 32-bit length (NUL included; 0 for NULL) and their bytes, lists as a 32-bit
 * count and their items. Descriptors are places in the list that travels beside the message. Decoding trusts nothing
 * and allocates from the scratch it is given.
 */
#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

enum packed_type {
    PACKED_U32 = 1, /* int32_t too */
    PACKED_U64,
    PACKED_TEXT,  /* const char *; NULL stays NULL */
    PACKED_TEXTS, /* const char *const *, NULL-terminated; NULL counts as empty and comes back empty */
    PACKED_U32S,  /* const uint32_t *, with a uint32_t count */
    PACKED_ITEMS, /* const struct x *, with a uint32_t count */
    PACKED_FD,    /* int32_t; negative for none */
};

struct packed_table;

struct packed_field {
    const char *name; /* for messages */
    enum packed_type type;
    size_t offset;
    size_t count_offset;              /* U32S, ITEMS */
    const struct packed_table *items; /* ITEMS */
};

struct packed_table {
    size_t size; /* of the struct */
    const struct packed_field *fields;
    size_t field_count;
};

struct packed_writer {
    char *data;
    size_t size, used;
    int *fds; /* filled from the start; a descriptor named twice is there once */
    unsigned fd_count, fd_max;
};

struct packed_reader {
    const char *data;
    size_t size, used;
    char *scratch; /* aligned to 16 */
    size_t scratch_size, scratch_used;
    const int *fds;
    unsigned fd_count;
};

/* ERR_LIMIT where there is no room. */
int packed_write(struct packed_writer *w, const struct packed_table *table, const void *from, struct err *err);
/* ERR_INVALID where the bytes are not a message of this table; ERR_LIMIT where the scratch is too small. */
int packed_read(struct packed_reader *r, const struct packed_table *table, void *to, struct err *err);
