#pragma once
/* Writing definitions as inspect shows them: Docker writes nearly every field, at its zero value too. */
#include "codec/fields.h"

/*
 * Writes a structure by its table with each field there, but those spared (left out where they are zero) and those
 * hidden (left out always). Both lists end with NULL.
 */
void shown_write(const struct fields *table, const void *in, const char *const *spared, const char *const *hidden,
                 struct json_out *out);

/* An object of texts; null where there are none, as Docker has it. */
void shown_pairs(struct json_out *out, const char *key, const struct pairs *pairs);
