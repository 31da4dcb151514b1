#pragma once
/* Paths inside a container's root, which may be full of links that somebody placed there. */
#include "base/err.h"

#include <stdbool.h>

/*
 * Opens (O_PATH) the target of a mount, a folder or a file, resolved inside root; what is missing is made on the way.
 * An error names the path.
 */
int target_open(int root, const char *path, bool folder, struct err *err);

/* Opens a folder inside root and makes what is missing. */
int target_make_folder(int root, const char *path, struct err *err);
