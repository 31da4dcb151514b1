/* logs: of the containers of the stack. */
#include "cli/commands.h"
#include "cli/stack_follow.h"

struct options {
    struct log_query query;
};

static const struct cli_option options[] = {
    CLI_OPTION(struct options, query.follow, "follow", 'f', FLAG, .help = "Go on with what is written from now on"),
    CLI_OPTION(struct options, query.tail, "tail", 'n', TEXT, "LINES", "Only the last lines of each container, or all"),
    CLI_OPTION(struct options, query.since, "since", 0, TEXT, "TIME", "Only lines after a time, or after 10m ago"),
    CLI_OPTION(struct options, query.until, "until", 0, TEXT, "TIME", "Only lines before a time, or before 10m ago"),
    CLI_OPTION(struct options, query.timestamps, "timestamps", 't', FLAG, .help = "Each line's time before it"),
    CLI_OPTION(struct options, query.plain, "no-color", 0, FLAG, .help = "No colours"),
    CLI_OPTION(struct options, query.unlabelled, "no-log-prefix", 0, FLAG, .help = "No names before the lines"),
    CLI_OPTION(struct options, query.json, "json", 0, FLAG, .help = "Print JSON, a line for each"),
    {0},
};

static int run(struct cli *cli, const void *values, char **arguments, struct err *err)
{
    const struct options *o = values;
    struct daemon daemon;
    const char *name;
    if (daemon_find(cli, &daemon, err) < 0 || stack_name(cli, &name, err) < 0)
        return -1;
    const struct stack_follow_options follow = {
        .daemon = &daemon, .stack = name, .services = arguments, .query = &o->query};
    return stack_follow(&follow, err) < 0 ? -1 : EXIT_DONE;
}

const struct cli_command command_logs = {
    .name = "logs",
    .arguments = "[OPTIONS] [SERVICE...]",
    .summary = "Print what the containers of the stack wrote",
    .options = options,
    .options_size = sizeof(struct options),
    .most = SIZE_MAX,
    .run = run,
};
