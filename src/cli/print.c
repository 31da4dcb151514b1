#include "cli/print.h"

#include "base/str.h"

#include <stdio.h>

#define OUTPUT_MAX ((size_t)512 * 1024 * 1024)

static void print_value(const json_value *value, int indent)
{
    struct buf text cleanup(buf_done) = BUF(OUTPUT_MAX);
    struct json_out out = {.buf = &text, .indent = indent};
    json_value_write(value, &out);
    (void)fwrite(buf_str(&text), 1, text.size, stdout);
    (void)fputc('\n', stdout);
    (void)fflush(stdout);
}

void print_json(const json_value *value)
{
    print_value(value, 2);
}

void print_json_line(const json_value *value)
{
    print_value(value, 0);
}

/* Does an earlier filter have the name of the one at i? */
static bool seen_before(const struct strings *filters, size_t i, size_t name_size)
{
    for (size_t j = 0; j < i; j++)
        if (strncmp(filters->items[j], filters->items[i], name_size + 1) == 0)
            return true;
    return false;
}

static void put_values(struct json_out *out, const struct strings *filters, size_t from, size_t name_size)
{
    json_put_array(out);
    for (size_t j = from; j < filters->count; j++)
        if (strncmp(filters->items[j], filters->items[from], name_size + 1) == 0)
            json_put_string(out, filters->items[j] + name_size + 1);
    json_put_array_end(out);
}

int filters_json(struct arena *arena, const struct strings *filters, const char **ret, struct err *err)
{
    struct buf text cleanup(buf_done) = BUF(1 << 20);
    struct json_out out = {.buf = &text};
    *ret = NULL;
    if (!filters->count)
        return 0;
    json_put_object(&out);
    for (size_t i = 0; i < filters->count; i++) {
        const char *filter = filters->items[i];
        size_t name_size = strcspn(filter, "=");
        if (!filter[name_size])
            return err_set(err, ERR_INVALID, "--filter %s: expected NAME=VALUE, as in status=running", filter);
        if (seen_before(filters, i, name_size))
            continue;
        json_key(&out, arena_strndup(arena, filter, name_size));
        put_values(&out, filters, i, name_size);
    }
    json_put_object_end(&out);
    *ret = arena_strdup(arena, buf_str(&text));
    return 0;
}

void several_failed(struct several *several, const struct err *err)
{
    (void)fflush(stdout);
    (void)fprintf(stderr, "shoal: %s\n", err->message);
    if (!several->code)
        several->code = cli_exit_code(err);
}
