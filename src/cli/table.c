#include "cli/table.h"

#include "base/str.h"

#define GAP 3

size_t text_width(const char *text)
{
    size_t width = 0;
    for (size_t left = strlen(text); left > 0; width++) {
        size_t n = str_utf8_length(text, left);
        text += n ? n : 1;
        left -= n ? n : 1;
    }
    return width;
}

static char *printable(struct arena *arena, const char *text)
{
    char *copy = arena_strdup(arena, text ? text : "");
    for (char *p = copy; *p; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            *p = '?';
    return copy;
}

void table_add(struct table *table, const char *const *cells)
{
    for (size_t i = 0; i < table->columns; i++)
        vec_push(&table->cells, printable(&table->arena, cells[i]));
}

void table_print(const struct table *table, FILE *out)
{
    size_t widths[TABLE_COLUMNS_MAX] = {0};
    for (size_t i = 0; i < table->cells.count; i++) {
        size_t width = text_width(table->cells.items[i]), column = i % table->columns;
        widths[column] = width > widths[column] ? width : widths[column];
    }
    for (size_t i = 0; i < table->cells.count; i++) {
        const char *cell = table->cells.items[i];
        size_t column = i % table->columns;
        bool last = column + 1 == table->columns;
        int padding = last ? 0 : (int)(widths[column] + GAP - text_width(cell));
        (void)fprintf(out, "%s%*s%s", cell, padding, "", last ? "\n" : "");
    }
}

void table_done(struct table *table)
{
    vec_done(&table->cells);
    arena_done(&table->arena);
}
