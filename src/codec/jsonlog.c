#include "codec/jsonlog.h"

#include "base/clock.h"
#include "base/str.h"

#include <stdio.h>

/* --- Writing ------------------------------------------------------------------------------------------------------ */

static const char hex[] = "0123456789abcdef";

static char *put(char *out, const char *text, size_t size)
{
    memcpy(out, text, size);
    return out + size;
}

#define PUT(out, literal) put(out, literal, sizeof(literal) - 1)

static char *put_ascii_escape(char *out, unsigned char c)
{
    *out++ = '\\';
    switch (c) {
    case '"':
    case '\\':
        *out++ = (char)c;
        return out;
    case '\n':
        *out++ = 'n';
        return out;
    case '\r':
        *out++ = 'r';
        return out;
    default:
        out = PUT(out, "u00");
        *out++ = hex[c >> 4];
        *out++ = hex[c & 15];
        return out;
    }
}

/* One sequence that starts with a byte ≥ 0x80; moves *s past it. */
static char *put_multibyte(char *out, const char **s, const char *end)
{
    size_t n = str_utf8_length(*s, (size_t)(end - *s));
    if (!n) {
        ++*s;
        return PUT(out, "\\ufffd");
    }
    /* U+2028 and U+2029 end a line in JavaScript. */
    bool separator = n == 3 && memcmp(*s, "\xe2\x80", 2) == 0 && ((unsigned char)(*s)[2] & 0xfe) == 0xa8;
    if (separator)
        out = (*s)[2] & 1 ? PUT(out, "\\u2029") : PUT(out, "\\u2028");
    else
        out = put(out, *s, n);
    *s += n;
    return out;
}

static bool is_plain(unsigned char c)
{
    return c >= 0x20 && c < 0x80 && c != '"' && c != '\\' && c != '<' && c != '>' && c != '&';
}

static char *put_escaped(char *out, const char *s, size_t size)
{
    const char *end = s + size;
    while (s < end) {
        const char *run = s;
        while (s < end && is_plain((unsigned char)*s))
            s++;
        out = put(out, run, (size_t)(s - run));
        if (s == end)
            break;
        if ((unsigned char)*s < 0x80)
            out = put_ascii_escape(out, (unsigned char)*s++);
        else
            out = put_multibyte(out, &s, end);
    }
    return out;
}

static char *put_time(char *out, int64_t time_ns, struct jsonlog_clock *clock)
{
    int64_t second = time_ns / NS_PER_S, fraction = time_ns % NS_PER_S;
    if (fraction < 0) { /* before 1970 the fraction still counts forward */
        second--;
        fraction += NS_PER_S;
    }
    if (second != clock->second || !clock->text[0]) {
        char text[CLOCK_TEXT_MAX];
        clock_format(second * NS_PER_S + 1, text); /* 0 alone would be written as "never", without a fraction */
        memcpy(clock->text, text, sizeof("2026-11-22T14:30:05.") - 1);
        clock->second = second;
    }
    out = put(out, clock->text, sizeof("2026-11-22T14:30:05.") - 1);
    for (int i = 8; i >= 0; i--, fraction /= 10)
        out[i] = (char)('0' + fraction % 10);
    out[9] = 'Z';
    return out + 10;
}

size_t jsonlog_format(char *out, size_t room, const struct jsonlog_record *record, struct jsonlog_clock *clock)
{
    size_t frame = JSONLOG_RECORD_MAX - JSONLOG_ATTRS_MAX - 6 * JSONLOG_PIECE_MAX;
    if (room < frame || room - frame < record->attrs_size || (room - frame - record->attrs_size) / 6 < record->size)
        return 0;
    char *start = out;
    out = PUT(out, "{\"log\":\"");
    out = put_escaped(out, record->text, record->size);
    out = PUT(out, "\",\"stream\":\"std");
    out = record->stream == JSONLOG_STDERR ? PUT(out, "err\"") : PUT(out, "out\"");
    if (record->attrs_size) {
        out = PUT(out, ",\"attrs\":");
        out = put(out, record->attrs, record->attrs_size);
    }
    out = PUT(out, ",\"time\":\"");
    out = put_time(out, record->time_ns, clock);
    out = PUT(out, "\"}\n");
    return (size_t)(out - start);
}

