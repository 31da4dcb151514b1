#include "bench/status.h"

#include "base/clock.h"
#include "cli/colour.h"

#include <stdio.h>
#include <unistd.h>

#define REDRAW_MS 100

void status_init(struct status *status)
{
    *status = (struct status){.terminal = colour_terminal(STDERR_FILENO)};
}

void status_show(struct status *status, const char *subject, const char *doing, size_t done, size_t total)
{
    int64_t now_ms = clock_monotonic_ms();
    if (!status->terminal || (done && now_ms - status->drawn_ms < REDRAW_MS))
        return;
    status->drawn_ms = now_ms;
    (void)fprintf(stderr, "\r%s: %s", subject, doing);
    if (total)
        (void)fprintf(stderr, " %zu of %zu", done, total);
    (void)fprintf(stderr, "\033[K");
}

void status_clear(struct status *status)
{
    if (status->terminal)
        (void)fprintf(stderr, "\r\033[K");
}
