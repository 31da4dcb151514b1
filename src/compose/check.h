#pragma once
/*
 * Is it a compose file? Kinds, keys, names, words and ranges as the tables of shapes say; the first fault is reported
 * with its place in the text and what was expected there. Unknown keys are faults, with a hint where a known one is
 * near.
 */
#include "compose/shape.h"

/* One file's tree, before it is merged: positions are exact, and what another file may bring may still be absent. */
int check_file(struct walk *walk, struct yaml *root);
/* One service on its own (a base of extends). */
int check_service(struct walk *walk, const struct place *place, struct yaml *service);
/* The merged tree: what is required must be there by now. */
int check_required(struct walk *walk, struct yaml *root);
