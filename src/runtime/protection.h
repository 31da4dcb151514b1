#pragma once
/*
 * The protections against the known classes of escape, by name. Each is always there: the compiler sees a constant.
 * Only the build that tests use to prove that a protection matters (shoal-keeper-unsafe, tests/tools/) can switch
 * one off, by naming it in SHOAL_UNSAFE ("exe,fds").
 */
#include <stdbool.h>

enum protection {
    PROTECT_EXE,     /* "exe": our program is a sealed copy, so that no payload can overwrite it (CVE-2019-5736) */
    PROTECT_FDS,     /* "fds": no descriptor of ours is inherited or serves as a way out of the root (CVE-2024-21626) */
    PROTECT_TARGETS, /* "targets": links in the targets of mounts cannot lead out of the root (CVE-2021-30465) */
    PROTECT_MASKS, /* "masks": what covers a masked path is the keeper's own, never the container's (CVE-2025-31133) */
    PROTECT_PROC,  /* "proc": procfs is written through the keeper's own instance (CVE-2025-52881) */
    PROTECT_DUMPABLE, /* "dumpable": nobody may trace or look into a process of ours that joined a container */
    PROTECT_HOME,     /* "home": what lies beneath a container's root cannot be written to, by no capability */
};

#ifdef SHOAL_UNSAFE_FOR_TESTS
bool protection_on(enum protection protection);
#else
static inline bool protection_on(enum protection protection)
{
    (void)protection;
    return true;
}
#endif
