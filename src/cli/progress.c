#include "cli/progress.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/str.h"
#include "cli/colour.h"
#include "cli/human.h"
#include "cli/table.h"
#include "cli/terminal.h"

#define REDRAW_MS  80
#define BAR        24
#define NAME_WIDTH 40
#define TEXT_WIDTH 14

struct progress_item {
    char *name;
    char text[64];
    enum progress_state state;
    int64_t current, total;
};

void progress_init(struct progress *progress, FILE *out)
{
    *progress = (struct progress){.out = out};
    progress->terminal = colour_terminal(fileno(out));
    progress->colours = colour_allowed(fileno(out));
}

static void add_bar(const struct progress_item *item, struct buf *line)
{
    char current[SIZE_TEXT_MAX], total[SIZE_TEXT_MAX];
    int64_t filled = item->current >= item->total ? BAR : item->current * BAR / item->total;
    size_text(item->current, current);
    size_text(item->total, total);
    buf_addc(line, '[');
    for (int i = 0; i < BAR; i++)
        buf_addc(line, i < filled ? '=' : i == filled ? '>' : ' ');
    buf_printf(line, "] %8s / %s", current, total);
}

static const char *colour_of_state(enum progress_state state)
{
    static const char *const colours[] = {COLOUR_DIM, "", COLOUR_GREEN, COLOUR_RED};
    return colours[state];
}

static void draw_item(const struct progress *progress, const struct progress_item *item, size_t name_width,
                      size_t columns)
{
    struct buf line cleanup(buf_done) = BUF(1024);
    buf_printf(&line, "%s%*s  ", item->name, (int)(name_width - text_width(item->name)), "");
    size_t name_size = line.size;
    if (item->total > 0 && item->state == PROGRESS_WORKING) {
        buf_printf(&line, "%-*s ", TEXT_WIDTH, item->text);
        add_bar(item, &line);
    } else {
        buf_adds(&line, item->text);
    }
    int shown = columns && line.size > columns ? (int)columns : (int)line.size;
    int name_shown = shown < (int)name_size ? shown : (int)name_size;
    const char *colour = progress->colours ? colour_of_state(item->state) : "";
    (void)fprintf(progress->out, "%.*s%s%.*s%s\033[K\n", name_shown, line.data, colour, shown - name_shown,
                  line.data + name_shown, *colour ? COLOUR_RESET : "");
}

/* How many of the items fit above the cursor: what scrolled out of the screen cannot be rewritten. */
static void draw(struct progress *progress)
{
    int rows = 0, columns = 0;
    (void)terminal_size(fileno(progress->out), &rows, &columns);
    size_t count = progress->items.count, fit = rows > 2 ? (size_t)rows - 2 : 20;
    size_t first = count > fit ? count - fit : 0, width = 0;
    for (size_t i = first; i < count; i++) {
        size_t w = text_width(progress->items.items[i]->name);
        width = w > width ? w : width;
    }
    if (progress->drawn)
        (void)fprintf(progress->out, "\033[%zuA", progress->drawn);
    for (size_t i = first; i < count; i++)
        draw_item(progress, progress->items.items[i], width, columns > 0 ? (size_t)columns : 0);
    (void)fputs("\033[J", progress->out);
    (void)fflush(progress->out);
    progress->drawn = count - first;
    progress->drawn_ms = clock_monotonic_ms();
}

static struct progress_item *item_of(struct progress *progress, const char *name, bool *ret_new)
{
    struct progress_item *item = map_get(&progress->by_name, name);
    *ret_new = !item;
    if (item)
        return item;
    item = ARENA_NEW(&progress->arena, struct progress_item);
    item->name = arena_strndup(&progress->arena, name, NAME_WIDTH);
    for (char *p = item->name; *p; p++)
        if ((unsigned char)*p < 0x20)
            *p = '?';
    (void)map_put(&progress->by_name, name, item);
    vec_push(&progress->items, item);
    return item;
}

void progress_update(struct progress *progress, const char *name, enum progress_state state, const char *text,
                     int64_t current, int64_t total)
{
    bool is_new;
    struct progress_item *item = item_of(progress, name, &is_new);
    bool changed = is_new || item->state != state || strncmp(item->text, text, sizeof(item->text) - 1) != 0;
    item->state = state;
    item->current = current;
    item->total = total;
    (void)snprintf(item->text, sizeof(item->text), "%s", text);
    if (!progress->terminal) {
        if (changed)
            (void)fprintf(progress->out, "%s: %s\n", item->name, item->text);
        return;
    }
    if (changed || clock_monotonic_ms() - progress->drawn_ms >= REDRAW_MS)
        draw(progress);
}

void progress_print(struct progress *progress, const char *text)
{
    if (progress->terminal && progress->drawn) {
        (void)fprintf(progress->out, "\033[%zuA\033[J", progress->drawn);
        progress->drawn = 0;
    }
    (void)fprintf(progress->out, "%s\n", text);
    if (progress->terminal && progress->items.count)
        draw(progress);
}

void progress_done(struct progress *progress)
{
    if (progress->terminal && progress->items.count)
        draw(progress);
    map_done(&progress->by_name);
    vec_done(&progress->items);
    arena_done(&progress->arena);
}
