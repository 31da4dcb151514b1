#include "base/err.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char *const kind_names[ERR_KIND_COUNT] = {
    [ERR_INTERNAL] = "internal",       [ERR_INVALID] = "invalid",       [ERR_NOT_FOUND] = "not found",
    [ERR_CONFLICT] = "conflict",       [ERR_DENIED] = "denied",         [ERR_UNSUPPORTED] = "unsupported",
    [ERR_UNAVAILABLE] = "unavailable", [ERR_LIMIT] = "limit",           [ERR_NO_SPACE] = "no space",
    [ERR_TIMEOUT] = "timeout",         [ERR_CANCELLED] = "cancelled",   [ERR_NOT_MODIFIED] = "not modified",
    [ERR_CANNOT_RUN] = "cannot run",   [ERR_NO_COMMAND] = "no command",
};

static enum err_kind kind_of_errno(int errnum)
{
    switch (errnum) {
    case ENOENT:
    case ESRCH:
        return ERR_NOT_FOUND;
    case EACCES:
    case EPERM:
    case EROFS:
        return ERR_DENIED;
    case ENOSPC:
    case EDQUOT:
        return ERR_NO_SPACE;
    case EEXIST:
    case EBUSY:
    case EADDRINUSE:
        return ERR_CONFLICT;
    case ETIMEDOUT:
        return ERR_TIMEOUT;
    case ECONNREFUSED:
    case ECONNRESET:
    case EHOSTUNREACH:
    case ENETUNREACH:
    case EPIPE:
        return ERR_UNAVAILABLE;
    case ENOSYS:
    case EOPNOTSUPP:
    case EAFNOSUPPORT:
        return ERR_UNSUPPORTED;
    case EMFILE:
    case ENFILE:
    case E2BIG:
    case EMSGSIZE:
        return ERR_LIMIT;
    default:
        return ERR_INTERNAL;
    }
}

int(err_setv)(struct err *err, enum err_kind kind, int errnum, const char *format, va_list args)
{
    err->kind = kind;
    err->errnum = errnum;
    (void)vsnprintf(err->message, sizeof(err->message), format, args);
    return -1;
}

int(err_set)(struct err *err, enum err_kind kind, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)err_setv(err, kind, 0, format, args);
    va_end(args);
    return -1;
}

int(err_errno)(struct err *err, int errnum, const char *format, ...)
{
    if (errnum < 0)
        errnum = -errnum;
    va_list args;
    va_start(args, format);
    (void)err_setv(err, kind_of_errno(errnum), errnum, format, args);
    va_end(args);
    size_t used = strlen(err->message);
    (void)snprintf(err->message + used, sizeof(err->message) - used, ": %s", strerror(errnum));
    return -1;
}

int(err_wrap)(struct err *err, const char *format, ...)
{
    char inner[ERR_MESSAGE_MAX];
    memcpy(inner, err->message, sizeof(inner));
    va_list args;
    va_start(args, format);
    (void)vsnprintf(err->message, sizeof(err->message), format, args);
    va_end(args);
    size_t used = strlen(err->message);
    (void)snprintf(err->message + used, sizeof(err->message) - used, ": %s", inner);
    return -1;
}

const char *err_kind_name(enum err_kind kind)
{
    return kind > 0 && kind < ERR_KIND_COUNT ? kind_names[kind] : "unknown";
}
