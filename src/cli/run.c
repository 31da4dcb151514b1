/* run: one more container of a service, with another command, beside its replicas. */
#include "base/id.h"
#include "base/str.h"
#include "cli/action.h"
#include "cli/commands.h"
#include "cli/container_options.h"
#include "cli/create.h"
#include "cli/session.h"
#include "cli/stack.h"
#include "plan/plan.h"

#include <stdio.h>
#include <unistd.h>

#define STACK_MAX ((size_t)64 << 20)
#define SLUG_SIZE 12 /* hex digits that tell its name from others */

struct options {
    bool detach, interactive, no_tty, remove, no_deps, service_ports, quiet, json;
    const char *name, *user, *workdir, *entrypoint, *pull;
    struct strings env, labels, volumes, publish;
};

static const struct cli_option options[] = {
    CLI_OPTION(struct options, detach, "detach", 'd', FLAG, .help = "Leave it in the background, print its name"),
    CLI_OPTION(struct options, interactive, "interactive", 'i', FLAG,
               .help = "Pass standard input on, as it does unless --detach"),
    CLI_OPTION(struct options, no_tty, "no-tty", 'T', FLAG, .help = "No terminal, even where this is one"),
    CLI_OPTION(struct options, remove, "rm", 0, FLAG, .help = "Remove it when it has ended"),
    CLI_OPTION(struct options, name, "name", 0, TEXT, "NAME", "Its name"),
    CLI_OPTION(struct options, env, "env", 'e', TEXTS, "KEY[=VALUE]", "A variable"),
    CLI_OPTION(struct options, labels, "label", 'l', TEXTS, "KEY[=VALUE]", "A label"),
    CLI_OPTION(struct options, volumes, "volume", 'v', TEXTS, "[SOURCE:]TARGET[:OPTIONS]", "A volume more"),
    CLI_OPTION(struct options, publish, "publish", 'p', TEXTS, "[[IP:]HOST:]PORT[/PROTOCOL]", "A port"),
    CLI_OPTION(struct options, service_ports, "service-ports", 'P', FLAG, .help = "Publish the service's ports, too"),
    CLI_OPTION(struct options, user, "user", 'u', TEXT, "USER[:GROUP]", "Who it runs as"),
    CLI_OPTION(struct options, workdir, "workdir", 'w', TEXT, "DIR", "Where it runs"),
    CLI_OPTION(struct options, entrypoint, "entrypoint", 0, TEXT, "PROGRAM", "Instead of the service's"),
    CLI_OPTION(struct options, no_deps, "no-deps", 0, FLAG, .help = "Do not start what the service depends on"),
    CLI_OPTION(struct options, pull, "pull", 0, TEXT, "WHEN", "missing (the default), always, never"),
    CLI_OPTION(struct options, quiet, "quiet", 'q', FLAG, .help = "No progress"),
    CLI_OPTION(struct options, json, "json", 0, FLAG, .help = "Print JSON: with --detach the new container's name"),
    {0},
};

/* --- What it needs to be there */

/* Brings up what the service depends on, as `up` would. */
static int start_dependencies(const struct daemon *daemon, const struct options *o, const struct stack_spec *stack,
                              const struct service_spec *service, struct err *err)
{
    const struct action_view view = {.json = false, .quiet = o->quiet || o->json};
    struct buf body cleanup(buf_done) = BUF(STACK_MAX);
    struct json_out out = {.buf = &body};
    bool wait = false;
    if (o->no_deps || !service->depends_on.count)
        return EXIT_DONE;
    json_put_object(&out);
    json_key(&out, "spec");
    fields_write(&stack_spec_table, stack, &out);
    json_key(&out, "options");
    json_put_object(&out);
    json_key(&out, "services");
    json_put_array(&out);
    vec_foreach (dependency, &service->depends_on) {
        json_put_string(&out, dependency->service);
        wait |= dependency->condition == DEPENDS_HEALTHY;
    }
    json_put_array_end(&out);
    json_key_bool(&out, "wait", wait);
    json_put_object_end(&out);
    json_put_object_end(&out);
    const char *target = arena_printf(daemon->arena, "/shoal/v1/stacks/%s", daemon_encode(daemon, stack->name));
    return action_run(daemon, HTTP_METHOD_PUT, target, &body, &view, err);
}

/* --- The container */

static void set_label(struct container_spec *spec, struct arena *arena, const char *key, const char *value)
{
    vec_foreach (label, &spec->labels)
        if (str_eq(label->key, key)) {
            label->value = arena_strdup(arena, value);
            return;
        }
    vec_push_in(arena, &spec->labels, ((struct pair){arena_strdup(arena, key), arena_strdup(arena, value)}));
}

static void take_strings(struct arena *arena, const struct strings *from, struct strings *to)
{
    struct strings all = {0};
    vec_foreach (text, to)
        vec_push_in(arena, &all, *text);
    vec_foreach (text, from)
        vec_push_in(arena, &all, *text);
    *to = all;
}

