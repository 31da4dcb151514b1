#pragma once
/* What commands print, beside tables (cli/table.h). */
#include "cli/cli.h"
#include "codec/json.h"

/* The value as indented JSON and a line's end on standard output: what --json prints. */
void print_json(const json_value *value);
/* The same on one line, for streams of values. */
void print_json_line(const json_value *value);

/* {"name":["a","b"]} of "name=a", "name=b" (Docker's filters), or NULL for none. ERR_INVALID names what has no '='. */
int filters_json(struct arena *arena, const struct strings *filters, const char **ret, struct err *err);

/*
 * What a command that does the same to several things returns: it goes on after a failure, says each, and its exit code
 * is the first failure's.
 */
struct several {
    int code;
};
void several_failed(struct several *several, const struct err *err);
