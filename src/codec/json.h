#pragma once
/*
 * JSON (RFC 8259). Out: a streaming writer onto a struct buf, no tree. In: jansson behind this project's own names;
 * duplicate keys, invalid UTF-8, numbers out of range and depth above 512 are refused with line and column.
 */
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

/* --- Out ---------------------------------------------------------------------------------------------------------- */

/*
 * Values follow each other; commas and, if pretty, line breaks are the writer's business. In an object each value comes
 * after its json_key(). Text that is not UTF-8 is written with U+FFFD for each bad byte.
 */
struct json_out {
    struct buf *buf;
    int indent; /* spaces for each level; 0: everything on one line */
    int depth;
    bool comma; /* a comma is due before the next value */
    bool keyed; /* a key was written, its value is due */
};

void json_put_object(struct json_out *out);
void json_put_object_end(struct json_out *out);
void json_put_array(struct json_out *out);
void json_put_array_end(struct json_out *out);
void json_key(struct json_out *out, const char *key);
void json_put_string(struct json_out *out, const char *s); /* NULL is written as null */
void json_put_string_n(struct json_out *out, const char *s, size_t size);
void json_put_int(struct json_out *out, int64_t value);
void json_put_double(struct json_out *out,
                     double value); /* shortest form that reads back the same; no exponent where it can */
void json_put_bool(struct json_out *out, bool value);
void json_put_null(struct json_out *out);
/* Text that is JSON already. */
void json_put_raw(struct json_out *out, const char *text);

/* Key and value together. */
void json_key_string(struct json_out *out, const char *key, const char *s);
void json_key_int(struct json_out *out, const char *key, int64_t value);
void json_key_bool(struct json_out *out, const char *key, bool value);
/* An RFC 3339 time as clock_format() writes it. */
void json_key_time(struct json_out *out, const char *key, int64_t realtime_ns);

/* --- In ----------------------------------------------------------------------------------------------------------- */

typedef struct json_t json_value; /* jansson's own type; only codec/json.c knows more about it */

enum json_type {
    JSON_TYPE_NULL,
    JSON_TYPE_BOOL,
    JSON_TYPE_INT,
    JSON_TYPE_DOUBLE,
    JSON_TYPE_STRING,
    JSON_TYPE_ARRAY,
    JSON_TYPE_OBJECT
};

/* Parses one document; what names it in errors ("the request body", a path). The caller frees it with json_free(). */
json_value *json_parse(const char *text, size_t size, const char *what, struct err *err);
void json_free(json_value *value);
DEFINE_CLEANUP(json_value *, json_free);

enum json_type json_type_of(const json_value *value);
/* "an object", "a string" …, for messages. */
const char *json_type_name(enum json_type type);

/* All of these take NULL and values of another type, and then give NULL, 0 or the default. */
json_value *json_get(const json_value *object, const char *key);
json_value *json_at(const json_value *array, size_t i);
size_t json_count(const json_value *value); /* items of an array or keys of an object */
const char *json_as_text(const json_value *string);
const char *json_get_text(const json_value *object, const char *key);
int64_t json_as_int(const json_value *number, int64_t otherwise); /* a double with an integral value counts */
double json_as_double(const json_value *number, double otherwise);
bool json_as_bool(const json_value *boolean, bool otherwise);

/* Iteration in the order of the text: for (void *i = json_first(o); i; i = json_next(o, i)) json_iter_key(i) … */
void *json_first(const json_value *object);
void *json_next(const json_value *object, void *i);
const char *json_iter_key(void *i);
json_value *json_iter_value(void *i);

/* Writes a parsed value again. */
void json_value_write(const json_value *value, struct json_out *out);
