#pragma once
/*
 * Errors as values.
 *
 *     int f(…, struct err *err);
 *
 * ≥ 0 is success and leaves *err alone. Negative is failure: *err was filled exactly once, where the failure
 * happened, and may have been given context on the way up by err_wrap(). The value owns nothing: nothing to free.
 *
 *     return err_set(err, ERR_NOT_FOUND, "no such container: %s", id);
 *
 * A message says what failed, where, and where it can what would be right. It is shown to users as it is: no trailing
 * period, no newline, no function names. Only boundaries (the API, the command line, a daemon's turn) print it.
 */
#include <stdarg.h>

enum err_kind {
    ERR_INTERNAL = 1, /* our own fault, or a system call that should not fail */
    ERR_INVALID,      /* the caller's input is wrong */
    ERR_NOT_FOUND,    /* the named thing does not exist */
    ERR_CONFLICT,     /* the thing's state forbids it, or the name is taken */
    ERR_DENIED,       /* not permitted (credentials, kernel policy) */
    ERR_UNSUPPORTED,  /* understood, but not offered here */
    ERR_UNAVAILABLE,  /* a peer (registry, keeper, daemon) cannot be reached now */
    ERR_LIMIT,        /* a maximum of ours was reached: size, depth, number */
    ERR_NO_SPACE,     /* the disk or a quota is full */
    ERR_TIMEOUT,      /* not within the time given */
    ERR_CANCELLED,    /* somebody asked to stop it */
    ERR_NOT_MODIFIED, /* already as asked for (Docker answers 304) */
    ERR_CANNOT_RUN,   /* the container's command cannot be executed (exit code 126) */
    ERR_NO_COMMAND,   /* the container's command does not exist (exit code 127) */
    ERR_KIND_COUNT,
};

#define ERR_MESSAGE_MAX 1000

struct err {
    enum err_kind kind;
    int errnum; /* the errno behind it, 0 where there was none */
    char message[ERR_MESSAGE_MAX];
};

/* Fills *err and returns -1. */
int err_set(struct err *err, enum err_kind kind, const char *format, ...) __attribute__((format(printf, 3, 4)));
int err_setv(struct err *err, enum err_kind kind, int errnum, const char *format, va_list args)
    __attribute__((format(printf, 4, 0)));

/*
 * The same for a failed system call: appends ": " and strerror. errnum may be positive or negative (sys/ returns
 * -errno). The kind follows the errno (ENOENT: not found, EACCES and EPERM: denied, ENOSPC and EDQUOT: no space …).
 */
int err_errno(struct err *err, int errnum, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Prefixes the message with context and ": ", keeps the kind, returns -1. */
int err_wrap(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Each of these is -1, and compilers and analyzers that see one file at a time shall know it. */
static inline int err_is_negative_(int result)
{
    (void)result;
    return -1;
}

#define err_set(err, ...)         err_is_negative_(err_set(err, __VA_ARGS__))
#define err_setv(err, kind, ...)  err_is_negative_(err_setv(err, kind, __VA_ARGS__))
#define err_errno(err, errn, ...) err_is_negative_(err_errno(err, errn, __VA_ARGS__))
#define err_wrap(err, ...)        err_is_negative_(err_wrap(err, __VA_ARGS__))

/* "not found", "invalid" …: one word or two for logs and for machines. */
const char *err_kind_name(enum err_kind kind);
