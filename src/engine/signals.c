#include "engine/signals.h"

#include "base/str.h"

#include <signal.h>
#include <strings.h>

int signal_by_name(const char *name, struct err *err)
{
    int number;
    if (str_to_int(name, 1, SIGRTMAX, &number))
        return number;
    const char *abbreviation = strncasecmp(name, "SIG", 3) == 0 ? name + 3 : name;
    for (int signo = 1; signo < SIGSYS + 1; signo++)
        if (sigabbrev_np(signo) && strcasecmp(sigabbrev_np(signo), abbreviation) == 0)
            return signo;
    if (strncasecmp(abbreviation, "RTMIN", 5) == 0) {
        if (!abbreviation[5])
            return SIGRTMIN;
        if (abbreviation[5] == '+' && str_to_int(abbreviation + 6, 0, SIGRTMAX - SIGRTMIN, &number))
            return SIGRTMIN + number;
    }
    return err_set(err, ERR_INVALID, "invalid signal: %s (expected a name like SIGTERM, or a number from 1 to %d)",
                   name, SIGRTMAX);
}
