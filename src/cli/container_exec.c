#include "cli/commands.h"
#include "cli/session.h"

static const struct cli_option options[] = {
    CLI_OPTION(struct session_exec, interactive, "interactive", 'i', FLAG, .help = "Pass standard input on"),
    CLI_OPTION(struct session_exec, tty, "tty", 't', FLAG, .help = "Give it a terminal"),
    CLI_OPTION(struct session_exec, detach, "detach", 'd', FLAG, .help = "Leave it in the background"),
    CLI_OPTION(struct session_exec, env, "env", 'e', TEXTS, "KEY=VALUE", "A variable"),
    CLI_OPTION(struct session_exec, user, "user", 'u', TEXT, "USER[:GROUP]", "Who it runs as"),
    CLI_OPTION(struct session_exec, workdir, "workdir", 'w', TEXT, "DIR", "Where it runs"),
    CLI_OPTION(struct session_exec, privileged, "privileged", 0, FLAG, .help = "With all capabilities"),
    CLI_OPTION(struct session_exec, detach_keys, "detach-keys", 0, TEXT, "KEYS",
               "Keys that leave it running: ctrl-p,ctrl-q"),
    {0},
};

static int run(struct cli *cli, const void *values, char **arguments, struct err *err)
{
    struct session_exec exec = *(const struct session_exec *)values;
    struct daemon daemon;
    exec.container = arguments[0];
    exec.command = arguments + 1;
    if (daemon_find(cli, &daemon, err) < 0)
        return -1;
    return session_run_exec(&daemon, &exec, err);
}

const struct cli_command command_container_exec = {
    .name = "container exec",
    .arguments = "[OPTIONS] CONTAINER COMMAND [ARGUMENT...]",
    .summary = "Run a command in a container that runs; exits with its status",
    .options = options,
    .options_size = sizeof(struct session_exec),
    .least = 2,
    .most = SIZE_MAX,
    .stop_at_argument = true,
    .run = run,
};
