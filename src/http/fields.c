#include "http/fields.h"

#include <string.h>
#include <strings.h>

const char *http_header(const struct http_fields *headers, const char *name)
{
    for (size_t i = 0; i < headers->count; i++)
        if (strcasecmp(headers->items[i].name, name) == 0)
            return headers->items[i].value;
    return NULL;
}

size_t http_header_count(const struct http_fields *headers, const char *name)
{
    size_t count = 0;
    for (size_t i = 0; i < headers->count; i++)
        count += strcasecmp(headers->items[i].name, name) == 0;
    return count;
}

/* Is token an element of one comma-separated list (RFC 9110 section 5.6.1)? */
static bool list_has(const char *list, const char *token)
{
    size_t size = strlen(token);
    while (*list) {
        list += strspn(list, ", \t");
        size_t item = strcspn(list, ", \t");
        if (item == size && strncasecmp(list, token, size) == 0)
            return true;
        list += item;
        list += strcspn(list, ",");
    }
    return false;
}

bool http_header_has(const struct http_fields *headers, const char *name, const char *token)
{
    for (size_t i = 0; i < headers->count; i++)
        if (strcasecmp(headers->items[i].name, name) == 0 && list_has(headers->items[i].value, token))
            return true;
    return false;
}

const char *http_field(const struct http_fields *fields, const char *name)
{
    for (size_t i = 0; i < fields->count; i++)
        if (strcmp(fields->items[i].name, name) == 0)
            return fields->items[i].value;
    return NULL;
}
