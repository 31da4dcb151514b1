#pragma once
/* Copies a folder with all in it: owners, modes, times, xattrs, hard links, holes, special files. For workers. */
#include "base/err.h"

/* Both are folders; what is in to already stays where from has nothing of the name. Does not enter mounts. */
int tree_copy(int from, int to, struct err *err);
