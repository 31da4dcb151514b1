#pragma once
/* Time: monotonic for deadlines, real for people. Units are in the names; the text form is RFC 3339 in UTC. */
#include <stdbool.h>
#include <stdint.h>

#define CLOCK_TEXT_MAX 40
#define NS_PER_MS      1000000LL
#define NS_PER_S       1000000000LL

int64_t clock_monotonic_ms(void);
int64_t clock_monotonic_ns(void);
int64_t clock_realtime_ns(void); /* since 1970 */

/* "2026-11-22T14:30:05.123456789Z", as Docker writes it; 0 gives "0001-01-01T00:00:00Z", Docker's word for never. */
void clock_format(int64_t realtime_ns, char text[CLOCK_TEXT_MAX]);

/*
 * Reads a point in time: RFC 3339 with zone and fraction, the same without zone (taken as UTC), a date alone, or Unix
 * seconds with an optional fraction. Docker's word for never gives 0. False, and *ret_realtime_ns untouched, where it
 * is none of these, names no day of the calendar, or lies outside 1677 to 2262, all that 64 bits of nanoseconds hold.
 */
bool clock_parse(const char *text, int64_t *ret_realtime_ns);
