#include "cli/colour.h"

#include "base/str.h"

#include <stdlib.h>
#include <unistd.h>

bool colour_terminal(int fd)
{
    const char *term = getenv("TERM");
    return isatty(fd) && !str_empty(term) && !str_eq(term, "dumb");
}

bool colour_allowed(int fd)
{
    return colour_terminal(fd) && str_empty(getenv("NO_COLOR"));
}

const char *colour_of(size_t n)
{
    static const char *const colours[] = {
        "\033[36m", "\033[33m", "\033[32m", "\033[35m", "\033[34m",
        "\033[96m", "\033[93m", "\033[92m", "\033[95m", "\033[94m",
    };
    return colours[n % ARRAY_SIZE(colours)];
}
