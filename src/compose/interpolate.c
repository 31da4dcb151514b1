#include "compose/interpolate.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/str.h"

#include <ctype.h>

static int expand(const struct interpolation *in, const char *text, size_t size, unsigned depth, struct buf *out);

static size_t name_length(const char *s, size_t n)
{
    size_t i = 0;
    if (n && (isalpha((unsigned char)*s) || *s == '_')) {
        while (i < n && (isalnum((unsigned char)s[i]) || s[i] == '_'))
            i++;
    }
    return i;
}

/* The place of the brace that closes the one before s; n where none does. */
static size_t closing_brace(const char *s, size_t n)
{
    unsigned open = 1;
    for (size_t i = 0; i < n; i++) {
        if (s[i] == '{')
            open++;
        if (s[i] == '}' && --open == 0)
            return i;
        if (s[i] == '\n')
            break;
    }
    return n;
}

static void add_value(const struct interpolation *in, const char *name, const char *value, struct buf *out)
{
    if (!value && in->unset)
        in->unset(in->data, name);
    buf_adds(out, value ? value : "");
}

static int missing(const struct interpolation *in, const char *name, const char *text, size_t size, unsigned depth)
{
    struct buf message cleanup(buf_done) = BUF(ERR_MESSAGE_MAX);
    if (expand(in, text, size, depth, &message) < 0)
        return -1;
    return err_set(in->err, ERR_INVALID, "the variable %s is required%s%s", name, message.size ? ": " : "",
                   buf_str(&message));
}

/* What stands between braces: NAME, an mark, its text. */
static int expand_braced(const struct interpolation *in, const char *text, size_t size, unsigned depth, struct buf *out)
{
    size_t n = name_length(text, size);
    const char *name = arena_strndup(in->arena, text, n), *value = in->lookup(in->data, name);
    if (n && n == size) {
        add_value(in, name, value, out);
        return 0;
    }
    bool colon = n < size && text[n] == ':';
    size_t mark = n + colon;
    if (!n || mark >= size || !strchr("-+?", text[mark]))
        return err_set(in->err, ERR_INVALID,
                       "\"${%.*s}\" is not a variable, expected ${NAME}, ${NAME:-default} or $$ for $",
                       (int)(size > 60 ? 60 : size), text);
    const char *rest = text + mark + 1;
    size_t rest_size = size - mark - 1;
    bool usable = value && (*value || !colon);
    if (text[mark] == '+')
        return usable ? expand(in, rest, rest_size, depth, out) : 0;
    if (usable) {
        buf_adds(out, value);
        return 0;
    }
    return text[mark] == '-' ? expand(in, rest, rest_size, depth, out) : missing(in, name, rest, rest_size, depth);
}

static int expand(const struct interpolation *in, const char *text, size_t size, unsigned depth, struct buf *out)
{
    if (depth > INTERPOLATE_DEPTH_MAX)
        return err_set(in->err, ERR_LIMIT, "variables nested deeper than %d levels", INTERPOLATE_DEPTH_MAX);
    for (size_t i = 0; i < size;) {
        const char *p = text + i + 1;
        size_t left = size - i - 1, n;
        if (text[i] != '$') {
            buf_addc(out, text[i++]);
        } else if (left && *p == '$') {
            buf_addc(out, '$');
            i += 2;
        } else if ((n = name_length(p, left))) {
            const char *name = arena_strndup(in->arena, p, n);
            add_value(in, name, in->lookup(in->data, name), out);
            i += 1 + n;
        } else if (left && *p == '{') {
            n = closing_brace(p + 1, left - 1);
            if (n == left - 1)
                return err_set(in->err, ERR_INVALID, "\"%.*s\": no } closes the ${, expected ${NAME} or $$ for $",
                               (int)(left > 60 ? 60 : left), text + i);
            if (expand_braced(in, p + 1, n, depth + 1, out) < 0)
                return -1;
            i += n + 3;
        } else {
            buf_addc(out, text[i++]);
        }
    }
    return 0;
}

const char *interpolate_text(const struct interpolation *in, const char *text)
{
    if (!strchr(text, '$'))
        return text;
    struct buf out cleanup(buf_done) = BUF(INTERPOLATE_TEXT_MAX);
    if (expand(in, text, strlen(text), 0, &out) < 0)
        return NULL;
    if (buf_failed(&out)) {
        err_set(in->err, ERR_LIMIT, "longer than %u bytes after its variables were replaced", INTERPOLATE_TEXT_MAX);
        return NULL;
    }
    return arena_strdup(in->arena, buf_str(&out));
}
