#include "compose/dotenv.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/str.h"
#include "compose/interpolate.h"

#include <ctype.h>

struct reader {
    const struct dotenv *file;
    const char *p, *end;
    unsigned line;
    struct env *env;
    struct err *err;
};

static bool at_end(const struct reader *r)
{
    return r->p >= r->end;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

static void skip_blanks(struct reader *r)
{
    while (!at_end(r) && is_blank(*r->p))
        r->p++;
}

static void skip_line(struct reader *r)
{
    while (!at_end(r) && *r->p != '\n')
        r->p++;
}

/* To the next statement: past blanks, empty lines and comments. */
static void skip_to_statement(struct reader *r)
{
    while (!at_end(r)) {
        skip_blanks(r);
        if (at_end(r) || (*r->p != '\n' && *r->p != '#'))
            return;
        if (*r->p == '#') {
            skip_line(r);
        } else {
            r->line++;
            r->p++;
        }
    }
}

static int fail(struct reader *r, const char *format, ...) __attribute__((format(printf, 2, 3)));

static int fail(struct reader *r, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    err_setv(r->err, ERR_INVALID, 0, format, args);
    va_end(args);
    return err_wrap(r->err, "%s:%u", r->file->file, r->line);
}

static const char *look_up(void *data, const char *name)
{
    struct reader *r = data;
    const char *value = r->file->lookup ? r->file->lookup(r->file->data, name) : NULL;
    return value ? value : env_get(r->env, name);
}

static void unset(void *data, const char *name)
{
    const struct reader *r = data;
    if (r->file->unset)
        r->file->unset(r->file->data, name);
}

static const char *expand(struct reader *r, const char *text)
{
    struct interpolation in = {r->env->arena, look_up, r, unset, r->err};
    const char *value = interpolate_text(&in, text);
    if (!value)
        err_wrap(r->err, "%s:%u", r->file->file, r->line);
    return value;
}

/* The name up to = or : (or the end of the line, then *ret_bare); the reader is behind it. */
static int read_name(struct reader *r, char **ret_name, bool *ret_bare)
{
    const char *start = r->p;
    if (r->end - start > 7 && strncmp(start, "export", 6) == 0 && is_blank(start[6])) {
        r->p += 6;
        skip_blanks(r);
        start = r->p;
    }
    while (!at_end(r) && *r->p != '=' && *r->p != ':' && *r->p != '\n') {
        unsigned char c = (unsigned char)*r->p;
        if (!isalnum(c) && !strchr("_.-[]", (char)c) && !is_blank((char)c) && c < 0x80)
            return fail(r, "%.*s: the character %c in a variable's name, expected NAME=value", (int)(r->p + 1 - start),
                        start, c);
        r->p++;
    }
    char *name = arena_strndup(r->env->arena, start, (size_t)(r->p - start));
    name = str_trim(name);
    *ret_bare = at_end(r) || *r->p == '\n';
    if (!at_end(r) && !*ret_bare)
        r->p++;
    if (!*name || strpbrk(name, " \t"))
        return fail(r, "\"%s\" is not a variable's name, expected NAME=value", name);
    *ret_name = name;
    return 0;
}

/* Up to the end of the line, or to a # behind a blank. */
static int read_unquoted(struct reader *r, const char **ret)
{
    const char *start = r->p;
    skip_line(r);
    char *text = arena_strndup(r->env->arena, start, (size_t)(r->p - start));
    char *comment = strstr(text, " #");
    if (comment)
        *comment = 0;
    size_t n = strlen(text);
    while (n && isspace((unsigned char)text[n - 1]))
        text[--n] = 0;
    *ret = expand(r, text);
    return *ret ? 0 : -1;
}

/* The character that \c stands for within double quotes; 0 where it stands for itself with its backslash. */
static char escape(char c)
{
    static const char from[] = "abfnrtv\"\\", to[] = "\a\b\f\n\r\t\v\"\\";
    const char *at = c ? strchr(from, c) : NULL;
    return at ? to[at - from] : 0;
}

/* \0 and up to three octal digits; the number of characters behind the backslash. */
static size_t octal(const char *s, const char *end, struct buf *out)
{
    unsigned value = 0;
    size_t n = 1;
    while (n < 4 && s + n < end && s[n] >= '0' && s[n] <= '7')
        value = value * 8 + (unsigned)(s[n++] - '0');
    if (value && value < 0x80)
        buf_addc(out, (char)value);
    return n;
}

static int read_quoted(struct reader *r, const char **ret)
{
    struct buf out cleanup(buf_done) = BUF(DOTENV_BYTES_MAX);
    char quote = *r->p++;
    unsigned first = r->line;
    for (; !at_end(r) && *r->p != quote; r->p++) {
        bool more = r->p + 1 < r->end;
        r->line += *r->p == '\n';
        if (*r->p != '\\' || !more) {
            buf_addc(&out, *r->p);
        } else if (r->p[1] == quote) {
            buf_addc(&out, *++r->p);
        } else if (quote == '"' && r->p[1] == '$') {
            buf_adds(&out, "$$");
            r->p++;
        } else if (quote == '"' && r->p[1] == '0') {
            r->p += octal(r->p + 1, r->end, &out);
        } else if (quote == '"' && escape(r->p[1])) {
            buf_addc(&out, escape(*++r->p));
        } else {
            buf_addc(&out, *r->p);
        }
    }
    if (at_end(r)) {
        r->line = first;
        return fail(r, "no %c closes the value, expected one", quote);
    }
    r->p++;
    const char *text = arena_strdup(r->env->arena, buf_str(&out));
    *ret = quote == '"' ? expand(r, text) : text;
    return *ret ? 0 : -1;
}

static int read_statement(struct reader *r)
{
    char *name = NULL;
    bool bare = false;
    const char *value = NULL;
    if (read_name(r, &name, &bare) < 0)
        return -1;
    if (bare) {
        value = r->file->lookup ? r->file->lookup(r->file->data, name) : NULL;
        if (value)
            env_set(r->env, name, value);
        return 0;
    }
    skip_blanks(r);
    bool quoted = !at_end(r) && (*r->p == '"' || *r->p == '\'');
    if ((quoted ? read_quoted(r, &value) : read_unquoted(r, &value)) < 0)
        return -1;
    env_set(r->env, name, value);
    return 0;
}

static int check_text(const struct dotenv *file, const char *text, size_t size, struct err *err)
{
    if (size > DOTENV_BYTES_MAX)
        return err_set(err, ERR_LIMIT, "%s: larger than %u bytes", file->file, DOTENV_BYTES_MAX);
    if (memchr(text, 0, size))
        return err_set(err, ERR_INVALID, "%s: a NUL byte, expected text", file->file);
    return 0;
}

int dotenv_parse(const struct dotenv *dotenv, const char *text, size_t size, struct env *env, struct err *err)
{
    if (size && check_text(dotenv, text, size, err) < 0)
        return -1;
    struct reader r = {dotenv, text, text + size, 1, env, err};
    if (size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
        r.p += 3;
    for (skip_to_statement(&r); !at_end(&r); skip_to_statement(&r)) {
        if (read_statement(&r) < 0)
            return -1;
    }
    return 0;
}

int dotenv_parse_raw(const struct dotenv *dotenv, const char *text, size_t size, struct env *env, struct err *err)
{
    if (size && check_text(dotenv, text, size, err) < 0)
        return -1;
    char *rest = arena_strndup(env->arena, text ? text : "", size);
    unsigned number = 0;
    for (char *line; (line = str_split(&rest, '\n'));) {
        size_t n = strlen(line);
        number++;
        if (n && line[n - 1] == '\r')
            line[n - 1] = 0;
        const char *start = line + strspn(line, " \t");
        if (!*start || *start == '#')
            continue;
        char *equals = strchr(line, '=');
        if (equals)
            *equals = 0;
        const char *value = equals ? equals + 1 : dotenv->lookup ? dotenv->lookup(dotenv->data, line) : NULL;
        if (!*line || strpbrk(line, " \t"))
            return err_set(err, ERR_INVALID, "%s:%u: \"%s\" is not a variable's name, expected NAME=value",
                           dotenv->file, number, line);
        if (value)
            env_set(env, line, value);
    }
    return 0;
}
