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
        if (__builtin_mul_overflow(value, 10, &value) || __builtin_add_overflow(value, digit, &value))
            value = UINT64_MAX;
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
    size_t n = t.n < out->max - out->n ? t.n : out->max - out->n;
    __builtin_memcpy(out->s + out->n, t.s, n);
    out->n += n;
}

/* Divides *value, and returns the remainder. By hand, because 32-bit machines have no instruction for it, and the
 * compiler's would need its library. */
static inline uint32_t divide(uint64_t *value, uint32_t by)
{
#if UINTPTR_MAX > UINT32_MAX
    uint32_t rest = (uint32_t)(*value % by);
    *value /= by;
    return rest;
#else
    uint64_t quotient = 0, rest = 0;
    for (int bit = *value >> 32 ? 63 : 31; bit >= 0; bit--) {
        rest = rest << 1 | (*value >> bit & 1);
        if (rest >= by) {
            rest -= by;
            quotient |= 1ull << bit;
        }
    }
    *value = quotient;
    return (uint32_t)rest;
#endif
}

static inline void out_number(struct out *out, uint64_t value)
{
    char digits[20];
    size_t first = sizeof(digits);
    do
        digits[--first] = (char)('0' + divide(&value, 10));
    while (value);
    out_text(out, (struct text){digits + first, sizeof(digits) - first});
}

/* That many digits, the last ones, with zeroes in front. */
static inline void out_digits(struct out *out, uint32_t value, size_t width)
{
    char digits[10];
    for (size_t i = width; i--; value /= 10)
        digits[i] = (char)('0' + value % 10);
    out_text(out, (struct text){digits, width});
}

static inline void out_hex(struct out *out, uint64_t value)
{
    char digits[16];
    size_t first = sizeof(digits);
    do
        digits[--first] = "0123456789abcdef"[value & 15];
    while (value >>= 4);
    out_text(out, (struct text){digits + first, sizeof(digits) - first});
}
