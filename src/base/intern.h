#pragma once
/*
 * Texts that many objects have in common (labels, names of images and networks), each kept once. Whoever takes one
 * holds it until it drops it; the last holder's drop frees it.
 *
 *     char *image = intern(&texts, "shoal/hello");
 *     …
 *     intern_drop(&texts, image);
 */
#include "base/map.h"

struct interned {
    struct map holders; /* text → their number */
};

/* The one copy of the text, not to be changed; NULL gives NULL. */
char *intern(struct interned *texts, const char *text);
/* Of a text that was taken; it may be gone afterwards. NULL is harmless. */
void intern_drop(struct interned *texts, const char *text);
void interned_done(struct interned *texts);
