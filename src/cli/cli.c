#include "cli/cli.h"

#include "base/cleanup.h"
#include "base/str.h"

#include <stdio.h>

const struct cli_option cli_global_options[] = {
    CLI_OPTION(struct cli_globals, files, "file", 'f', TEXTS, "FILE",
               "Compose file; several are merged in their order"),
    CLI_OPTION(struct cli_globals, project_name, "project-name", 'p', TEXT, "NAME", "Name of the project"),
    CLI_OPTION(struct cli_globals, profiles, "profile", 0, TEXTS, "NAME", "Enable the services of a profile; * is all"),
    CLI_OPTION(struct cli_globals, env_files, "env-file", 0, TEXTS, "FILE", "File of variables, instead of .env"),
    CLI_OPTION(struct cli_globals, project_directory, "project-directory", 0, TEXT, "DIR",
               "Folder of relative paths (default: that of the first file)"),
    CLI_OPTION(struct cli_globals, all_resources, "all-resources", 0, FLAG, NULL,
               "Include networks, volumes … that no service uses"),
    CLI_OPTION(struct cli_globals, host, "host", 'H', TEXT, "HOST",
               "Daemon to talk to (default: $DOCKER_HOST, then unix:///run/shoal/shoal.sock)"),
    CLI_OPTION(struct cli_globals, version, "version", 'v', FLAG, NULL, "Print the version"),
    CLI_OPTION(struct cli_globals, help, "help", 'h', FLAG, NULL, "Print this help, or that of a command"),
    {0},
};

void cli_warn(struct cli *cli, const char *message)
{
    if (map_put(&cli->told, message, cli))
        return;
    (void)fflush(stdout);
    fprintf(stderr, "shoal: warning: %s\n", message);
}

static int complain(const struct err *err, int code)
{
    (void)fflush(stdout);
    fprintf(stderr, "shoal: %s\n", err->message);
    return code;
}

static void print_commands(const struct cli_command *const *commands)
{
    for (; commands && *commands; commands++)
        printf("  %-16s %s\n", (*commands)->name, (*commands)->summary);
}

static void print_help(const struct cli_command *const *more)
{
    printf("Usage: shoal [OPTIONS] COMMAND [OPTIONS] [ARGUMENTS]\n\n"
           "Deploys compose files as stacks of containers.\n\nCommands:\n");
    print_commands(cli_commands);
    print_commands(more);
    printf("\nOptions:\n");
    cli_print_options(cli_global_options);
    printf("\nExit codes:\n");
    for (const struct cli_exit_text *code = cli_exit_texts; code->text; code++)
        printf("  %3d  %s\n", code->code, code->text);
    printf("  Commands that run something in a container exit with its status.\n"
           "\n'shoal COMMAND --help' says more about a command.\n");
}

static void print_command_help(const struct cli_command *command)
{
    printf("Usage: shoal [OPTIONS] %s %s\n\n%s\n", command->name, command->arguments, command->summary);
    if (command->options) {
        printf("\nOptions:\n");
        cli_print_options(command->options);
    }
}

/* How many of words are the name of the command; 0 where they are not. */
static size_t match(const struct cli_command *command, char **words, size_t count)
{
    size_t n = 0;
    const char *name = command->name;
    while (n < count) {
        const char *rest = str_after(name, words[n++]);
        if (!rest || (*rest && *rest != ' '))
            return 0;
        if (!*rest)
            return n;
        name = rest + 1;
    }
    return 0;
}

static const struct cli_command *find(const struct cli_command *const *commands, char **words, size_t count,
                                      size_t *ret_used)
{
    for (; commands && *commands; commands++) {
        *ret_used = match(*commands, words, count);
        if (*ret_used)
            return *commands;
    }
    return NULL;
}

/* Is --help among the arguments, before a "--"? */
static bool asks_help(const struct cli_command *command, char **arguments, size_t count)
{
    for (size_t i = 0; i < count && !str_eq(arguments[i], "--"); i++) {
        if (str_eq(arguments[i], "--help") || str_eq(arguments[i], "-h"))
            return true;
        if (command->stop_at_argument && arguments[i][0] != '-')
            return false;
    }
    return false;
}

static int run(struct cli *cli, const struct cli_command *command, char **arguments, size_t count)
{
    struct err err;
    size_t rest;
    if (asks_help(command, arguments, count)) {
        print_command_help(command);
        return EXIT_DONE;
    }
    void *options = arena_alloc(&cli->arena, command->options_size + 1);
    if (cli_parse(&cli->arena, command->options, arguments, count, command->stop_at_argument, options, &rest, &err) < 0)
        return complain(&err, EXIT_USAGE);
    arguments[rest] = NULL;
    if (rest < command->least || rest > command->most) {
        err_set(&err, ERR_INVALID, "%s: %zu arguments, expected %s", command->name, rest, command->arguments);
        return complain(&err, EXIT_USAGE);
    }
    int code = command->run(cli, options, arguments, &err);
    return code < 0 ? complain(&err, cli_exit_code(&err)) : code;
}

static void cli_done(struct cli *cli)
{
    map_done(&cli->told);
    arena_done(&cli->arena);
}

int cli_main(int argc, char **argv, const struct cli_command *const *more)
{
    struct cli cli cleanup(cli_done) = {0};
    struct err err;
    size_t count, used = 0;
    char **words = arena_memdup(&cli.arena, argv + 1, (size_t)argc * sizeof(*argv));
    if (cli_parse(&cli.arena, cli_global_options, words, (size_t)argc - 1, true, &cli.globals, &count, &err) < 0)
        return complain(&err, EXIT_USAGE);
    if (cli.globals.version) {
        printf("shoal %s\n", SHOAL_VERSION);
        return EXIT_DONE;
    }
    const struct cli_command *command = find(cli_commands, words, count, &used);
    if (!command)
        command = find(more, words, count, &used);
    if (command && cli.globals.help)
        print_command_help(command);
    else if (cli.globals.help || count == 0)
        print_help(more);
    else if (command)
        return run(&cli, command, words + used, count - used);
    if (command || cli.globals.help || count == 0)
        return cli.globals.help ? EXIT_DONE : EXIT_USAGE;
    err_set(&err, ERR_INVALID, "unknown command %s, 'shoal --help' lists them", words[0]);
    return complain(&err, EXIT_USAGE);
}
