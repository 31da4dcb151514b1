#pragma once
/*
 * Two trees become one (Compose Specification, "Merge"): the second's values onto the first's. Values marked !reset
 * remove what the first has, those marked !override replace it whole.
 */
#include "compose/shape.h"

/*
 * Merges over into base; both are used up. Returns NULL with the walk's err filled where kinds do not fit together.
 * With keep_marks, values marked stay marked in the result, for a merge that is still to come (extends).
 */
struct yaml *merge_trees(struct walk *walk, const struct shape *shape, const struct place *place, struct yaml *base,
                         struct yaml *over, bool keep_marks);
/* Removes what is still marked !reset, and the marks of !override. */
void merge_drop_marks(struct yaml *node);
/* In lists whose items have a key (shapes with a unique_rule), leaves one item for each key: the last, in the place of
 * the first. */
int merge_unique(struct walk *walk, const struct shape *shape, const struct place *place, struct yaml **node);
