#pragma once
/* Names with values, in order and possibly repeated: headers, query parameters, path parameters. */
#include <stdbool.h>
#include <stddef.h>

struct http_field {
    const char *name;
    const char *value;
};

struct http_fields {
    struct http_field *items;
    size_t count;
    size_t capacity;
};

/* The first value of a header (names compare without case, RFC 9110 section 5.1); NULL where absent. */
const char *http_header(const struct http_fields *headers, const char *name);
/* How many headers have this name? */
size_t http_header_count(const struct http_fields *headers, const char *name);
/* Is token in any of the comma-separated lists of the headers of this name, whatever its case? ("Connection",
 * "upgrade") */
bool http_header_has(const struct http_fields *headers, const char *name, const char *token);

/* The first value of a parameter (names compare exactly); NULL where absent. */
const char *http_field(const struct http_fields *fields, const char *name);
