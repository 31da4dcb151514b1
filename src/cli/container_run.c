#include "cli/commands.h"
#include "cli/container_options.h"
#include "cli/create.h"
#include "cli/session.h"

#include <stdio.h>

static void print_id(const char *id, bool json)
{
    if (json)
        printf("{\"Id\":\"%s\"}\n", id);
    else
        puts(id);
}

static int run(struct cli *cli, const void *values, char **arguments, struct err *err)
{
    const struct container_options *o = values;
    struct daemon daemon;
    struct container_spec spec;
    const char *id;
    const struct create_options create = {
        .name = o->name, .platform = o->platform, .pull = o->pull, .quiet = o->quiet || o->json};
    if (daemon_find(cli, &daemon, err) < 0 || session_check_terminal(o->tty, o->interactive && !o->detach, err) < 0 ||
        container_options_spec(o, arguments[0], arguments + 1, &cli->arena, &spec, err) < 0 ||
        create_container(cli, &daemon, &spec, &create, &id, err) < 0)
        return -1;
    if (!o->detach)
        return session_container(&daemon, id, o->tty, o->interactive, o->remove, o->detach_keys, err);
    if (daemon_post(&daemon, arena_printf(&cli->arena, "/containers/%s/start", id), NULL, NULL, err) < 0)
        return -1;
    print_id(id, o->json);
    return EXIT_DONE;
}

const struct cli_command command_container_run = {
    .name = "container run",
    .arguments = "[OPTIONS] IMAGE [COMMAND] [ARGUMENT...]",
    .summary = "Run a command in a new container; exits with its status",
    .options = container_option_table,
    .options_size = sizeof(struct container_options),
    .least = 1,
    .most = SIZE_MAX,
    .stop_at_argument = true,
    .run = run,
};
