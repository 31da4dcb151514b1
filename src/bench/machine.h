#pragma once
/* What machine the figures are of. */
#include <stdbool.h>
#include <stdint.h>

struct machine {
    char cpu[128];
    char kernel[160];
    char architecture[65];
    int64_t cpus, memory_kib;
    bool virtualized; /* as far as the CPU tells (x86) or the firmware's names */
};

void machine_look(struct machine *ret);

/* The model in the text of /proc/cpuinfo; "" where it has none. */
void machine_parse_cpuinfo(const char *text, struct machine *ret);
