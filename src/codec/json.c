#include "codec/json.h"

#include "base/clock.h"
#include "base/str.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>

#define DEPTH_MAX 512

_Static_assert(DEPTH_MAX <= JSON_PARSER_MAX_DEPTH, "jansson refuses depth before we do");

/* --- Out */

static void new_line(struct json_out *out)
{
    if (!out->indent)
        return;
    buf_addc(out->buf, '\n');
    for (int i = 0; i < out->indent * out->depth; i++)
        buf_addc(out->buf, ' ');
}

static void before_value(struct json_out *out)
{
    if (out->keyed) {
        out->keyed = false;
        return;
    }
    if (out->comma)
        buf_addc(out->buf, ',');
    if (out->depth)
        new_line(out);
}

static void open_bracket(struct json_out *out, char bracket)
{
    before_value(out);
    buf_addc(out->buf, bracket);
    out->depth++;
    out->comma = false;
}

static void close_bracket(struct json_out *out, char bracket)
{
    out->depth--;
    if (out->comma)
        new_line(out);
    buf_addc(out->buf, bracket);
    out->comma = true;
}

void json_put_object(struct json_out *out)
{
    open_bracket(out, '{');
}

void json_put_object_end(struct json_out *out)
{
    close_bracket(out, '}');
}

void json_put_array(struct json_out *out)
{
    open_bracket(out, '[');
}

void json_put_array_end(struct json_out *out)
{
    close_bracket(out, ']');
}

static void add_escaped(struct buf *b, unsigned char c)
{
    static const char escapes[] = {
        ['"'] = '"', ['\\'] = '\\', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't', ['\b'] = 'b', ['\f'] = 'f'};
    if (c < sizeof(escapes) && escapes[c]) {
        buf_addc(b, '\\');
        buf_addc(b, escapes[c]);
    } else {
        buf_printf(b, "\\u%04x", c);
    }
}

static void add_quoted(struct buf *b, const char *s, size_t size)
{
    buf_addc(b, '"');
    size_t start = 0, i = 0;
    while (i < size) {
        unsigned char c = (unsigned char)s[i];
        size_t length = c < 0x80 ? 1 : str_utf8_length(s + i, size - i);
        if (length && c >= 0x20 && c != '"' && c != '\\' && c != 0x7f) {
            i += length;
            continue;
        }
        buf_add(b, s + start, i - start);
        if (length)
            add_escaped(b, c);
        else
            buf_adds(b, "\xef\xbf\xbd");
        start = ++i;
    }
    buf_add(b, s + start, size - start);
    buf_addc(b, '"');
}

void json_key(struct json_out *out, const char *key)
{
    before_value(out);
    add_quoted(out->buf, key, strlen(key));
    buf_adds(out->buf, out->indent ? ": " : ":");
    out->keyed = true;
}

void json_put_string_n(struct json_out *out, const char *s, size_t size)
{
    before_value(out);
    add_quoted(out->buf, s, size);
    out->comma = true;
}

void json_put_string(struct json_out *out, const char *s)
{
    if (s)
        json_put_string_n(out, s, strlen(s));
    else
        json_put_null(out);
}

void json_put_raw(struct json_out *out, const char *text)
{
    before_value(out);
    buf_adds(out->buf, text);
    out->comma = true;
}

void json_put_int(struct json_out *out, int64_t value)
{
    char text[32];
    (void)snprintf(text, sizeof(text), "%lld", (long long)value);
    json_put_raw(out, text);
}

void json_put_double(struct json_out *out, double value)
{
    char text[64];
    if (!isfinite(value)) {
        json_put_null(out);
        return;
    }
    if (value == 0) /* the sign of a zero does not survive the reading */
        value = 0;
    for (int precision = 15; precision <= 17; precision++) {
        (void)snprintf(text, sizeof(text), "%.*g", precision, value);
        if (strtod(text, NULL) == value)
            break;
    }
    json_put_raw(out, text);
}

void json_put_bool(struct json_out *out, bool value)
{
    json_put_raw(out, value ? "true" : "false");
}

void json_put_null(struct json_out *out)
{
    json_put_raw(out, "null");
}

void json_key_string(struct json_out *out, const char *key, const char *s)
{
    json_key(out, key);
    json_put_string(out, s);
}

void json_key_int(struct json_out *out, const char *key, int64_t value)
{
    json_key(out, key);
    json_put_int(out, value);
}

void json_key_bool(struct json_out *out, const char *key, bool value)
{
    json_key(out, key);
    json_put_bool(out, value);
}

void json_key_time(struct json_out *out, const char *key, int64_t realtime_ns)
{
    char text[CLOCK_TEXT_MAX];
    clock_format(realtime_ns, text);
    json_key_string(out, key, text);
}

