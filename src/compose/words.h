#pragma once
/*
 * A command written as one text, split into its words the way Docker's tools do it: quotes and backslashes as in a
 * shell, but nothing is expanded and there is no shell: an unquoted ; & | < or > ends the command, and what follows it
 * is lost.
 */
#include "base/vec.h"

#include <stdbool.h>

/* False where a quote is not closed or a parenthesis stands outside quotes. *ret_lost is what follows the command's
 * end, or NULL. */
bool words_split(struct arena *arena, const char *text, struct strings *ret, const char **ret_lost);
