#pragma once
/*
 * A folder that is being filled has a mark: a file beside it, FOLDER.filling, out of sight of whom the folder is given
 * to. It stands from before the first entry is made until all of them are on disk. So what was cut short, by a kill or
 * by a power failure, is told from what is complete, also where the folder cannot be exchanged as a whole because
 * something is mounted on it.
 *
 * The mark names its folder by inode and time of birth: where something else was mounted there meanwhile, it says
 * nothing of that.
 */
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

#define FILLING_SUFFIX   ".filling"
#define FILLING_NAME_MAX 256

/* For who only wants to know whether somebody should look: is there a mark? */
bool filling_is_marked(const char *path);

/* For who fills. */
struct filling {
    int folder;                  /* owned */
    int above;                   /* where the mark is; owned; locked: one fills at a time, others wait */
    char mark[FILLING_NAME_MAX]; /* its name there */
    uint64_t inode;
    int64_t born_ns; /* 0 where the file system does not tell */
};

/* Opens the folder and waits until nobody else fills it. filling_done() in any case, on a FILLING otherwise too. */
#define FILLING ((struct filling){.folder = -1, .above = -1})
int filling_open(struct filling *f, const char *path, struct err *err);
void filling_done(struct filling *f);

/* Is there a mark, and of this folder? Then nothing in it is anybody's yet. */
bool filling_was_cut(const struct filling *f);
/* Makes the mark, on disk; do it before the first entry. */
int filling_begin(struct filling *f, struct err *err);
/* All entries go to disk, and then the mark goes. */
int filling_end(struct filling *f, struct err *err);
