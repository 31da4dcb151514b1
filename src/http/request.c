#include "http/request.h"

#include "base/str.h"

#include <strings.h>

const char *http_param(const struct http_request *request, const char *name)
{
    const char *value = http_field(&request->params, name);
    return value ? value : "";
}

const char *http_query(const struct http_request *request, const char *name)
{
    return http_field(&request->query, name);
}

bool http_query_bool(const struct http_request *request, const char *name)
{
    static const char *const no[] = {"", "0", "no", "false", "none"};
    const char *value = http_query(request, name);
    for (size_t i = 0; value && i < ARRAY_SIZE(no); i++)
        if (strcasecmp(value, no[i]) == 0)
            return false;
    return value != NULL;
}

int http_query_i64(const struct http_request *request, const char *name, int64_t fallback, int64_t *ret,
                   struct err *err)
{
    const char *value = http_query(request, name);
    *ret = fallback;
    if (str_empty(value) || str_to_i64(value, ret))
        return 0;
    return err_set(err, ERR_INVALID, "the parameter '%s' is no whole number: '%.40s'", name, value);
}
