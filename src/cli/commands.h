#pragma once
/* The commands, one per file (or two that share their work), in the order of their help. */
#include "cli/cli.h"

extern const struct cli_command command_config, command_version;
extern const struct cli_command command_down, command_exec, command_logs, command_plan, command_ps, command_pull,
    command_restart, command_run, command_scale, command_start, command_stop, command_up;
extern const struct cli_command command_images, command_import, command_load;
extern const struct cli_command command_container_exec, command_container_inspect, command_container_logs,
    command_container_ls, command_container_rm, command_container_run, command_container_stop;
