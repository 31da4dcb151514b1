#pragma once
/* The inside of compose_load(): what load.c, extends.c and include.c share. */
#include "compose/compose.h"
#include "compose/shape.h"

/* One level of loading: the project's own, or that of an included one, which has its own folder and variables. */
struct loader {
    const struct compose_options *options;
    struct walk *walk;
    struct env *env;
    const char *folder;
    const struct loader *up; /* that which includes this one */
    const char *main_file;   /* its first file: a cycle of includes shows there */
    unsigned *files;         /* read so far, over all levels */
};

/* Reads and parses a file. name is what errors call it. */
int loader_read(const struct loader *loader, const char *path, const char *name, struct yaml_documents *ret);

/* Loads files, each merged onto those before, with extends and include carried out; paths are absolute in the result.
 */
struct yaml *loader_load(struct loader *loader, const struct compose_file *files, size_t count);

/* What every tree goes through after a merge: one item for each key, long forms. */
int loader_settle(const struct loader *loader, struct yaml **root);

/* Replaces the services of root by themselves merged onto the bases that they extend (extends.c). */
int extends_apply(const struct loader *loader, const struct compose_file *file, struct yaml *root);
/* Loads what root includes and adds its resources to root (include.c). */
int include_apply(const struct loader *loader, struct yaml *root);
