#include "base/str.h"
#include "codec/yaml_tree.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define NUMBER_TEXT_MAX 400

static bool is_null(const char *s)
{
    return !*s || str_in(s, (const char *const[]){"~", "null", "Null", "NULL", NULL});
}

static bool to_bool(const char *s, bool *ret)
{
    if (str_in(s, (const char *const[]){"true", "True", "TRUE", NULL}))
        return *ret = true, true;
    if (str_in(s, (const char *const[]){"false", "False", "FALSE", NULL}))
        return *ret = false, true;
    return false;
}

/* The prefix of a number's digits ("0x", "0o", "0b", "0") decides its base, and is skipped. */
static int number_base(const char **digits)
{
    const char *s = *digits;
    if (s[0] != '0' || !s[1])
        return 10;
    int base = s[1] == 'x' || s[1] == 'X' ? 16 : s[1] == 'o' || s[1] == 'O' ? 8 : s[1] == 'b' || s[1] == 'B' ? 2 : 0;
    *digits += base ? 2 : 1;
    return base ? base : 8;
}

static bool to_int(const char *s, int64_t *ret)
{
    bool negative = *s == '-';
    const char *digits = s + (*s == '-' || *s == '+');
    int base = number_base(&digits);
    if (!((*digits >= '0' && *digits <= '9') || (base == 16 && strspn(digits, "0123456789abcdefABCDEF") > 0)))
        return false;
    char *end;
    errno = 0;
    unsigned long long value = strtoull(digits, &end, base);
    if (errno || *end || value > (uint64_t)INT64_MAX + (negative ? 1 : 0))
        return false;
    *ret = negative ? (int64_t)(0 - value) : (int64_t)value;
    return true;
}

/* [-+]? ( .5 | 5 | 5. | 5.5 ) ( e[-+]?5 )? and nothing else that strtod() would take. */
static bool to_float(const char *s, double *ret)
{
    const char *p = s + (*s == '-' || *s == '+');
    if (str_in(p, (const char *const[]){".inf", ".Inf", ".INF", NULL}))
        return *ret = *s == '-' ? -INFINITY : INFINITY, true;
    if (str_in(s, (const char *const[]){".nan", ".NaN", ".NAN", NULL}))
        return *ret = NAN, true;
    size_t whole = strspn(p, "0123456789");
    p += whole;
    size_t fraction = 0;
    if (*p == '.')
        p += 1 + (fraction = strspn(p + 1, "0123456789"));
    if (!whole && !fraction)
        return false;
    if (*p == 'e' || *p == 'E') {
        p += 1 + (p[1] == '-' || p[1] == '+');
        size_t exponent = strspn(p, "0123456789");
        if (!exponent)
            return false;
        p += exponent;
    }
    if (*p)
        return false;
    *ret = strtod(s, NULL);
    return true;
}

void yaml_resolve_plain(const char *text, struct yaml *ret)
{
    char digits[NUMBER_TEXT_MAX];
    size_t n = 0;
    if (is_null(text)) {
        ret->kind = YAML_NULL;
        return;
    }
    if (to_bool(text, &ret->boolean)) {
        ret->kind = YAML_BOOL;
        return;
    }
    if (strchr("+-.0123456789", *text) && strlen(text) < sizeof(digits)) {
        for (const char *p = text; *p; p++) {
            if (*p != '_')
                digits[n++] = *p;
        }
        digits[n] = 0;
        if (to_int(digits, &ret->integer)) {
            ret->kind = YAML_INT;
            return;
        }
        if (to_float(digits, &ret->number)) {
            ret->kind = YAML_FLOAT;
            return;
        }
    }
    ret->kind = YAML_STRING;
    ret->string = text;
}

void yaml_format_number(double number, int max_exponent, char text[40])
{
    if (isnan(number) || isinf(number)) {
        snprintf(text, 40, "%s", isnan(number) ? ".nan" : number < 0 ? "-.inf" : ".inf");
        return;
    }
    int precision = 0;
    do
        snprintf(text, 40, "%.*e", precision, number);
    while (strtod(text, NULL) != number && ++precision < 17);
    int exponent = (int)strtol(strchr(text, 'e') + 1, NULL, 10);
    if (exponent >= -4 && exponent < max_exponent)
        snprintf(text, 40, "%.*f", precision > exponent ? precision - exponent : 0, number);
}

const char *yaml_text(struct arena *arena, const struct yaml *node)
{
    char number[40];
    if (!node)
        return NULL;
    switch (node->kind) {
    case YAML_NULL:
        return "";
    case YAML_BOOL:
        return node->boolean ? "true" : "false";
    case YAML_INT:
        return arena_printf(arena, "%" PRId64, node->integer);
    case YAML_FLOAT:
        yaml_format_number(node->number, 6, number);
        return arena_strdup(arena, number);
    case YAML_STRING:
        return node->string;
    default:
        return NULL;
    }
}
