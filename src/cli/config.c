#include "base/cleanup.h"
#include "base/str.h"
#include "cli/commands.h"
#include "cli/project.h"
#include "compose/hash.h"
#include "compose/print.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

struct options {
    const char *format, *output, *hash;
    bool quiet, no_interpolate, no_path_resolution, no_consistency, no_env_resolution;
    bool services, volumes, networks, models, profiles, images, environment;
};

static const struct cli_option options[] = {
    CLI_OPTION(struct options, format, "format", 0, TEXT, "FORMAT", "yaml (the default) or json"),
    CLI_OPTION(struct options, output, "output", 'o', TEXT, "FILE", "Write to a file"),
    CLI_OPTION(struct options, quiet, "quiet", 'q', FLAG, NULL, "Check only, print nothing"),
    CLI_OPTION(struct options, no_interpolate, "no-interpolate", 0, FLAG, NULL, "Leave variables as they are"),
    CLI_OPTION(struct options, no_path_resolution, "no-path-resolution", 0, FLAG, NULL, "Leave relative paths"),
    CLI_OPTION(struct options, no_consistency, "no-consistency", 0, FLAG, NULL,
               "Do not check that what services refer to exists"),
    CLI_OPTION(struct options, no_env_resolution, "no-env-resolution", 0, FLAG, NULL, "Do not read env_file"),
    CLI_OPTION(struct options, services, "services", 0, FLAG, NULL, "Print the names of the services"),
    CLI_OPTION(struct options, volumes, "volumes", 0, FLAG, NULL, "Print the names of the volumes"),
    CLI_OPTION(struct options, networks, "networks", 0, FLAG, NULL, "Print the names of the networks"),
    CLI_OPTION(struct options, models, "models", 0, FLAG, NULL, "Print the names of the models"),
    CLI_OPTION(struct options, profiles, "profiles", 0, FLAG, NULL, "Print the names of the profiles"),
    CLI_OPTION(struct options, images, "images", 0, FLAG, NULL, "Print the images of the services"),
    CLI_OPTION(struct options, hash, "hash", 0, TEXT, "SERVICE[,SERVICE]",
               "Print what changes when a service's configuration does; * is all services"),
    CLI_OPTION(struct options, environment, "environment", 0, FLAG, NULL, "Print the variables"),
    {0},
};

/* Writes to --output, or to standard output. */
static int write_out(const struct options *o, const struct buf *text, struct err *err)
{
    cleanup_fd int file = -1; /* standard output is not ours to close */
    if (buf_failed(text))
        return err_set(err, ERR_LIMIT, "the result is larger than %zu bytes", text->max);
    if (o->quiet)
        return EXIT_DONE;
    if (o->output && (file = open(o->output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666)) < 0)
        return err_errno(err, errno, "%s", o->output);
    for (size_t done = 0; done < text->size;) {
        ssize_t n = write(o->output ? file : STDOUT_FILENO, text->data + done, text->size - done);
        if (n < 0 && errno != EINTR)
            return err_errno(err, errno, "%s", o->output ? o->output : "standard output");
        done += n > 0 ? (size_t)n : 0;
    }
    return EXIT_DONE;
}

static int print_model(const struct options *o, struct arena *arena, const struct compose_project *project,
                       struct err *err)
{
    struct buf text cleanup(buf_done) = BUF(COMPOSE_PRINT_MAX);
    bool json = str_same(o->format, "json");
    compose_print(arena, project, json ? COMPOSE_JSON : COMPOSE_YAML, o->no_interpolate, &text);
    return write_out(o, &text, err);
}

static void add_lines(struct buf *text, const struct strings *lines)
{
    vec_foreach (line, lines)
        buf_printf(text, "%s\n", *line);
}

static int print_list(const struct options *o, struct cli *cli, const struct compose_project *project, struct err *err)
{
    struct buf text cleanup(buf_done) = BUF(COMPOSE_PRINT_MAX);
    struct strings lines = {0};
    const char *key = o->services   ? "services"
                      : o->volumes  ? "volumes"
                      : o->networks ? "networks"
                      : o->models   ? "models"
                                    : NULL;
    if (o->environment)
        env_list(&project->env, &lines);
    else if (key)
        compose_list_names(&cli->arena, project, key, &lines);
    else if (o->profiles)
        compose_list_profiles(&cli->arena, project, &lines);
    else
        compose_list_images(&cli->arena, project, &lines);
    add_lines(&text, &lines);
    return write_out(o, &text, err);
}

static int print_hashes(const struct options *o, struct cli *cli, const struct compose_project *project,
                        struct err *err)
{
    struct buf text cleanup(buf_done) = BUF(COMPOSE_PRINT_MAX);
    struct strings names = {0};
    char *rest = arena_strdup(&cli->arena, o->hash);
    if (str_eq(o->hash, "*"))
        compose_list_names(&cli->arena, project, "services", &names);
    else
        for (char *name; (name = str_split(&rest, ','));)
            vec_push_in(&cli->arena, &names, name);
    vec_foreach (name, &names) {
        const struct yaml *service = yaml_get(yaml_get(project->model, "services"), *name);
        char hash[COMPOSE_HASH_SIZE];
        if (!service)
            return err_set(err, ERR_NOT_FOUND, "no such service: %s", *name);
        compose_service_hash(&cli->arena, service, hash);
        buf_printf(&text, "%s %s\n", *name, hash);
    }
    return write_out(o, &text, err);
}

static int print(const struct options *o, struct cli *cli, const struct compose_project *project, struct err *err)
{
    if (o->hash)
        return print_hashes(o, cli, project, err);
    if (o->services || o->volumes || o->networks || o->models || o->profiles || o->images || o->environment)
        return print_list(o, cli, project, err);
    return print_model(o, &cli->arena, project, err);
}

static int run(struct cli *cli, const void *values, char **arguments, struct err *err)
{
    const struct options *o = values;
    struct compose_options load;
    struct compose_project project;
    struct env env cleanup(env_done) = {0};
    bool list = o->services || o->volumes || o->networks || o->models || o->profiles || o->images || o->hash;
    if (o->format && !str_in(o->format, (const char *const[]){"yaml", "json", NULL}))
        return err_set(err, ERR_INVALID, "--format %s: expected yaml or json", o->format);
    if (project_options(cli, &load, &env, err) < 0)
        return -1;
    for (; *arguments; arguments++)
        vec_push_in(&cli->arena, &load.services, *arguments);
    load.raw = o->no_interpolate;
    load.keep_paths = o->no_path_resolution;
    load.keep_env_files = o->no_env_resolution || list;
    load.unchecked = o->no_consistency;
    if (compose_load(&load, &cli->arena, &project, err) < 0)
        return -1;
    int code = print(o, cli, &project, err);
    compose_project_done(&project);
    return code;
}

const struct cli_command command_config = {
    .name = "config",
    .arguments = "[OPTIONS] [SERVICE...]",
    .summary = "Check compose files and print what they mean, in canonical form",
    .options = options,
    .options_size = sizeof(struct options),
    .most = SIZE_MAX,
    .run = run,
};
