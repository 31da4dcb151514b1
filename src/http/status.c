#include "http/status.h"

#include "base/str.h"

static const struct {
    int status;
    const char *phrase;
} phrases[] = {
    {101, "UPGRADED"}, /* Docker's word, which some of its clients look for */
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {304, "Not Modified"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {413, "Content Too Large"},
    {417, "Expectation Failed"},
    {431, "Request Header Fields Too Large"},
    {499, "Client Closed Request"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {507, "Insufficient Storage"},
};

static const int status_of_kind[ERR_KIND_COUNT] = {
    [ERR_INTERNAL] = 500,   [ERR_INVALID] = 400,     [ERR_NOT_FOUND] = 404,   [ERR_CONFLICT] = 409,
    [ERR_DENIED] = 403,     [ERR_UNSUPPORTED] = 501, [ERR_UNAVAILABLE] = 503, [ERR_LIMIT] = 413,
    [ERR_NO_SPACE] = 507,   [ERR_TIMEOUT] = 504,     [ERR_CANCELLED] = 499,   [ERR_NOT_MODIFIED] = 304,
    [ERR_CANNOT_RUN] = 400, /* a command that cannot be started: moby answers 400, and 404 for one that is not there */
    [ERR_NO_COMMAND] = 404,
};

const char *http_status_phrase(int status)
{
    for (size_t i = 0; i < ARRAY_SIZE(phrases); i++)
        if (phrases[i].status == status)
            return phrases[i].phrase;
    return "Unknown";
}

int http_status_of(enum err_kind kind)
{
    return kind > 0 && kind < ERR_KIND_COUNT ? status_of_kind[kind] : 500;
}

enum err_kind http_error_kind(int status, const char *name)
{
    for (int kind = ERR_INTERNAL; name && kind < ERR_KIND_COUNT; kind++)
        if (str_eq(err_kind_name((enum err_kind)kind), name))
            return (enum err_kind)kind;
    for (int kind = ERR_INTERNAL; kind < ERR_CANNOT_RUN; kind++)
        if (status_of_kind[kind] == status)
            return (enum err_kind)kind;
    if (status == 401)
        return ERR_DENIED;
    return status >= 400 && status < 500 ? ERR_INVALID : ERR_INTERNAL;
}
