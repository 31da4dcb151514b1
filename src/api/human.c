#include "api/human.h"

#include "base/clock.h"
#include "base/str.h"

#include <inttypes.h>
#include <stdio.h>

/* From the first line that is not passed by: so many of this unit, which is so many seconds long. */
static const struct {
    int64_t below_s; /* of the rounded duration */
    int64_t unit_s;
    const char *unit;
} spans[] = {
    {60, 1, "seconds"},
    {3600, 60, "minutes"},
    {48 * 3600, 3600, "hours"},
    {14 * 86400, 86400, "days"},
    {60 * 86400, 7 * 86400, "weeks"},
    {730LL * 86400, 30 * 86400, "months"},
    {INT64_MAX, 365 * 86400, "years"},
};

void human_duration(int64_t ns, char text[HUMAN_DURATION_MAX])
{
    int64_t s = ns / NS_PER_S;
    const char *word = NULL;
    if (s < 1)
        word = "Less than a second";
    else if (s == 1)
        word = "1 second";
    else if (s >= 60 && s < 120)
        word = "About a minute";
    else if (s >= 3600 && s < 5400)
        word = "About an hour";
    if (word) {
        (void)snprintf(text, HUMAN_DURATION_MAX, "%s", word);
        return;
    }
    if (s >= 5400)
        s += 1800; /* hours are rounded, and what is made of them */
    size_t i = 0;
    while (s >= spans[i].below_s)
        i++;
    (void)snprintf(text, HUMAN_DURATION_MAX, "%" PRId64 " %s", s / spans[i].unit_s, spans[i].unit);
}

static const char *const health_words[] = {
    [HEALTH_NONE] = "",
    [HEALTH_STARTING] = " (health: starting)",
    [HEALTH_HEALTHY] = " (healthy)",
    [HEALTH_UNHEALTHY] = " (unhealthy)",
};

void human_status(const struct container *container, int64_t now_ns, char text[HUMAN_STATUS_MAX])
{
    const struct container_state *state = &container->state;
    char up[HUMAN_DURATION_MAX], down[HUMAN_DURATION_MAX];
    human_duration(now_ns - state->started_ns, up);
    human_duration(now_ns - state->finished_ns, down);
    *text = '\0';
    switch ((enum container_status)state->status) {
    case CONTAINER_CREATED:
    case CONTAINER_STARTING:
        (void)snprintf(text, HUMAN_STATUS_MAX, "Created");
        break;
    case CONTAINER_RUNNING:
    case CONTAINER_STOPPING:
        (void)snprintf(text, HUMAN_STATUS_MAX, "Up %s%s", up, health_words[container->health]);
        break;
    case CONTAINER_PAUSED:
        (void)snprintf(text, HUMAN_STATUS_MAX, "Up %s (Paused)", up);
        break;
    case CONTAINER_RESTARTING:
        (void)snprintf(text, HUMAN_STATUS_MAX, "Restarting (%d) %s ago", state->exit_code, down);
        break;
    case CONTAINER_EXITED:
        if (state->finished_ns)
            (void)snprintf(text, HUMAN_STATUS_MAX, "Exited (%d) %s ago", state->exit_code, down);
        else
            (void)snprintf(text, HUMAN_STATUS_MAX, "Created"); /* its only start failed */
        break;
    case CONTAINER_REMOVING:
        (void)snprintf(text, HUMAN_STATUS_MAX, "Removal In Progress");
        break;
    case CONTAINER_DEAD:
        (void)snprintf(text, HUMAN_STATUS_MAX, "Dead");
        break;
    }
}
