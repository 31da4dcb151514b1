#pragma once
/* The commands of this folder: `shoal bench density`, `bench start` and `bench clean`. */
#include "cli/cli.h"

extern const struct cli_command command_bench_density, command_bench_start, command_bench_clean;
