#pragma once
/* env_file and label_file: the files that a service names are read into its environment and its labels. */
#include "compose/compose.h"
#include "compose/shape.h"

/*
 * For all services of a canonical model; env are the project's variables. label_file is gone then, and env_file too
 * unless keep_env_files says that they stay unread.
 */
int files_of_services(struct walk *walk, const struct compose_io *io, struct yaml *model, const struct env *env,
                      bool keep_env_files);
