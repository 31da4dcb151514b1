#include "http/route.h"

#include "base/str.h"
#include "base/vec.h"
#include "http/uri.h"

#include <ctype.h>
#include <string.h>

/* "v1.41" before the next slash; returns what follows it, or NULL where path has no version. */
static const char *skip_version(const char *path, struct http_api_version *ret)
{
    const char *p = str_after(path, "/v");
    int numbers[2] = {0};
    for (int i = 0; p && i < 2; i++) {
        size_t digits = strspn(p, "0123456789");
        if (digits == 0 || digits > 3)
            return NULL;
        for (size_t j = 0; j < digits; j++)
            numbers[i] = numbers[i] * 10 + (p[j] - '0');
        p += digits;
        if (*p != (i == 0 ? '.' : '/'))
            return NULL;
        p += i == 0;
    }
    if (p)
        *ret = (struct http_api_version){numbers[0], numbers[1]};
    return p;
}

struct capture {
    const char *name, *value;
    size_t name_size, value_size;
};

#define CAPTURES_MAX 4

struct match {
    struct capture captures[CAPTURES_MAX];
    size_t count;
};

/* Matches pattern against path; captures are views into both. Recursion is as deep as the pattern has parameters. */
static bool pattern_match(const char *pattern, const char *path, struct match *match)
{
    for (; *pattern && *pattern != '{'; pattern++, path++)
        if (*pattern != *path)
            return false;
    if (!*pattern)
        return !*path;
    const char *close = strchr(pattern, '}');
    bool many = close[-1] == '*';
    size_t longest = many ? strlen(path) : strcspn(path, "/");
    struct capture *capture = &match->captures[match->count++];
    *capture = (struct capture){.name = pattern + 1, .name_size = (size_t)(close - pattern) - 1 - many, .value = path};
    for (size_t size = longest; size > 0; size--) {
        capture->value_size = size;
        if (pattern_match(close + 1, path + size, match))
            return true;
    }
    match->count--;
    return false;
}

/* The narrower of a method's needs: HEAD is served by GET's route. */
static bool method_fits(const struct http_route *route, enum http_method method)
{
    return route->method == method || (method == HTTP_METHOD_HEAD && route->method == HTTP_METHOD_GET);
}

static int decode_params(const struct match *match, struct arena *arena, struct http_fields *ret, struct err *err)
{
    for (size_t i = 0; i < match->count; i++) {
        const struct capture *capture = &match->captures[i];
        struct http_field field = {.name = arena_strndup(arena, capture->name, capture->name_size)};
        if (http_percent_decode(arena, capture->value, capture->value_size, false, &field.value, err) < 0)
            return -1;
        vec_push_in(arena, ret, field);
    }
    return 0;
}

static const char *add_allowed(struct arena *arena, const char *allow, enum http_method method)
{
    const char *name = http_method_name(method);
    return allow ? arena_printf(arena, "%s, %s", allow, name) : arena_strdup(arena, name);
}

int http_route_find(const struct http_route *routes, size_t count, enum http_method method, const char *path,
                    struct arena *arena, const struct http_route **ret, struct http_fields *ret_params,
                    struct http_api_version *ret_version, const char **ret_allow, struct err *err)
{
    struct http_api_version version = {0};
    const char *unversioned = skip_version(path, &version);
    const char *allow = NULL;
    for (const struct http_route *route = routes; route < routes + count; route++) {
        struct match match = {0};
        bool by_version = unversioned && route->flags & HTTP_ROUTE_VERSIONED;
        if (!pattern_match(route->pattern, by_version ? unversioned : path, &match))
            continue;
        if (!method_fits(route, method)) {
            allow = add_allowed(arena, allow, route->method);
            continue;
        }
        *ret = route;
        *ret_version = by_version ? version : (struct http_api_version){0};
        return decode_params(&match, arena, ret_params, err);
    }
    *ret_allow = allow;
    if (allow)
        return err_set(err, ERR_UNSUPPORTED, "%s is not offered for %s; %s is", http_method_name(method), path, allow);
    return err_set(err, ERR_NOT_FOUND, "page not found: %s", path);
}
