#include "codec/units.h"

#include "base/clock.h"
#include "base/str.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define US 1000LL

static const struct {
    const char *name;
    int64_t ns;
} duration_units[] = {
    {"ns", 1},
    {"us", US},
    {"µs", US},
    {"μs", US},
    {"ms", NS_PER_MS},
    {"s", NS_PER_S},
    {"m", 60 * NS_PER_S},
    {"h", 3600 * NS_PER_S},
    {"d", 24 * 3600 * NS_PER_S},
    {"w", 7 * 24 * 3600 * NS_PER_S},
};

/* The digits of a decimal fraction, at most one dot; end is set behind it. False where there is no digit. */
static bool read_number(const char *s, double *ret, const char **end)
{
    char copy[64];
    size_t whole = strspn(s, "0123456789"), n = whole;
    if (s[n] == '.')
        n += 1 + strspn(s + n + 1, "0123456789");
    if (n == 0 || (whole == 0 && n == 1) || n >= sizeof(copy))
        return false;
    memcpy(copy, s, n);
    copy[n] = 0;
    *ret = strtod(copy, NULL);
    *end = s + n;
    return true;
}

static int64_t unit_ns(const char **s)
{
    size_t n = strcspn(*s, "0123456789.");
    for (size_t i = 0; i < ARRAY_SIZE(duration_units); i++) {
        if (strlen(duration_units[i].name) == n && strncmp(*s, duration_units[i].name, n) == 0) {
            *s += n;
            return duration_units[i].ns;
        }
    }
    return 0;
}

bool duration_parse(const char *text, int64_t *ret_ns)
{
    const char *s = text + (*text == '-' || *text == '+');
    double total = 0;
    if (!*s)
        return false;
    if (str_eq(s, "0"))
        return *ret_ns = 0, true;
    while (*s) {
        double number;
        if (!read_number(s, &number, &s))
            return false;
        int64_t unit = unit_ns(&s);
        if (!unit)
            return false;
        total += number * (double)unit;
    }
    if (total >= (double)INT64_MAX)
        return false;
    *ret_ns = (int64_t)llround(*text == '-' ? -total : total);
    return true;
}

/* "1.5" and a unit, without trailing zeros. */
static void format_fraction(char *text, size_t size, uint64_t value, uint64_t unit, const char *name)
{
    char fraction[12] = ".";
    size_t n = 1;
    for (uint64_t rest = value % unit; rest && n < sizeof(fraction) - 1; n++) {
        rest *= 10;
        fraction[n] = (char)('0' + rest / unit);
        rest %= unit;
    }
    fraction[n > 1 ? n : 0] = 0;
    snprintf(text, size, "%" PRIu64 "%s%s", value / unit, fraction, name);
}

void duration_format(int64_t ns, char text[DURATION_TEXT_MAX])
{
    uint64_t value = ns < 0 ? 0 - (uint64_t)ns : (uint64_t)ns;
    int n = snprintf(text, DURATION_TEXT_MAX, "%s", ns < 0 ? "-" : "");
    if (value == 0)
        snprintf(text, DURATION_TEXT_MAX, "0s");
    else if (value < (uint64_t)US)
        snprintf(text + n, DURATION_TEXT_MAX - (size_t)n, "%" PRIu64 "ns", value);
    else if (value < (uint64_t)NS_PER_MS)
        format_fraction(text + n, DURATION_TEXT_MAX - (size_t)n, value, (uint64_t)US, "µs");
    else if (value < (uint64_t)NS_PER_S)
        format_fraction(text + n, DURATION_TEXT_MAX - (size_t)n, value, (uint64_t)NS_PER_MS, "ms");
    else {
        uint64_t minutes = value / (60 * (uint64_t)NS_PER_S), hours = minutes / 60;
        if (hours)
            n += snprintf(text + n, DURATION_TEXT_MAX - (size_t)n, "%" PRIu64 "h", hours);
        if (minutes)
            n += snprintf(text + n, DURATION_TEXT_MAX - (size_t)n, "%" PRIu64 "m", minutes % 60);
        format_fraction(text + n, DURATION_TEXT_MAX - (size_t)n, value % (60 * (uint64_t)NS_PER_S), (uint64_t)NS_PER_S,
                        "s");
    }
}

/* "", "b", "k", "kb", "kib" …: the power of 1024, or -1. */
static int size_power(const char *unit)
{
    static const char letters[] = "kmgtp";
    char c = *unit >= 'A' && *unit <= 'Z' ? (char)(*unit + 32) : *unit;
    if (!c || (c == 'b' && !unit[1]))
        return 0;
    const char *letter = strchr(letters, c);
    if (!letter)
        return -1;
    const char *rest = unit + 1;
    if ((*rest == 'i' || *rest == 'I') && rest[1])
        rest++;
    if (*rest && ((*rest != 'b' && *rest != 'B') || rest[1]))
        return -1;
    return (int)(letter - letters) + 1;
}

bool size_parse(const char *text, int64_t *ret)
{
    double number;
    const char *unit;
    if (str_eq(text, "-1"))
        return *ret = -1, true;
    if (!read_number(text, &number, &unit))
        return false;
    while (*unit == ' ')
        unit++;
    int power = size_power(unit);
    if (power < 0)
        return false;
    number = ldexp(number, 10 * power);
    if (number >= (double)INT64_MAX)
        return false;
    *ret = (int64_t)number;
    return true;
}
