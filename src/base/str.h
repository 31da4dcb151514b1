#pragma once
/* Text: comparing, splitting, numbers. Functions that parse take the whole string or fail; nothing is skipped. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static inline bool str_eq(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

/* Both may be NULL; two NULLs are equal. */
static inline bool str_same(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static inline bool str_empty(const char *s)
{
    return !s || !*s;
}

/* The text after prefix, or NULL where s does not start with it. */
static inline const char *str_after(const char *s, const char *prefix)
{
    size_t n = strlen(prefix);
    return strncmp(s, prefix, n) == 0 ? s + n : NULL;
}

static inline bool str_starts(const char *s, const char *prefix)
{
    return str_after(s, prefix) != NULL;
}

bool str_ends(const char *s, const char *suffix);

/* Is s one of the NULL-terminated list? */
bool str_in(const char *s, const char *const *list);

/* Decimal, optionally signed, whole string, in range; false otherwise and *ret untouched. */
bool str_to_i64(const char *s, int64_t *ret);
bool str_to_u64(const char *s, uint64_t *ret);
bool str_to_int(const char *s, int min, int max, int *ret);

/* Takes the next piece up to separator off *rest (a NUL is written over the separator); NULL after the last piece. */
char *str_split(char **rest, char separator);

/* Drops ASCII white space from both ends, in place; returns the new start. */
char *str_trim(char *s);

/* The length of the UTF-8 sequence at s (1–4) of at most n bytes, 0 where it is not valid UTF-8 (RFC 3629). */
size_t str_utf8_length(const char *s, size_t n);
bool str_is_utf8(const char *s, size_t n);

/* Shell-style match with * and ?; no brackets. */
bool str_glob(const char *pattern, const char *s);
