/* down, start, stop, restart, scale: changes of a stack that the daemon knows. */
#include "base/str.h"
#include "cli/action.h"
#include "cli/commands.h"
#include "cli/stack.h"
#include "http/uri.h"

#include <limits.h>

struct options {
    const char *timeout;
    bool volumes, remove_orphans, quiet, json;
};

#define OPTION_TIMEOUT                                                                                                 \
    CLI_OPTION(struct options, timeout, "timeout", 't', TEXT, "SECONDS",                                               \
               "Kill what has not stopped after so long (default: what each service says, else 10)")
#define OPTION_QUIET CLI_OPTION(struct options, quiet, "quiet", 'q', FLAG, .help = "No progress")
#define OPTION_JSON                                                                                                    \
    CLI_OPTION(struct options, json, "json", 0, FLAG, .help = "Print JSON: the events of the action, a line for each")

static const struct cli_option down_options[] = {
    CLI_OPTION(struct options, volumes, "volumes", 'v', FLAG, .help = "Remove its volumes, too, with what is in them"),
    CLI_OPTION(struct options, remove_orphans, "remove-orphans", 0, FLAG,
               .help = "Remove containers of services that it has no more, too"),
    OPTION_TIMEOUT,
    OPTION_QUIET,
    OPTION_JSON,
    {0},
};
static const struct cli_option stop_options[] = {OPTION_TIMEOUT, OPTION_QUIET, OPTION_JSON, {0}};
static const struct cli_option start_options[] = {OPTION_QUIET, OPTION_JSON, {0}};

static int prepare(struct cli *cli, const struct options *o, struct daemon *daemon, const char **ret_stack,
                   struct err *err)
{
    int seconds;
    if (o->timeout && !str_to_int(o->timeout, -1, INT_MAX, &seconds))
        return err_set(err, ERR_INVALID, "--timeout %s: expected a number of seconds", o->timeout);
    return daemon_find(cli, daemon, err) < 0 ? -1 : stack_name(cli, ret_stack, err);
}

static int run_down(struct cli *cli, const void *values, char **arguments, struct err *err)
{
    const struct options *o = values;
    const struct action_view view = {.json = o->json, .quiet = o->quiet};
    struct buf target cleanup(buf_done) = BUF(4096);
    struct daemon daemon;
    const char *stack;
    if (prepare(cli, o, &daemon, &stack, err) < 0)
        return -1;
    buf_printf(&target, "/shoal/v1/stacks/%s", daemon_encode(&daemon, stack));
    http_query_add(&target, "volumes", o->volumes ? "1" : NULL);
    http_query_add(&target, "orphans", o->remove_orphans ? "1" : NULL);
    http_query_add(&target, "timeout", o->timeout);
    return action_run(&daemon, HTTP_METHOD_DELETE, buf_str(&target), NULL, &view, err);
}

/* {"services":["a"],"timeout":10} */
static int act(struct cli *cli, const struct options *o, const char *verb, char **services, struct err *err)
{
    const struct action_view view = {.json = o->json, .quiet = o->quiet};
    struct buf body cleanup(buf_done) = BUF(1 << 20);
    struct json_out out = {.buf = &body};
    struct daemon daemon;
    const char *stack;
    if (prepare(cli, o, &daemon, &stack, err) < 0)
        return -1;
    json_put_object(&out);
    json_key(&out, "services");
    json_put_array(&out);
    for (; *services; services++)
        json_put_string(&out, *services);
    json_put_array_end(&out);
    if (o->timeout) {
        json_key(&out, "timeout");
        json_put_raw(&out, o->timeout);
    }
    json_put_object_end(&out);
    const char *target = arena_printf(&cli->arena, "/shoal/v1/stacks/%s/%s", daemon_encode(&daemon, stack), verb);
    return action_run(&daemon, HTTP_METHOD_POST, target, &body, &view, err);
}

static int run_start(struct cli *cli, const void *values, char **arguments, struct err *err)
{
    return act(cli, values, "start", arguments, err);
}

static int run_stop(struct cli *cli, const void *values, char **arguments, struct err *err)
{
    return act(cli, values, "stop", arguments, err);
}

static int run_restart(struct cli *cli, const void *values, char **arguments, struct err *err)
{
    return act(cli, values, "restart", arguments, err);
}

/* {"services":{"web":5}} */
static int run_scale(struct cli *cli, const void *values, char **arguments, struct err *err)
{
    const struct options *o = values;
    const struct action_view view = {.json = o->json, .quiet = o->quiet};
    struct buf body cleanup(buf_done) = BUF(1 << 20);
    struct json_out out = {.buf = &body};
    struct strings texts = {0};
    struct daemon daemon;
    const char *stack;
    for (; *arguments; arguments++)
        vec_push_in(&cli->arena, &texts, *arguments);
    json_put_object(&out);
    if (stack_put_scale(&cli->arena, &texts, "services", &out, err) < 0 || prepare(cli, o, &daemon, &stack, err) < 0)
        return -1;
    json_put_object_end(&out);
    const char *target = arena_printf(&cli->arena, "/shoal/v1/stacks/%s/scale", daemon_encode(&daemon, stack));
    return action_run(&daemon, HTTP_METHOD_POST, target, &body, &view, err);
}

#define COMMAND(variable, word, takes, says, table, function, minimum, maximum)                                        \
    const struct cli_command variable = {                                                                              \
        .name = (word),                                                                                                \
        .arguments = (takes),                                                                                          \
        .summary = (says),                                                                                             \
        .options = (table),                                                                                            \
        .options_size = sizeof(struct options),                                                                        \
        .least = (minimum),                                                                                            \
        .most = (maximum),                                                                                             \
        .run = (function),                                                                                             \
    }

COMMAND(command_down, "down", "[OPTIONS]", "Stop and remove the stack's containers and networks", down_options,
        run_down, 0, 0);
COMMAND(command_start, "start", "[OPTIONS] [SERVICE...]", "Start the stack's containers that are stopped",
        start_options, run_start, 0, SIZE_MAX);
COMMAND(command_stop, "stop", "[OPTIONS] [SERVICE...]", "Stop the stack's containers", stop_options, run_stop, 0,
        SIZE_MAX);
COMMAND(command_restart, "restart", "[OPTIONS] [SERVICE...]", "Stop the stack's containers and start them again",
        stop_options, run_restart, 0, SIZE_MAX);
COMMAND(command_scale, "scale", "[OPTIONS] SERVICE=NUMBER...", "Change the numbers of replicas", start_options,
        run_scale, 1, SIZE_MAX);
