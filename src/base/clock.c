#include "base/clock.h"

#include "base/str.h"

#include <ctype.h>
#include <stdio.h>
#include <time.h>

#define NEVER "0001-01-01T00:00:00Z"

int64_t clock_monotonic_ms(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / NS_PER_MS;
}

int64_t clock_monotonic_ns(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * NS_PER_S + t.tv_nsec;
}

int64_t clock_realtime_ns(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * NS_PER_S + t.tv_nsec;
}

void clock_format(int64_t realtime_ns, char text[CLOCK_TEXT_MAX])
{
    if (!realtime_ns) {
        (void)snprintf(text, CLOCK_TEXT_MAX, "%s", NEVER);
        return;
    }
    time_t seconds = (time_t)(realtime_ns / NS_PER_S);
    long ns = (long)(realtime_ns % NS_PER_S);
    if (ns < 0) { /* before 1970 the fraction still counts forward */
        seconds--;
        ns += NS_PER_S;
    }
    struct tm tm;
    (void)gmtime_r(&seconds, &tm);
    size_t used = strftime(text, CLOCK_TEXT_MAX, "%Y-%m-%dT%H:%M:%S", &tm);
    (void)snprintf(text + used, CLOCK_TEXT_MAX - used, ".%09ldZ", ns);
}

/* Exactly count digits of a number of at most max; moves *s past them. */
static bool parse_digits(const char **s, int count, int max, int *ret)
{
    *ret = 0;
    for (int i = 0; i < count; i++, ++*s) {
        if (!isdigit((unsigned char)**s))
            return false;
        *ret = *ret * 10 + (**s - '0');
    }
    return *ret <= max;
}

static bool parse_char(const char **s, const char *any)
{
    return **s && strchr(any, **s) && (*s)++;
}

/* ".123" → 123000000; no dot gives 0. Moves *s past it. */
static bool parse_fraction(const char **s, int64_t *ret_ns)
{
    *ret_ns = 0;
    if (!parse_char(s, "."))
        return true;
    int64_t unit = NS_PER_S / 10;
    if (!isdigit((unsigned char)**s))
        return false;
    for (; isdigit((unsigned char)**s); ++*s, unit /= 10)
        *ret_ns += (**s - '0') * unit;
    return true;
}

static bool parse_zone(const char **s, int64_t *ret_seconds)
{
    int hours, minutes;
    *ret_seconds = 0;
    if (!**s || parse_char(s, "Zz"))
        return true;
    int64_t sign = **s == '-' ? -1 : 1;
    if (!parse_char(s, "+-") || !parse_digits(s, 2, 23, &hours) || !parse_char(s, ":") ||
        !parse_digits(s, 2, 59, &minutes))
        return false;
    *ret_seconds = sign * (hours * 3600 + minutes * 60);
    return true;
}

static bool parse_date(const char **s, struct tm *tm)
{
    if (!parse_digits(s, 4, 9999, &tm->tm_year) || !parse_char(s, "-") || !parse_digits(s, 2, 12, &tm->tm_mon) ||
        !parse_char(s, "-") || !parse_digits(s, 2, 31, &tm->tm_mday))
        return false;
    tm->tm_year -= 1900;
    tm->tm_mon -= 1;
    /* timegm() turns the 30th of February into the 2nd of March: such a day does not exist. */
    struct tm day = *tm;
    (void)timegm(&day);
    return day.tm_mon == tm->tm_mon && day.tm_mday == tm->tm_mday;
}

/* A second of 60 is a leap second, and the next minute begins with it (RFC 3339, section 5.7). */
static bool parse_time(const char **s, struct tm *tm)
{
    return parse_digits(s, 2, 23, &tm->tm_hour) && parse_char(s, ":") && parse_digits(s, 2, 59, &tm->tm_min) &&
           parse_char(s, ":") && parse_digits(s, 2, 60, &tm->tm_sec);
}

static bool to_ns(int64_t seconds, int64_t fraction, int64_t *ret_ns)
{
    int64_t ns;
    if (__builtin_mul_overflow(seconds, NS_PER_S, &ns) || __builtin_add_overflow(ns, fraction, &ns))
        return false;
    *ret_ns = ns;
    return true;
}

static bool parse_unix(const char *s, int64_t *ret_ns)
{
    int64_t seconds = 0, fraction;
    if (!isdigit((unsigned char)*s))
        return false;
    for (; isdigit((unsigned char)*s); s++)
        if (__builtin_mul_overflow(seconds, 10, &seconds) || __builtin_add_overflow(seconds, *s - '0', &seconds))
            return false;
    return parse_fraction(&s, &fraction) && !*s && to_ns(seconds, fraction, ret_ns);
}

bool clock_parse(const char *text, int64_t *ret_realtime_ns)
{
    if (parse_unix(text, ret_realtime_ns))
        return true;
    if (str_eq(text, NEVER)) {
        *ret_realtime_ns = 0;
        return true;
    }
    struct tm tm = {0};
    const char *s = text;
    int64_t fraction = 0, zone = 0;
    if (!parse_date(&s, &tm))
        return false;
    if (*s && (!parse_char(&s, "Tt ") || !parse_time(&s, &tm) || !parse_fraction(&s, &fraction) ||
               !parse_zone(&s, &zone) || *s))
        return false;
    return to_ns((int64_t)timegm(&tm) - zone, fraction, ret_realtime_ns);
}