size_t jsonlog_piece(const char *data, size_t size, bool last)
{
    size_t within = size < JSONLOG_PIECE_MAX ? size : JSONLOG_PIECE_MAX;
    const char *end = within ? memchr(data, '\n', within) : NULL;
    if (end)
        return (size_t)(end - data) + 1;
    return last || within == JSONLOG_PIECE_MAX ? within : 0;
}

void jsonlog_name(char name[JSONLOG_NAME_MAX], const char *id, unsigned index)
{
    int n = snprintf(name, JSONLOG_NAME_MAX, "%.*s-json.log", ID_SIZE - 1, id);
    if (index)
        (void)snprintf(name + n, JSONLOG_NAME_MAX - (size_t)n, ".%u", index % 1000);
}

/* --- Reading ------------------------------------------------------------------------------------------------------ */

struct cursor {
    char *at;
    char *end;
};

static bool skip_char(struct cursor *c, char wanted)
{
    while (c->at < c->end && strchr(" \t\r\n", *c->at) && *c->at)
        c->at++;
    if (c->at == c->end || *c->at != wanted)
        return false;
    c->at++;
    return true;
}

static bool parse_hex4(struct cursor *c, uint32_t *ret)
{
    if (c->end - c->at < 4)
        return false;
    *ret = 0;
    for (int i = 0; i < 4; i++) {
        char digit = *c->at++;
        const char *at = digit ? strchr(hex, digit >= 'A' && digit <= 'F' ? digit + 32 : digit) : NULL;
        if (!at)
            return false;
        *ret = *ret << 4 | (uint32_t)(at - hex);
    }
    return true;
}

static char *put_utf8(char *out, uint32_t c)
{
    if (c < 0x80) {
        *out++ = (char)c;
    } else if (c < 0x800) {
        *out++ = (char)(0xc0 | c >> 6);
        *out++ = (char)(0x80 | (c & 0x3f));
    } else if (c < 0x10000) {
        *out++ = (char)(0xe0 | c >> 12);
        *out++ = (char)(0x80 | (c >> 6 & 0x3f));
        *out++ = (char)(0x80 | (c & 0x3f));
    } else {
        *out++ = (char)(0xf0 | c >> 18);
        *out++ = (char)(0x80 | (c >> 12 & 0x3f));
        *out++ = (char)(0x80 | (c >> 6 & 0x3f));
        *out++ = (char)(0x80 | (c & 0x3f));
    }
    return out;
}

/* After \u: one unit, or a surrogate pair; half a pair is U+FFFD. */
static bool parse_unicode(struct cursor *c, uint32_t *ret)
{
    if (!parse_hex4(c, ret))
        return false;
    if (*ret < 0xd800 || *ret > 0xdfff)
        return true;
    struct cursor after = *c;
    uint32_t low;
    if (*ret < 0xdc00 && c->end - c->at >= 6 && c->at[0] == '\\' && c->at[1] == 'u') {
        after.at += 2;
        if (parse_hex4(&after, &low) && low >= 0xdc00 && low <= 0xdfff) {
            *c = after;
            *ret = 0x10000 + ((*ret - 0xd800) << 10) + (low - 0xdc00);
            return true;
        }
    }
    *ret = 0xfffd;
    return true;
}

/* What follows a backslash; never longer decoded than it was written. */
static bool parse_escape(struct cursor *c, char **out)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    if (c->at == c->end)
        return false;
    char e = *c->at++;
    uint32_t code;
    if (e == 'u') {
        if (!parse_unicode(c, &code))
            return false;
        *out = put_utf8(*out, code);
        return true;
    }
    const char *at = e ? strchr(from, e) : NULL;
    if (!at)
        return false;
    *(*out)++ = to[at - from];
    return true;
}

