#pragma once
/*
 * The default seccomp profile, as strict as Docker's, and its two halves.
 *
 * What a payload may call is P. A launcher needs a few calls more to set containers up (mounts, namespaces, clone3):
 * its outer filter is P with these allowed, and is shared by all that it clones. The child, set up, installs the inner
 * filter on top: it answers each of these few as P does, and allows everything else. The kernel takes the stricter of
 * two answers, so the sum denies what P denies: for one of the few, outer allows and inner says what P says; for any
 * other call, inner allows and outer says what P says. The few are opened for this machine's own architecture only, and
 * the inner filter looks at no other. Nothing of the container runs between the two.
 */
#include "base/err.h"

#include <linux/filter.h>
#include <stddef.h>
#include <stdint.h>

#define SECCOMP_KEY_SIZE 32

struct seccomp_profile {
    uint8_t key[SECCOMP_KEY_SIZE];     /* a digest of both: the launcher's key */
    struct sock_filter *outer, *inner; /* owned; NULL: no filter */
    size_t outer_size, inner_size;     /* bytes */
};

/*
 * The default profile for a container with these capabilities (1 << CAP_…): some calls are allowed to who may use them
 * only. Takes milliseconds: keep it, by seccomp_profile_relevant() of the capabilities.
 */
int seccomp_profile_default(uint64_t capabilities, struct seccomp_profile *ret, struct err *err);

/* Two sets with the same relevant bits have the same profile. */
uint64_t seccomp_profile_relevant(uint64_t capabilities);

/* No filter at all (seccomp=unconfined). Such a container needs DESCRIPTION_NEW_KEYRING. */
void seccomp_profile_unconfined(struct seccomp_profile *ret);

void seccomp_profile_done(struct seccomp_profile *profile);
