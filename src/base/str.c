#include "base/str.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

bool str_ends(const char *s, const char *suffix)
{
    size_t n = strlen(s), m = strlen(suffix);
    return n >= m && strcmp(s + n - m, suffix) == 0;
}

bool str_in(const char *s, const char *const *list)
{
    for (; *list; list++)
        if (str_eq(s, *list))
            return true;
    return false;
}

bool str_to_i64(const char *s, int64_t *ret)
{
    const char *digits = *s == '-' || *s == '+' ? s + 1 : s;
    if (!isdigit((unsigned char)*digits))
        return false;
    char *end;
    errno = 0;
    long long value = strtoll(s, &end, 10);
    if (errno || *end)
        return false;
    *ret = value;
    return true;
}

bool str_to_u64(const char *s, uint64_t *ret)
{
    if (!isdigit((unsigned char)*s))
        return false;
    char *end;
    errno = 0;
    unsigned long long value = strtoull(s, &end, 10);
    if (errno || *end)
        return false;
    *ret = value;
    return true;
}

bool str_to_int(const char *s, int min, int max, int *ret)
{
    int64_t value;
    if (!str_to_i64(s, &value) || value < min || value > max)
        return false;
    *ret = (int)value;
    return true;
}

char *str_split(char **rest, char separator)
{
    char *piece = *rest;
    if (!piece)
        return NULL;
    char *end = strchr(piece, separator);
    if (end)
        *end++ = '\0';
    *rest = end;
    return piece;
}

char *str_trim(char *s)
{
    while (isspace((unsigned char)*s))
        s++;
    char *end = s + strlen(s);
    while (end > s && isspace((unsigned char)end[-1]))
        end--;
    *end = '\0';
    return s;
}

size_t str_utf8_length(const char *s, size_t n)
{
    const unsigned char *u = (const unsigned char *)s;
    static const struct {
        unsigned char mask, lead;
        uint32_t min;
    } forms[] = {{0x80, 0x00, 0}, {0xe0, 0xc0, 0x80}, {0xf0, 0xe0, 0x800}, {0xf8, 0xf0, 0x10000}};
    for (size_t length = 1; length <= ARRAY_SIZE(forms) && length <= n; length++) {
        if ((u[0] & forms[length - 1].mask) != forms[length - 1].lead)
            continue;
        uint32_t point = u[0] & (unsigned char)~forms[length - 1].mask;
        for (size_t i = 1; i < length; i++) {
            if ((u[i] & 0xc0) != 0x80)
                return 0;
            point = point << 6 | (u[i] & 0x3f);
        }
        bool surrogate = point >= 0xd800 && point <= 0xdfff;
        return point >= forms[length - 1].min && point <= 0x10ffff && !surrogate ? length : 0;
    }
    return 0;
}

bool str_is_utf8(const char *s, size_t n)
{
    while (n) {
        size_t length = str_utf8_length(s, n);
        if (!length)
            return false;
        s += length;
        n -= length;
    }
    return true;
}

bool str_glob(const char *pattern, const char *s)
{
    const char *star = NULL, *retry = NULL;
    while (*s) {
        if (*pattern == '*') {
            star = pattern++;
            retry = s;
        } else if (*pattern == '?' || *pattern == *s) {
            pattern++;
            s++;
        } else if (star) {
            pattern = star + 1;
            s = ++retry;
        } else {
            return false;
        }
    }
    while (*pattern == '*')
        pattern++;
    return !*pattern;
}
