#pragma once
/* Paths as text: nothing here looks at a disk. */
#include "compose/shape.h"

/* The shortest path that means the same: no "//", "/./" or "x/..". "" gives ".". */
const char *path_clean(struct arena *arena, const char *path);
/* path within folder, cleaned; path itself, where it is absolute. */
const char *path_join(struct arena *arena, const char *folder, const char *path);
/* The folder that path stands in, cleaned: "/" for "/x", "." for "x". */
const char *path_folder(struct arena *arena, const char *path);
/* The last part: "x" for "/a/x/". */
const char *path_last(struct arena *arena, const char *path);

/*
 * Makes the paths of a tree absolute (shapes with a path_rule). Relative ones are taken from folder; a leading ~ is
 * home ("" where nobody knows it).
 */
int paths_resolve(struct walk *walk, struct yaml *root, const char *folder, const char *home);
