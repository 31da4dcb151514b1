#pragma once
/*
 * Writing beneath a folder as if it were "/": whatever a path from outside says (.., absolute, through symbolic links),
 * it ends inside. Symbolic links on the way are followed as chroot would follow them; the last part never is. For
 * workers.
 */
#include "base/err.h"

#include <limits.h>
#include <stdbool.h>

#define BENEATH_NAME_MAX 255

/*
 * A path from outside, cleaned: no leading "/", no ".", no "..", no empty part; "" is the root itself. ERR_INVALID
 * where ".." leads out, ERR_LIMIT where it or one of its parts is too long.
 */
int path_clean(const char *raw, char ret[PATH_MAX], struct err *err);

struct beneath {
    int root; /* borrowed */
    /* Called for each folder that had to be made on the way; replaced: a whiteout stood there. May be NULL. */
    void (*made)(void *data, const char *path, bool replaced);
    void *data;
    int parent; /* the folder of the last beneath_parent(), or -1; owned */
    char parent_path[PATH_MAX];
};

/*
 * The folder that the clean path stands in, as a descriptor that stays valid until the next call here; *ret_name is the
 * last part of path. Missing folders are made (root:root 0755). path must not be "".
 */
int beneath_parent(struct beneath *b, const char *path, const char **ret_name, struct err *err);
/* Call after a folder or a link was removed or replaced: cached folders may be elsewhere now. */
void beneath_forget(struct beneath *b);

/* Is it overlay's whiteout, the character device 0:0? */
bool beneath_is_whiteout(int folder, const char *name);

/*
 * Removes path and, where it is a folder, all in it, however deep, with few descriptors. Follows no link; a mount
 * inside is an error (ERR_CONFLICT). What does not exist is no error.
 */
int tree_remove(int folder, const char *path, struct err *err);
