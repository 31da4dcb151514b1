#pragma once
/*
 * The command line: `shoal [OPTIONS] COMMAND [OPTIONS] [ARGUMENTS]`. A command is a struct with a table of its options;
 * commands.c lists them all. Options that say which project is meant (-f, -p, --profile …) stand before the command, as
 * docker compose has them.
 *
 * A command of two words ("container ls") is found by both. Each command is one file, which talks to the daemon over
 * http/, or loads compose files (cli/project.h).
 */
#include "base/arena.h"
#include "base/err.h"
#include "base/map.h"
#include "base/vec.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * Exit codes; exit.c says each in words. A command that runs something in a container exits with its
 * status.
 */
enum cli_exit {
    EXIT_DONE = 0,
    EXIT_FAILED = 1,
    EXIT_USAGE = 2,
    EXIT_INVALID = 3,
    EXIT_NOT_FOUND = 4,
    EXIT_UNREACHABLE = 5,
    EXIT_TIMEOUT = 6,
    EXIT_CANNOT_RUN = 126,
    EXIT_NO_COMMAND = 127,
    EXIT_CANCELLED = 130,
};

struct cli_exit_text {
    int code;
    const char *text;
};
extern const struct cli_exit_text cli_exit_texts[]; /* ends with {0} */

/* The exit code for a failure. */
int cli_exit_code(const struct err *err);

enum cli_kind {
    CLI_FLAG,   /* bool: --flag, --flag=false */
    CLI_TEXT,   /* const char *: --name TEXT, --name=TEXT, -nTEXT */
    CLI_TEXTS,  /* struct strings: may stand several times */
    CLI_NUMBER, /* int64_t */
};

struct cli_option {
    const char *name; /* without the dashes */
    char letter;      /* 0: none */
    enum cli_kind kind;
    size_t offset;        /* in the struct that the table describes */
    const char *argument; /* "FILE"; NULL for flags */
    const char *help;
};

#define CLI_OPTION(structure, member, option, short_letter, type, ...)                                                 \
    {                                                                                                                  \
        .name = (option), .letter = (short_letter), .kind = CLI_##type, .offset = offsetof(structure, member),         \
        __VA_ARGS__                                                                                                    \
    }

/* Options before the command. */
struct cli_globals {
    struct strings files, profiles, env_files;
    const char *project_name, *project_directory, *host;
    bool all_resources, help, version;
};

struct cli {
    struct arena arena; /* for the whole run */
    struct cli_globals globals;
    struct map told; /* warnings that were printed: each is, once */
};

struct cli_command {
    const char *name;                 /* "config", "container ls" */
    const char *arguments;            /* "[OPTIONS] [SERVICE...]" */
    const char *summary;              /* one line */
    const struct cli_option *options; /* ends with {0}; NULL: none */
    size_t options_size;              /* of the struct that they are read into, zeroed first */
    size_t least, most;               /* number of arguments */
    bool stop_at_argument;            /* what follows the first argument is not ours (exec, run) */
    /* Returns an exit code, or negative with err filled. arguments is NULL-terminated. */
    int (*run)(struct cli *cli, const void *options, char **arguments, struct err *err);
};

/* Those before the command; ends with {0}. */
extern const struct cli_option cli_global_options[];

/* All commands of this folder; NULL-terminated. */
extern const struct cli_command *const cli_commands[];

/*
 * Runs a command line and returns the exit code. more are the commands of higher layers (`shoal daemon`),
 * NULL-terminated.
 */
int cli_main(int argc, char **argv, const struct cli_command *const *more);

/*
 * Reads options from arguments into *values, until the first argument (stop_at_argument) or the last; what is no option
 * is moved to the front, and *ret_rest says how many there are. "--" ends the options.
 */
int cli_parse(struct arena *arena, const struct cli_option *options, char **arguments, size_t count,
              bool stop_at_argument, void *values, size_t *ret_rest, struct err *err);
/* The lines of help for a table. */
void cli_print_options(const struct cli_option *options);

/* One line on stderr, "shoal: warning: …", where it was not printed before. */
void cli_warn(struct cli *cli, const char *message);