/* A string after its opening quote, decoded in place. */
static bool parse_string(struct cursor *c, char **ret, size_t *ret_size)
{
    char *out = c->at;
    *ret = out;
    for (;;) {
        char *run = c->at;
        while (c->at < c->end && *c->at != '"' && *c->at != '\\')
            c->at++;
        if (c->at == c->end)
            return false;
        if (out != run)
            memmove(out, run, (size_t)(c->at - run));
        out += c->at - run;
        if (*c->at++ == '"')
            break;
        if (!parse_escape(c, &out))
            return false;
    }
    *ret_size = (size_t)(out - *ret);
    return true;
}

/* Moves past the rest of a string without decoding it. */
static bool skip_string(struct cursor *c)
{
    for (; c->at < c->end; c->at++) {
        if (*c->at == '"')
            return c->at++, true;
        if (*c->at == '\\' && ++c->at == c->end)
            return false;
    }
    return false;
}

/* Moves past any value: an object, a list, a number, a word. What it says is not looked at. */
static bool skip_value(struct cursor *c)
{
    unsigned depth = 0;
    while (c->at < c->end) {
        char now = *c->at;
        if (!depth && (now == ',' || now == '}' || now == ']'))
            return true;
        c->at++;
        if (now == '"' && !skip_string(c))
            return false;
        if (now == '{' || now == '[')
            depth++;
        if (now == '}' || now == ']')
            depth--;
    }
    return false;
}

static bool parse_time(struct cursor *c, struct jsonlog_record *record)
{
    char *text, copy[CLOCK_TEXT_MAX];
    size_t size;
    if (!skip_char(c, '"') || !parse_string(c, &text, &size) || size >= sizeof(copy))
        return false;
    memcpy(copy, text, size);
    copy[size] = '\0';
    return clock_parse(copy, &record->time_ns);
}

static bool parse_stream(struct cursor *c, struct jsonlog_record *record)
{
    char *text;
    size_t size;
    if (!skip_char(c, '"') || !parse_string(c, &text, &size))
        return false;
    record->stream = size == 6 && memcmp(text, "stderr", 6) == 0 ? JSONLOG_STDERR : JSONLOG_STDOUT;
    return true;
}

static bool parse_text(struct cursor *c, struct jsonlog_record *record)
{
    char *text;
    if (!skip_char(c, '"') || !parse_string(c, &text, &record->size))
        return false;
    record->text = text;
    return true;
}

static bool parse_attrs(struct cursor *c, struct jsonlog_record *record)
{
    record->attrs = c->at;
    if (!skip_value(c))
        return false;
    record->attrs_size = (size_t)(c->at - record->attrs);
    return true;
}

static const struct {
    const char *name;
    bool (*parse)(struct cursor *c, struct jsonlog_record *record);
} keys[] = {{"log", parse_text}, {"stream", parse_stream}, {"time", parse_time}, {"attrs", parse_attrs}};

static bool parse_member(struct cursor *c, struct jsonlog_record *record)
{
    char *key;
    size_t size;
    if (!skip_char(c, '"') || !parse_string(c, &key, &size) || !skip_char(c, ':'))
        return false;
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
        if (strlen(keys[i].name) == size && memcmp(keys[i].name, key, size) == 0)
            return keys[i].parse(c, record);
    return skip_value(c);
}

bool jsonlog_parse(char *line, size_t size, struct jsonlog_record *ret)
{
    struct cursor c = {.at = line, .end = line + size};
    *ret = (struct jsonlog_record){.text = line, .stream = JSONLOG_STDOUT};
    if (!skip_char(&c, '{'))
        return false;
    if (skip_char(&c, '}'))
        return true;
    do
        if (!parse_member(&c, ret))
            return false;
    while (skip_char(&c, ','));
    return skip_char(&c, '}');
}
