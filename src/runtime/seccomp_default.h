#pragma once
/* The calls of the default profile, as data. What is in no list fails with EPERM; what no kernel of this list's time
 * had, with ENOSYS. */
#include <stdint.h>

/* Calls that need a capability; 0: everybody may. Lists end with NULL. */
struct seccomp_group {
    uint64_t capabilities; /* any one of them */
    const char *const *calls;
};

extern const struct seccomp_group seccomp_groups[];
extern const unsigned seccomp_group_count;

/*
 * Calls that are newer than libseccomp 2.5 knows. Since 424 numbers are the same on every architecture, so these go by
 * number.
 */
#define SECCOMP_FIRST_NEW 451 /* cachestat */
#define SECCOMP_LAST_NEW  466 /* removexattrat: newer ones do not exist as far as a payload can see */

struct seccomp_new_call {
    uint32_t number;
    uint64_t capabilities; /* 0: everybody may */
};

extern const struct seccomp_new_call seccomp_new_calls[];
extern const unsigned seccomp_new_call_count;

/* What setting up a container needs beyond what everybody may. */
extern const char *const seccomp_setup_calls[];
