#pragma once
/*
 * The project that a command line means: which files, whose variables, what name, in the way of docker compose:
 *
 * - files: -f, else $COMPOSE_FILE, else compose.yaml, compose.yml, docker-compose.yml or docker-compose.yaml here or in
 * a folder above, with compose.override.yaml (or its like) beside it;
 * - variables: the process's, then those of --env-file ($COMPOSE_ENV_FILES) or of .env in the project's folder;
 * - profiles: --profile, else $COMPOSE_PROFILES;
 * - name: -p, else $COMPOSE_PROJECT_NAME, else name: in the files, else the folder's.
 */
#include "cli/cli.h"
#include "compose/compose.h"

/*
 * Fills options from the globals and the environment; what it points to lives in the cli's arena, and env (initialised
 * here) as long as options is used. The caller sets what is its own (raw, services …) and calls compose_load().
 */
int project_options(struct cli *cli, struct compose_options *options, struct env *env, struct err *err);
