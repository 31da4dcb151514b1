#include "cli/commands.h"
#include "cli/daemon.h"
#include "cli/print.h"

#include <stdio.h>

struct options {
    bool json;
};

static const struct cli_option options[] = {
    CLI_OPTION(struct options, json, "json", 0, FLAG, .help = "Print JSON, as it does without"),
    {0},
};

static int run(struct cli *cli, const void *values, char **arguments, struct err *err)
{
    struct daemon daemon;
    struct several several = {0};
    struct buf text cleanup(buf_done) = BUF((size_t)64 << 20);
    struct json_out out = {.buf = &text, .indent = 2};
    if (daemon_find(cli, &daemon, err) < 0)
        return -1;
    json_put_array(&out);
    for (; *arguments; arguments++) {
        json_value *container cleanup(json_freep) = NULL;
        const char *target = arena_printf(&cli->arena, "/containers/%s/json", daemon_encode(&daemon, *arguments));
        if (daemon_get(&daemon, target, &container, err) < 0)
            several_failed(&several, err);
        else
            json_value_write(container, &out);
    }
    json_put_array_end(&out);
    puts(buf_str(&text));
    return several.code;
}

const struct cli_command command_container_inspect = {
    .name = "container inspect",
    .arguments = "CONTAINER...",
    .summary = "Print all that is known of containers, as JSON",
    .options = options,
    .options_size = sizeof(struct options),
    .least = 1,
    .most = SIZE_MAX,
    .run = run,
};
