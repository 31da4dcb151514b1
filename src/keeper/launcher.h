#pragma once
/*
 * A launcher: one process for each seccomp profile in use, forked by the keeper. It installs the profile's large filter
 * once, and every container it clones shares it. It clones with CLONE_PARENT, so that the keeper is the parent. The sum
 * of two filters is what a payload gets: the outer leaves open the calls that setting up a container needs, the child's
 * inner one takes these back.
 *
 * An exec, or a container that joins a pid or user namespace, takes a detour: a helper, cloned the same way, joins the
 * namespaces, clones the child and ends at once. The launcher waits for the helper (CLONE_VFORK), never for a child.
 */
#include "runtime/child.h"

#include <stdint.h>
#include <sys/resource.h>

/* The inner filter is small (runtime/seccomp_profile.h). */
#define LAUNCHER_INNER_MAX 512 /* instructions */

/* Keeper → launcher, followed by the flat description. Descriptors: the status socket, for an exec a pidfd, then the
 * description's. */
struct launch {
    uint32_t slot, generation; /* the keeper's, repeated in the report */
    uint32_t exec;             /* into a running container */
    uint32_t namespaces;       /* exec: those of the container that are not the host's */
};

/* Launcher → keeper, one for each launch, in order. */
struct launched {
    uint32_t slot, generation;
    int32_t pid;         /* 0: nothing was started, and the status socket says why */
    int32_t helper;      /* another child of the keeper, which has ended or is about to; 0 for none */
    uint32_t namespaces; /* CLONE_NEW…: those that are not the host's, which an exec joins */
};

struct launcher_start {
    int socket;                      /* to the keeper */
    int filters;                     /* outer and inner programs, one after the other; -1 for none */
    uint32_t outer_size, inner_size; /* bytes */
    struct rlimit files;             /* for payloads */
    const char *oom_score_adj;       /* for itself and for payloads that ask for nothing else */
};

/* Never returns; ends when the keeper closes its end. */
_Noreturn void launcher_run(const struct launcher_start *start);
