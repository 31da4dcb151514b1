#include "cli/human.h"

#include "base/clock.h"
#include "base/str.h"

#include <stdio.h>

void size_text(int64_t bytes, char text[SIZE_TEXT_MAX])
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
    double value = (double)bytes;
    size_t unit = 0;
    for (; value >= 999.5 && unit + 1 < ARRAY_SIZE(units); unit++)
        value /= 1000;
    const char *format = unit == 0 || value >= 99.95 ? "%.0f%s" : value >= 9.995 ? "%.1f%s" : "%.2f%s";
    (void)snprintf(text, SIZE_TEXT_MAX, format, value, units[unit]);
}

void age_text(int64_t at_ns, int64_t now_ns, char text[AGE_TEXT_MAX])
{
    static const struct {
        const char *name;
        int64_t seconds, up_to; /* shown up to so many of it */
    } units[] = {
        {"second", 1, 60},   {"minute", 60, 60},     {"hour", 3600, 48},      {"day", 86400, 14},
        {"week", 604800, 8}, {"month", 2592000, 24}, {"year", 31536000, 999},
    };
    int64_t seconds = now_ns > at_ns ? (now_ns - at_ns) / NS_PER_S : 0, count = 0;
    size_t i = 0;
    text[0] = '\0';
    if (at_ns == 0)
        return;
    while ((count = seconds / units[i].seconds) >= units[i].up_to && i + 1 < ARRAY_SIZE(units))
        i++;
    (void)snprintf(text, AGE_TEXT_MAX, "%lld %s%s ago", (long long)count, units[i].name, count == 1 ? "" : "s");
}
