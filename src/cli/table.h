#pragma once
/*
 * A table on standard output: columns as wide as their widest cell.
 *
 *     struct table table cleanup(table_done) = {.columns = 2};
 *     table_row(&table, "NAME", "STATE");
 *     table_row(&table, name, state);
 *     table_print(&table, stdout);
 *
 * Control characters in cells, which could drive the reader's terminal, are shown as '?'.
 */
#include "base/arena.h"
#include "base/vec.h"

#include <stdio.h>

#define TABLE_COLUMNS_MAX 12

struct table {
    size_t columns;
    struct arena arena;
    struct strings cells; /* row by row */
};

/* A cell for each column, as const char *; NULL is an empty one. */
#define table_row(table, ...) table_add(table, (const char *const[]){__VA_ARGS__, NULL})
void table_add(struct table *table, const char *const *cells);
void table_print(const struct table *table, FILE *out);
void table_done(struct table *table);

/* How many columns of a terminal text takes (one a character; no wide ones). */
size_t text_width(const char *text);
