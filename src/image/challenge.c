#include "image/challenge.h"

#include <string.h>
#include <strings.h>

struct scanner {
    const char *p, *end;
};

static bool is_token_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("!#$%&'*+-.^_`|~/", c) != NULL);
}

static void skip_space(struct scanner *s)
{
    while (s->p < s->end && (*s->p == ' ' || *s->p == '\t'))
        s->p++;
}

static void skip_commas(struct scanner *s)
{
    while (s->p < s->end && (*s->p == ' ' || *s->p == '\t' || *s->p == ','))
        s->p++;
}

static size_t take_token(struct scanner *s, const char **ret)
{
    *ret = s->p;
    while (s->p < s->end && is_token_char(*s->p))
        s->p++;
    return (size_t)(s->p - *ret);
}

/* A token or a quoted string into value; false where it is neither, or too long. */
static bool take_value(struct scanner *s, char value[CHALLENGE_VALUE_MAX])
{
    size_t n = 0;
    bool quoted = s->p < s->end && *s->p == '"';
    s->p += quoted;
    while (s->p < s->end && (quoted ? *s->p != '"' : is_token_char(*s->p) || *s->p == ':' || *s->p == '=')) {
        if (quoted && *s->p == '\\' && s->p + 1 < s->end)
            s->p++;
        if (n + 1 >= CHALLENGE_VALUE_MAX || (unsigned char)*s->p < ' ')
            return false;
        value[n++] = *s->p++;
    }
    value[n] = '\0';
    if (quoted && s->p++ >= s->end)
        return false;
    return quoted || n > 0;
}

static bool is_word(const char *token, size_t n, const char *word)
{
    return strlen(word) == n && strncasecmp(token, word, n) == 0;
}

/* Where a parameter's value belongs; NULL: read and dropped. */
static char *place_of(struct challenge *c, bool bearer, const char *name, size_t n)
{
    if (!bearer)
        return NULL;
    if (is_word(name, n, "realm"))
        return c->realm;
    if (is_word(name, n, "service"))
        return c->service;
    return is_word(name, n, "scope") ? c->scope : NULL;
}

/* A new scheme. A Bearer's parameters replace an earlier one's. */
static bool begin(struct challenge *c, const char *scheme, size_t n)
{
    bool bearer = is_word(scheme, n, "bearer");
    c->basic |= is_word(scheme, n, "basic");
    if (bearer) {
        c->bearer = true;
        c->realm[0] = c->service[0] = c->scope[0] = '\0';
    }
    return bearer;
}

bool challenge_read(const char *value, size_t size, struct challenge *ret)
{
    struct scanner s = {value, value + size};
    bool bearer = false, any = false;
    for (;;) {
        const char *token;
        char text[CHALLENGE_VALUE_MAX];
        skip_commas(&s);
        size_t n = take_token(&s, &token);
        if (n == 0)
            return s.p == s.end;
        skip_space(&s);
        if (s.p == s.end || *s.p != '=') {
            bearer = begin(ret, token, n);
            any = true;
            continue;
        }
        s.p++;
        skip_space(&s);
        if (!any || !take_value(&s, text))
            return false;
        char *place = place_of(ret, bearer, token, n);
        if (place)
            memcpy(place, text, strlen(text) + 1);
    }
}
