#pragma once
/*
 * Durations and sizes as compose files and Docker's options write them.
 *
 * Durations (Compose Specification, "Specifying durations"): one or more numbers with a unit, `1h5m30s20ms`. Units: ns,
 * us, µs, ms, s, m, h, and d and w, which pull policies use. Numbers may have a fraction; a plain 0 needs no unit.
 *
 * Sizes ("Specifying byte values"): a number with an optional unit of b, k, kb, m, mb, g, gb, t, tb, p, pb in either
 * case, and with an i in the middle too; all of them powers of 1024.
 */
#include <stdbool.h>
#include <stdint.h>

#define DURATION_TEXT_MAX 40

/* False where text is not a duration or beyond ±292 years; *ret_ns is untouched then. */
bool duration_parse(const char *text, int64_t *ret_ns);
/* "1m30s", "500ms", "0s": the shortest form of Go's time.Duration, which Docker's tools print. */
void duration_format(int64_t ns, char text[DURATION_TEXT_MAX]);

/* False where text is not a size or is larger than an int64_t; *ret is untouched then. -1 is a size (no limit). */
bool size_parse(const char *text, int64_t *ret);
