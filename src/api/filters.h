#pragma once
/*
 * The "filters" parameter of lists, events and prunes: {"status":["running","exited"],"label":["a=b"]}, or as older
 * clients write it {"status":{"running":true}} (Docker Engine API, "filters" of each list).
 *
 * Values of one filter are alternatives, but for labels, which must all be there; different filters must all fit.
 */
#include "base/arena.h"
#include "codec/fields.h"
#include "http/request.h"

#include <stdbool.h>
#include <stdint.h>

#define FILTER_VALUES_MAX  1000 /* of one request */
#define FILTER_PATTERN_MAX 256  /* bytes of one pattern */

struct filter {
    char *name;
    struct strings values;
};

struct filters {
    VEC(struct filter) list;
};

/*
 * Reads text (NULL or empty: no filters). known: the names that may be there, separated by blanks; another one is
 * ERR_INVALID in Docker's words, "invalid filter 'x'".
 */
int filters_parse(const char *text, const char *known, struct arena *arena, struct filters *ret, struct err *err);
/* The request's own, in its arena. */
int filters_of(struct http_request *request, const char *known, struct filters *ret, struct err *err);

/* The values of a filter; NULL where it is not there. */
const struct strings *filters_get(const struct filters *filters, const char *name);

/* True where the filter is not there or one of its values is value … */
bool filters_match(const struct filters *filters, const char *name, const char *value);
/* … or is how value begins (IDs), … */
bool filters_match_prefix(const struct filters *filters, const char *name, const char *value);
/* … or is a regular expression (POSIX extended) that fits somewhere in value (names). */
bool filters_match_pattern(const struct filters *filters, const char *name, const char *value);
/* Every value, "key" or "key=value", is among the labels. */
bool filters_match_labels(const struct filters *filters, const char *name, const struct pairs *labels);
/* As prunes have it: "label" must all be there, and of "label!" none. */
bool filters_keep_labels(const struct filters *filters, const struct pairs *labels);

/* A filter of one truth value ("dangling"): *ret is fallback where it is not there. ERR_INVALID in Docker's words. */
int filters_bool(const struct filters *filters, const char *name, bool fallback, bool *ret, struct err *err);
/* A point in time (clock_parse()), or a duration back from now ("24h"). */
bool filters_parse_time(const char *text, int64_t now_ns, int64_t *ret_ns);
/* The same as a filter, as the "until" of prunes is. 0 where it is not there. */
int filters_time(const struct filters *filters, const char *name, int64_t now_ns, int64_t *ret_ns, struct err *err);
