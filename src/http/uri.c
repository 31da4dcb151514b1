#include "http/uri.h"

#include "base/vec.h"

#include <ctype.h>
#include <string.h>

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int http_percent_decode(struct arena *arena, const char *text, size_t size, bool plus, const char **ret,
                        struct err *err)
{
    char *out = arena_alloc(arena, size + 1), *p = out;
    for (size_t i = 0; i < size; i++) {
        char c = text[i];
        if (c == '%') {
            int high = i + 2 < size ? hex_digit(text[i + 1]) : -1;
            int low = high < 0 ? -1 : hex_digit(text[i + 2]);
            if (low < 0 || (high | low) == 0)
                return err_set(err, ERR_INVALID, "broken percent-encoding in '%.*s'", (int)(size > 80 ? 80 : size),
                               text);
            c = (char)(high << 4 | low);
            i += 2;
        } else if (c == '+' && plus) {
            c = ' ';
        }
        *p++ = c;
    }
    *p = '\0';
    *ret = out;
    return 0;
}

int http_query_parse(struct arena *arena, const char *query, struct http_fields *fields, struct err *err)
{
    while (*query) {
        size_t size = strcspn(query, "&");
        size_t name = strcspn(query, "=&");
        struct http_field field = {.value = ""};
        if (size && fields->count == HTTP_QUERY_MAX)
            return err_set(err, ERR_LIMIT, "more than %d query parameters", HTTP_QUERY_MAX);
        if (http_percent_decode(arena, query, name, true, &field.name, err) < 0)
            return -1;
        if (name < size && http_percent_decode(arena, query + name + 1, size - name - 1, true, &field.value, err) < 0)
            return -1;
        if (size)
            vec_push_in(arena, fields, field);
        query += size + (query[size] == '&');
    }
    return 0;
}

static void encode(struct buf *b, const char *text, const char *kept)
{
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if ((c < 0x80 && isalnum(c)) || strchr(kept, c))
            buf_addc(b, (char)c);
        else
            buf_printf(b, "%%%02X", c);
    }
}

void http_percent_encode(struct buf *b, const char *text)
{
    encode(b, text, "-._~");
}

void http_path_encode(struct buf *b, const char *text)
{
    encode(b, text, "-._~/:@");
}

void http_query_add(struct buf *b, const char *name, const char *value)
{
    if (!value)
        return;
    buf_addc(b, strchr(buf_str(b), '?') ? '&' : '?');
    http_percent_encode(b, name);
    buf_addc(b, '=');
    http_percent_encode(b, value);
}
