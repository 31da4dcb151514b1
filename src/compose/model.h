#pragma once
/*
 * The canonical model: the tree in which every value has its one form (numbers as numbers, sizes in bytes, KEY=VALUE
 * lists as mappings …), keys stand in the order of the tables and what says nothing is left out. Two files that mean
 * the same have the same model.
 */
#include "compose/shape.h"

/* Brings a lengthened, normalised tree into its canonical form. */
int model_type(struct walk *walk, const struct shape *shape, const struct place *place, struct yaml **node);
/* Removes extensions (x-…) below the top but x-shoal, as Docker's tools do where they print JSON. */
void model_drop_extensions(struct walk *walk, struct yaml *root);
/* Removes keys that stand as null only because JSON has them always (command, entrypoint). */
void model_drop_nulls(struct walk *walk, struct yaml *root);
/* Sorts all mappings by key. */
void model_sort(struct yaml *node);
