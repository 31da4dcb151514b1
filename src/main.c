/* Picks the role, and nothing else: the benchmark and the daemon are more commands, which the command line itself knows
 * nothing of. */
#include "bench/commands.h"
#include "cli/cli.h"
#include "daemon/daemon.h"

int main(int argc, char **argv)
{
    static const struct cli_command *const more[] = {&command_bench_density, &command_bench_start, &command_bench_clean,
                                                     &daemon_command, NULL};
    return cli_main(argc, argv, more);
}