/* What the command line adds to the service's definition, read as `container run` reads it. */
static int apply(const struct options *o, char **command, struct arena *arena, struct container_spec *spec,
                 struct err *err)
{
    const struct container_options given = {
        .detach = o->detach,
        .interactive = !o->detach,
        .tty = !o->detach && !o->no_tty && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO),
        .remove = o->remove,
        .env = o->env,
        .labels = o->labels,
        .volumes = o->volumes,
        .publish = o->publish,
        .user = o->user,
        .workdir = o->workdir,
        .entrypoint = o->entrypoint,
    };
    struct container_spec ours;
    if (container_options_spec(&given, spec->image, command, arena, &ours, err) < 0)
        return -1;
    spec->tty = ours.tty;
    spec->open_stdin = ours.open_stdin;
    spec->stdin_once = ours.stdin_once;
    spec->attach_stdin = ours.attach_stdin;
    spec->attach_stdout = ours.attach_stdout;
    spec->attach_stderr = ours.attach_stderr;
    spec->host.auto_remove = ours.host.auto_remove;
    spec->host.restart = (struct restart_policy){0};
    take_strings(arena, &ours.env, &spec->env);
    take_strings(arena, &ours.volumes, &spec->volumes);
    take_strings(arena, &ours.host.binds, &spec->host.binds);
    take_strings(arena, &ours.exposed_ports, &spec->exposed_ports);
    if (!o->service_ports)
        memset(&spec->host.port_bindings, 0, sizeof(spec->host.port_bindings));
    vec_foreach (port, &ours.host.port_bindings)
        vec_push_in(arena, &spec->host.port_bindings, *port);
    vec_foreach (label, &ours.labels)
        set_label(spec, arena, label->key, label->value);
    if (ours.user)
        spec->user = ours.user;
    if (ours.working_dir)
        spec->working_dir = ours.working_dir;
    if (o->entrypoint || *command)
        spec->cmd = ours.cmd;
    if (o->entrypoint)
        spec->entrypoint = ours.entrypoint;
    return 0;
}

/* A replica's definition, labelled as one that no `up` looks at. */
static int make_spec(const struct options *o, const struct stack_spec *stack, const struct service_spec *service,
                     char **command, struct arena *arena, struct container_spec *ret, const char **ret_name,
                     struct err *err)
{
    char id[ID_SIZE];
    id_new(id);
    *ret = *plan_replica_spec(stack, service, 1, arena);
    set_label(ret, arena, STACK_LABEL_ONEOFF, "True");
    *ret_name = o->name ? o->name : arena_printf(arena, "%s-%s-run-%.*s", stack->name, service->name, SLUG_SIZE, id);
    return apply(o, command, arena, ret, err);
}

static int start_detached(const struct daemon *daemon, const char *id, const char *name, bool json, struct err *err)
{
    const char *target = arena_printf(daemon->arena, "/containers/%s/start", id);
    if (daemon_post(daemon, target, NULL, NULL, err) < 0)
        return -1;
    printf(json ? "{\"Name\":\"%s\"}\n" : "%s\n", name);
    return EXIT_DONE;
}

static int run(struct cli *cli, const void *values, char **arguments, struct err *err)
{
    const struct options *o = values;
    struct loaded loaded cleanup(loaded_done) = {0};
    struct container_spec spec;
    struct daemon daemon;
    const char *id, *name;
    char *services[] = {arguments[0], NULL};
    if (daemon_find(cli, &daemon, err) < 0 || stack_load(cli, services, false, &loaded, err) < 0)
        return -1;
    const struct service_spec *service = stack_service(&loaded.spec, arguments[0]);
    if (!service)
        return err_set(err, ERR_NOT_FOUND, "no such service in the compose file: %s", arguments[0]);
    if (make_spec(o, &loaded.spec, service, arguments + 1, &cli->arena, &spec, &name, err) < 0 ||
        start_dependencies(&daemon, o, &loaded.spec, service, err) != EXIT_DONE)
        return -1;
    const struct create_options create = {
        .name = name,
        .pull = o->pull,
        .quiet = o->quiet || o->json,
        .stack = &loaded.spec,
        .service = service->name,
    };
    if (create_container(cli, &daemon, &spec, &create, &id, err) < 0)
        return -1;
    if (o->detach)
        return start_detached(&daemon, id, name, o->json, err);
    return session_container(&daemon, id, spec.tty, spec.attach_stdin, o->remove, NULL, err);
}

const struct cli_command command_run = {
    .name = "run",
    .arguments = "[OPTIONS] SERVICE [COMMAND] [ARGUMENT...]",
    .summary = "Run a command in a new container of a service; exits with its status",
    .options = options,
    .options_size = sizeof(struct options),
    .least = 1,
    .most = SIZE_MAX,
    .stop_at_argument = true,
    .run = run,
};
