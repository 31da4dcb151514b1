#pragma once
/*
 * The machine's memory, as /proc/meminfo tells it, and what of it N things cost: the difference of two looks, each
 * taken when the machine had come to rest.
 *
 * `used` is what nobody can have back: all but what is free (on the CPUs' own lists too, which /proc/zoneinfo tells and
 * MemFree leaves out: some MiB that come and go) and what is the page cache of files. Slabs that the kernel
 * calls reclaimable count as used, because the inodes and entries of containers that run cannot be reclaimed; so `used`
 * grows by more than MemAvailable falls.
 */
#include "base/err.h"
#include "codec/fields.h"

#include <stdint.h>

struct memory {
    int64_t used;
    int64_t unavailable; /* MemTotal - MemAvailable, the kernel's own estimate */
    int64_t slab, slab_reclaimable, slab_unreclaimable;
    int64_t kernel_stack;
    int64_t page_tables; /* SecPageTables with them */
    int64_t private;     /* anonymous pages: heaps, stacks, what was written of a program's data; the engine's too */
    int64_t shared;      /* tmpfs and shared memory */
    int64_t percpu;
    int64_t other; /* used, and none of these: sockets' buffers, vmalloc, the kernel's single pages */
};

/* Names and places of all, in KiB (int64_t). */
extern const struct fields memory_table;

/*
 * Reads the texts of /proc/meminfo and /proc/zoneinfo. ERR_UNSUPPORTED where the first lacks something without which
 * the sum is not right.
 */
int memory_parse(const char *meminfo, const char *zoneinfo, struct memory *ret, struct err *err);
int memory_look(struct memory *ret, struct err *err);

/* after - before, member by member. */
struct memory memory_difference(const struct memory *after, const struct memory *before);

/* The same per thing, in KiB. */
struct memory_each {
    double used, unavailable, slab, slab_reclaimable, slab_unreclaimable, kernel_stack, page_tables, private, shared,
        percpu, other;
};
extern const struct fields memory_each_table;
struct memory_each memory_share(const struct memory *difference, size_t count);
