#include "cli/commands.h"
#include "cli/daemon.h"
#include "cli/logs.h"

struct options {
    struct log_query query;
};

static const struct cli_option options[] = {
    CLI_OPTION(struct options, query.follow, "follow", 'f', FLAG, .help = "Go on with what is written from now on"),
    CLI_OPTION(struct options, query.tail, "tail", 'n', TEXT, "LINES", "Only the last lines, or all (the default)"),
    CLI_OPTION(struct options, query.since, "since", 0, TEXT, "TIME", "Only lines after a time, or after 10m ago"),
    CLI_OPTION(struct options, query.until, "until", 0, TEXT, "TIME", "Only lines before a time, or before 10m ago"),
    CLI_OPTION(struct options, query.timestamps, "timestamps", 't', FLAG, .help = "Each line's time before it"),
    CLI_OPTION(struct options, query.json, "json", 0, FLAG, .help = "Print JSON, a line for each"),
    {0},
};

static int run(struct cli *cli, const void *values, char **arguments, struct err *err)
{
    const struct options *o = values;
    struct daemon daemon;
    if (daemon_find(cli, &daemon, err) < 0)
        return -1;
    return logs_of_container(&daemon, arguments[0], &o->query, err);
}

const struct cli_command command_container_logs = {
    .name = "container logs",
    .arguments = "[OPTIONS] CONTAINER",
    .summary = "Print what a container wrote",
    .options = options,
    .options_size = sizeof(struct options),
    .least = 1,
    .most = 1,
    .run = run,
};
