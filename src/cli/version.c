#include "base/str.h"
#include "cli/commands.h"

#include <stdio.h>

struct options {
    const char *format;
    bool short_form;
};

static const struct cli_option options[] = {
    CLI_OPTION(struct options, format, "format", 0, TEXT, "FORMAT", "pretty or json"),
    CLI_OPTION(struct options, short_form, "short", 0, FLAG, NULL, "Print the number alone"),
    {0},
};

static int run(struct cli *cli, const void *values, char **arguments, struct err *err)
{
    const struct options *o = values;
    if (o->format && !str_in(o->format, (const char *const[]){"pretty", "json", NULL}))
        return err_set(err, ERR_INVALID, "--format %s: expected pretty or json", o->format);
    if (str_same(o->format, "json"))
        printf("{\"version\":\"%s\"}\n", SHOAL_VERSION);
    else
        printf("%s%s\n", o->short_form ? "" : "shoal ", SHOAL_VERSION);
    return EXIT_DONE;
}

const struct cli_command command_version = {
    .name = "version",
    .arguments = "[OPTIONS]",
    .summary = "Print the version",
    .options = options,
    .options_size = sizeof(struct options),
    .run = run,
};
