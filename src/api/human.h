#pragma once
/* The words that people read in lists: "Up 3 minutes (healthy)", "Exited (0) 2 hours ago", in Docker's very form. */
#include "engine/container.h"

#define HUMAN_DURATION_MAX 32
#define HUMAN_STATUS_MAX   96

/* "Less than a second", "About a minute", "3 hours". */
void human_duration(int64_t ns, char text[HUMAN_DURATION_MAX]);
/* The Status of a list, at the time now_ns. */
void human_status(const struct container *container, int64_t now_ns, char text[HUMAN_STATUS_MAX]);