/* --- In */

static int check_depth(const json_t *value, int left, const char *what, struct err *err)
{
    if (!json_is_object(value) && !json_is_array(value))
        return 0;
    if (!left)
        return err_set(err, ERR_LIMIT, "%s: nested deeper than %d levels", what, DEPTH_MAX);
    if (json_is_array(value)) {
        for (size_t i = 0; i < json_array_size(value); i++)
            if (check_depth(json_array_get(value, i), left - 1, what, err) < 0)
                return -1;
        return 0;
    }
    for (void *i = json_first(value); i; i = json_next(value, i))
        if (check_depth(json_iter_value(i), left - 1, what, err) < 0)
            return -1;
    return 0;
}

json_value *json_parse(const char *text, size_t size, const char *what, struct err *err)
{
    json_error_t error;
    json_t *value = json_loadb(text, size, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    if (!value) {
        err_set(err, ERR_INVALID, "%s: line %d, column %d: %s", what, error.line, error.column, error.text);
        return NULL;
    }
    if (check_depth(value, DEPTH_MAX, what, err) < 0) {
        json_decref(value);
        return NULL;
    }
    return value;
}

void json_free(json_value *value)
{
    json_decref(value);
}

enum json_type json_type_of(const json_value *value)
{
    if (!value)
        return JSON_TYPE_NULL;
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return JSON_TYPE_OBJECT;
    case JSON_ARRAY:
        return JSON_TYPE_ARRAY;
    case JSON_STRING:
        return JSON_TYPE_STRING;
    case JSON_INTEGER:
        return JSON_TYPE_INT;
    case JSON_REAL:
        return JSON_TYPE_DOUBLE;
    case JSON_TRUE:
    case JSON_FALSE:
        return JSON_TYPE_BOOL;
    default:
        return JSON_TYPE_NULL;
    }
}

const char *json_type_name(enum json_type type)
{
    static const char *const names[] = {"null", "a boolean", "a number", "a number", "a string", "a list", "an object"};
    return names[type];
}

json_value *json_get(const json_value *object, const char *key)
{
    return json_object_get(object, key);
}

json_value *json_at(const json_value *array, size_t i)
{
    return json_array_get(array, i);
}

size_t json_count(const json_value *value)
{
    return json_is_array(value) ? json_array_size(value) : json_object_size(value);
}

const char *json_as_text(const json_value *string)
{
    return json_string_value(string);
}

const char *json_get_text(const json_value *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

int64_t json_as_int(const json_value *number, int64_t otherwise)
{
    if (json_is_integer(number))
        return json_integer_value(number);
    double value = json_real_value(number);
    bool integral = json_is_real(number) && value == floor(value) && fabs(value) < 9007199254740992.0;
    return integral ? (int64_t)value : otherwise;
}

double json_as_double(const json_value *number, double otherwise)
{
    return json_is_number(number) ? json_number_value(number) : otherwise;
}

bool json_as_bool(const json_value *boolean, bool otherwise)
{
    return json_is_boolean(boolean) ? json_is_true(boolean) : otherwise;
}

void *json_first(const json_value *object)
{
    return json_object_iter((json_t *)object);
}

void *json_next(const json_value *object, void *i)
{
    return json_object_iter_next((json_t *)object, i);
}

const char *json_iter_key(void *i)
{
    return json_object_iter_key(i);
}

json_value *json_iter_value(void *i)
{
    return json_object_iter_value(i);
}

static void write_items(const json_value *value, struct json_out *out)
{
    json_put_array(out);
    for (size_t i = 0; i < json_count(value); i++)
        json_value_write(json_at(value, i), out);
    json_put_array_end(out);
}

static void write_members(const json_value *value, struct json_out *out)
{
    json_put_object(out);
    for (void *i = json_first(value); i; i = json_next(value, i)) {
        json_key(out, json_iter_key(i));
        json_value_write(json_iter_value(i), out);
    }
    json_put_object_end(out);
}

void json_value_write(const json_value *value, struct json_out *out)
{
    switch (json_type_of(value)) {
    case JSON_TYPE_NULL:
        json_put_null(out);
        break;
    case JSON_TYPE_BOOL:
        json_put_bool(out, json_as_bool(value, false));
        break;
    case JSON_TYPE_INT:
        json_put_int(out, json_integer_value(value));
        break;
    case JSON_TYPE_DOUBLE:
        json_put_double(out, json_real_value(value));
        break;
    case JSON_TYPE_STRING:
        json_put_string_n(out, json_string_value(value), json_string_length(value));
        break;
    case JSON_TYPE_ARRAY:
        write_items(value, out);
        break;
    case JSON_TYPE_OBJECT:
        write_members(value, out);
        break;
    }
}
