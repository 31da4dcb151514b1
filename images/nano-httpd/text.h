#pragma once
/* Pieces of text that are not terminated, and a bounded place to write text to. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct text {
    const char *s;
    size_t n;
};

#define TEXT(literal) ((struct text)TEXT_INIT(literal))
#define TEXT_INIT(literal)                                                                                             \
    {                                                                                                                  \
        (literal), sizeof(literal) - 1                                                                                 \
    }

static inline char text_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

/* Same bytes, but for the case of ASCII letters. */
static inline bool text_same_nocase(struct text a, struct text b)
{
    if (a.n != b.n)
        return false;
    for (size_t i = 0; i < a.n; i++)
        if (text_lower(a.s[i]) != text_lower(b.s[i]))
            return false;
    return true;
}

static inline bool text_same(struct text a, struct text b)
{
    if (a.n != b.n)
        return false;
    for (size_t i = 0; i < a.n; i++)
        if (a.s[i] != b.s[i])
            return false;
    return true;
}

static inline bool text_starts(struct text t, struct text prefix)
{
    return t.n >= prefix.n && text_same((struct text){t.s, prefix.n}, prefix);
}

static inline bool text_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Takes decimal digits off the front of *t; false where there are none. Numbers too large become UINT64_MAX. */
static inline bool text_take_number(struct text *t, uint64_t *ret)
{
    uint64_t value = 0;
    size_t i = 0;
    for (; i < t->n && text_is_digit(t->s[i]); i++) {
        unsigned digit = (unsigned)(t->s[i] - '0');
        value = value > (UINT64_MAX - digit) / 10 ? UINT64_MAX : value * 10 + digit;
    }
    t->s += i;
    t->n -= i;
    *ret = value;
    return i > 0;
}

/* What does not fit is left out. */
struct out {
    char *s;
    size_t n, max;
};

static inline void out_char(struct out *out, char c)
{
    if (out->n < out->max)
        out->s[out->n++] = c;
}

static inline void out_text(struct out *out, struct text t)
{
    for (size_t i = 0; i < t.n; i++)
        out_char(out, t.s[i]);
}

/* At least width digits, with zeroes in front. */
static inline void out_number(struct out *out, uint64_t value, int width)
{
    char digits[20];
    int n = 0;
    do {
        digits[n++] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    for (; width > n; width--)
        out_char(out, '0');
    while (n)
        out_char(out, digits[--n]);
}
