#pragma once
/*
 * Scope ownership. A variable marked with one of these is released when its scope ends; TAKE() and take_fd() move
 * what it owns out of it:
 *
 *     cleanup_fd int fd = open(…);
 *     …
 *     return take_fd(&fd);
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define cleanup(f) __attribute__((cleanup(f)))

/* For `struct noun *` with noun_free(): DEFINE_CLEANUP(struct noun *, noun_free) gives cleanup(noun_freep). */
#define DEFINE_CLEANUP(type, f)                                                                                        \
    static inline void f##p(type *p)                                                                                   \
    {                                                                                                                  \
        if (*p)                                                                                                        \
            f(*p);                                                                                                     \
    }                                                                                                                  \
    struct cleanup_needs_a_semicolon

static inline void freep(void *p)
{
    free(*(void **)p);
}

static inline void closep(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
}

static inline void fclosep(FILE **f)
{
    if (*f)
        (void)fclose(*f);
}

static inline void closedirp(DIR **d)
{
    if (*d)
        (void)closedir(*d);
}

#define cleanup_free cleanup(freep)
#define cleanup_fd   cleanup(closep)
#define cleanup_file cleanup(fclosep)
#define cleanup_dir  cleanup(closedirp)

#define TAKE(p)                                                                                                        \
    ({                                                                                                                 \
        __auto_type take_value_ = (p);                                                                                 \
        (p) = NULL;                                                                                                    \
        take_value_;                                                                                                   \
    })

static inline int take_fd(int *fd)
{
    int value = *fd;
    *fd = -1;
    return value;
}

/* Closes *fd if it is open and marks it closed. */
static inline void close_fd(int *fd)
{
    closep(fd);
    *fd = -1;
}
