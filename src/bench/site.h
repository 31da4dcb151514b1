#pragma once
/*
 * What the containers run and serve, copied from one of them that runs (/proc/PID/exe and /proc/PID/root/www): so plain
 * processes run the very same program, every answer is compared with what is in the image, and it does not matter where
 * the image came from.
 */
#include "base/buf.h"
#include "base/err.h"

#include <stddef.h>
#include <sys/types.h>

#define SITE_FILES_MAX 8

struct site_file {
    char name[256];
    struct buf content;
};

struct site {
    char folder[512];  /* in $TMPDIR or /tmp, made by site_copy(); "": none */
    char program[544]; /* in it */
    char www[544];     /* in it */
    struct site_file files[SITE_FILES_MAX];
    size_t file_count;
};

/* ERR_NOT_FOUND where the process serves nothing from /www. Needs root. */
int site_copy(pid_t pid, struct site *ret, struct err *err);
/* Removes the copies. */
void site_done(struct site *site);
