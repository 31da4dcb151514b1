#include "base/str.h"
#include "cli/cli.h"

#include <stdio.h>

/* The arguments that are being read. */
struct reader {
    struct arena *arena;
    const struct cli_option *options;
    char **arguments;
    size_t count, at;
    char *values;
    struct err *err;
};

static const struct cli_option *find_long(const struct cli_option *options, const char *name, size_t length)
{
    for (const struct cli_option *o = options; o && o->name; o++) {
        if (strlen(o->name) == length && strncmp(o->name, name, length) == 0)
            return o;
    }
    return NULL;
}

static const struct cli_option *find_short(const struct cli_option *options, char letter)
{
    for (const struct cli_option *o = options; o && o->name; o++) {
        if (o->letter == letter)
            return o;
    }
    return NULL;
}

static int set_flag(const struct reader *r, const struct cli_option *o, const char *value)
{
    bool yes = !value || str_in(value, (const char *const[]){"true", "1", "yes", NULL});
    if (!yes && !str_in(value, (const char *const[]){"false", "0", "no", NULL}))
        return err_set(r->err, ERR_INVALID, "--%s=%s: expected true or false", o->name, value);
    *(bool *)(r->values + o->offset) = yes;
    return 0;
}

static int set_value(const struct reader *r, const struct cli_option *o, const char *value)
{
    void *slot = r->values + o->offset;
    switch (o->kind) {
    case CLI_FLAG:
        return set_flag(r, o, value);
    case CLI_TEXT:
        *(const char **)slot = value;
        return 0;
    case CLI_TEXTS:
        vec_push_in(r->arena, (struct strings *)slot, arena_strdup(r->arena, value));
        return 0;
    case CLI_NUMBER:
        if (!str_to_i64(value, slot))
            return err_set(r->err, ERR_INVALID, "--%s %s: expected a whole number", o->name, value);
        return 0;
    }
    return 0;
}

/* The value that follows, where none is attached. */
static int take_value(struct reader *r, const struct cli_option *o, const char *attached)
{
    if (o->kind == CLI_FLAG || attached)
        return set_value(r, o, attached);
    if (r->at == r->count)
        return err_set(r->err, ERR_INVALID, "--%s: expected %s after it", o->name, o->argument);
    return set_value(r, o, r->arguments[r->at++]);
}

static int read_long(struct reader *r, const char *text)
{
    size_t length = strcspn(text, "=");
    const struct cli_option *o = find_long(r->options, text, length);
    if (!o)
        return err_set(r->err, ERR_INVALID, "unknown option --%.*s", (int)length, text);
    return take_value(r, o, text[length] ? text + length + 1 : NULL);
}

/* -q, -it, -fFILE, -f FILE */
static int read_short(struct reader *r, const char *text)
{
    for (; *text; text++) {
        const struct cli_option *o = find_short(r->options, *text);
        if (!o)
            return err_set(r->err, ERR_INVALID, "unknown option -%c", *text);
        if (o->kind != CLI_FLAG)
            return take_value(r, o, text[1] ? text + 1 + (text[1] == '=') : NULL);
        if (set_flag(r, o, NULL) < 0)
            return -1;
    }
    return 0;
}

int cli_parse(struct arena *arena, const struct cli_option *options, char **arguments, size_t count,
              bool stop_at_argument, void *values, size_t *ret_rest, struct err *err)
{
    struct reader r = {arena, options, arguments, count, 0, values, err};
    size_t rest = 0;
    bool ended = false;
    while (r.at < r.count) {
        char *text = arguments[r.at++];
        if (ended || text[0] != '-' || !text[1]) {
            arguments[rest++] = text;
            ended |= stop_at_argument;
        } else if (str_eq(text, "--")) {
            ended = true;
        } else if ((text[1] == '-' ? read_long(&r, text + 2) : read_short(&r, text + 1)) < 0) {
            return -1;
        }
    }
    *ret_rest = rest;
    return 0;
}

void cli_print_options(const struct cli_option *options)
{
    for (const struct cli_option *o = options; o && o->name; o++) {
        char left[64];
        snprintf(left, sizeof(left), "%c%c%c --%s%s%s", o->letter ? '-' : ' ', o->letter ? o->letter : ' ',
                 o->letter ? ',' : ' ', o->name, o->argument ? " " : "", o->argument ? o->argument : "");
        printf("  %-32s %s\n", left, o->help);
    }
}
