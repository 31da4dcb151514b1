#include "cli/cli.h"

const struct cli_exit_text cli_exit_texts[] = {
    {EXIT_DONE, "done"},
    {EXIT_FAILED, "failed"},
    {EXIT_USAGE, "the command line is wrong"},
    {EXIT_INVALID, "what was given (a compose file, an image …) is not valid or not supported"},
    {EXIT_NOT_FOUND, "no such service, container, file …"},
    {EXIT_UNREACHABLE, "the daemon or a registry cannot be reached"},
    {EXIT_TIMEOUT, "not done within the time given"},
    {EXIT_CANNOT_RUN, "the container's command cannot be run"},
    {EXIT_NO_COMMAND, "the container's command does not exist"},
    {EXIT_CANCELLED, "cancelled"},
    {0},
};

int cli_exit_code(const struct err *err)
{
    static const int codes[ERR_KIND_COUNT] = {
        [ERR_INTERNAL] = EXIT_FAILED,         [ERR_INVALID] = EXIT_INVALID,       [ERR_NOT_FOUND] = EXIT_NOT_FOUND,
        [ERR_CONFLICT] = EXIT_FAILED,         [ERR_DENIED] = EXIT_FAILED,         [ERR_UNSUPPORTED] = EXIT_INVALID,
        [ERR_UNAVAILABLE] = EXIT_UNREACHABLE, [ERR_LIMIT] = EXIT_INVALID,         [ERR_NO_SPACE] = EXIT_FAILED,
        [ERR_TIMEOUT] = EXIT_TIMEOUT,         [ERR_CANCELLED] = EXIT_CANCELLED,   [ERR_NOT_MODIFIED] = EXIT_DONE,
        [ERR_CANNOT_RUN] = EXIT_CANNOT_RUN,   [ERR_NO_COMMAND] = EXIT_NO_COMMAND,
    };
    return codes[err->kind];
}
