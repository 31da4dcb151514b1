#pragma once
/*
 * Capabilities (capabilities(7)) as sets of bits, 1ULL << CAP_…, and by name. Returns 0 or -errno.
 */
#include <linux/capability.h>
#include <stdbool.h>
#include <stdint.h>

#define CAPABILITY(cap) (1ULL << (cap))

/* The sets of a process. */
struct capability_sets {
    uint64_t bounding, permitted, effective, inheritable, ambient;
};

/* "CAP_CHOWN", "chown", any case; -1 where there is none of the name. */
int capability_by_name(const char *name);
/* "CAP_CHOWN"; NULL beyond the newest known. */
const char *capability_name(unsigned cap);

/* All that this process may give to others: its bounding set. Root in a virtual machine or a container may lack some.
 */
uint64_t capability_all(void);

/* Drops everything from the bounding set that keep does not have. Needs CAP_SETPCAP. */
int capability_bound(uint64_t keep);
/* capset(2). */
int capability_set(const struct capability_sets *sets);
/* Replaces the ambient set; each must be permitted and inheritable by now. */
int capability_set_ambient(uint64_t ambient);
/* capget(2), bounding and ambient too. */
int capability_get(struct capability_sets *ret);
