/* Of shoal-keeper-unsafe: SHOAL_UNSAFE names the protections that are off (src/runtime/protection.h). */
#ifndef SHOAL_UNSAFE_FOR_TESTS
#define SHOAL_UNSAFE_FOR_TESTS
#endif
#include "runtime/protection.h"

#include "base/str.h"

#include <stdlib.h>

static const char *const names[] = {
    [PROTECT_EXE] = "exe",   [PROTECT_FDS] = "fds",           [PROTECT_TARGETS] = "targets", [PROTECT_MASKS] = "masks",
    [PROTECT_PROC] = "proc", [PROTECT_DUMPABLE] = "dumpable", [PROTECT_HOME] = "home",
};

bool protection_on(enum protection protection)
{
    const char *off = getenv("SHOAL_UNSAFE");
    return !off || !strstr(off, names[protection]);
}
