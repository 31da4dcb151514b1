#pragma once
/* "user[:group]" of a container, looked up in its own /etc/passwd and /etc/group. */
#include "base/arena.h"
#include "base/err.h"
#include "base/vec.h"

#include <stdint.h>

struct identity {
    uint32_t uid, gid;
    uint32_t *groups; /* supplementary, the primary one not among them */
    size_t group_count;
    const char *home; /* "/" where nothing says otherwise */
};

/*
 * root is a descriptor of the root file system. text: "", "1000", "name", "name:group", "1000:1000"; more_groups are
 * names or numbers
 * (--group-add). ERR_INVALID: "unable to find user x: no matching entries in passwd file".
 */
int identity_find(int root, const char *text, const struct strings *more_groups, struct arena *arena,
                  struct identity *ret, struct err *err);
