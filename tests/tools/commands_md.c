/* Prints docs/COMMANDS.md from the tables of commands and options. A test compares the two. */
#include "bench/commands.h"
#include "cli/cli.h"
#include "daemon/daemon.h"

#include <stdio.h>

/* '|' ends a cell. */
static void print_cell(const char *text)
{
    for (; *text; text++)
        printf(*text == '|' ? "\\|" : "%c", *text);
}

static void print_options(const struct cli_option *options)
{
    printf("| option | |\n|---|---|\n");
    for (const struct cli_option *o = options; o->name; o++) {
        printf("| `");
        if (o->letter)
            printf("-%c`, `", o->letter);
        printf("--%s%s", o->name, o->argument ? " " : "");
        print_cell(o->argument ? o->argument : "");
        printf("` | ");
        print_cell(o->help);
        printf("%s |\n", o->kind == CLI_TEXTS ? "; may stand several times" : "");
    }
    printf("\n");
}

static void print_command(const struct cli_command *command)
{
    printf("## shoal %s\n\n%s.\n\n    shoal [OPTIONS] %s %s\n\n", command->name, command->summary, command->name,
           command->arguments);
    if (command->options && command->options->name)
        print_options(command->options);
}

int main(void)
{
    printf(
        "# Commands\n\n"
        "<!-- Printed by build/tests/tools/commands_md from the tables in src/cli/; change those. -->\n\n"
        "    shoal [OPTIONS] COMMAND [OPTIONS] [ARGUMENTS]\n\n"
        "The commands for stacks (`up` … `pull`) mean the project of the compose file in the working folder, or that "
        "of "
        "`-f` and `-p`; those\nof `container` mean plain containers. Names and meanings of options are those of docker "
        "compose and docker.\n\n"
        "Progress goes to standard error, as bars where that is a terminal; results go to standard output, as JSON "
        "with "
        "`--json`. Colours are for\nterminals alone, and for none where `NO_COLOR` is set.\n\n"
        "Before the command:\n\n");
    print_options(cli_global_options);
    printf("Exit codes:\n\n| code | |\n|---|---|\n");
    for (const struct cli_exit_text *code = cli_exit_texts; code->text; code++)
        printf("| %d | %s |\n", code->code, code->text);
    printf("\nCommands that run something in a container exit with its status.\n\n");
    for (const struct cli_command *const *command = cli_commands; *command; command++)
        print_command(*command);
    print_command(&command_bench_density);
    print_command(&command_bench_start);
    print_command(&command_bench_clean);
    print_command(&daemon_command);
    return 0;
}
