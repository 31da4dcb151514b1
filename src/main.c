/* Picks the role, and nothing else: the daemon is one more command, which the command line itself knows nothing of. */
#include "cli/cli.h"
#include "daemon/daemon.h"

int main(int argc, char **argv)
{
    static const struct cli_command *const more[] = {&daemon_command, NULL};
    return cli_main(argc, argv, more);
}
