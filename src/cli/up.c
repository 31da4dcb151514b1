/* up, and plan, which says what up would do. */
#include "base/clock.h"
#include "base/str.h"
#include "cli/action.h"
#include "cli/commands.h"
#include "cli/print.h"
#include "cli/stack_follow.h"
#include "cli/table.h"

#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#define STACK_MAX ((size_t)64 << 20)

struct options {
    bool detach, wait, strict, no_deps, no_start, force_recreate, no_recreate, remove_orphans, quiet, json;
    bool no_color, no_log_prefix;
    const char *pull, *timeout;
    struct strings scale;
};

#define PLAN_OPTIONS                                                                                                   \
    CLI_OPTION(struct options, scale, "scale", 0, TEXTS, "SERVICE=NUMBER", "So many replicas of a service"),           \
        CLI_OPTION(struct options, strict, "strict", 0, FLAG,                                                          \
                   .help = "Refuse a file with keys that would have no effect, instead of naming them"),               \
        CLI_OPTION(struct options, pull, "pull", 0, TEXT, "WHEN", "missing, always or never, whatever services say"),  \
        CLI_OPTION(struct options, no_deps, "no-deps", 0, FLAG, .help = "Without what the named services depend on"),  \
        CLI_OPTION(struct options, no_start, "no-start", 0, FLAG, .help = "Create containers, and do not start them"), \
        CLI_OPTION(struct options, force_recreate, "force-recreate", 0, FLAG,                                          \
                   .help = "Make containers again even where nothing changed"),                                        \
        CLI_OPTION(struct options, no_recreate, "no-recreate", 0, FLAG,                                                \
                   .help = "Leave containers as they are even where something changed"),                               \
        CLI_OPTION(struct options, remove_orphans, "remove-orphans", 0, FLAG,                                          \
                   .help = "Remove containers of services that the file has no more")

static const struct cli_option up_options[] = {
    CLI_OPTION(struct options, detach, "detach", 'd', FLAG, .help = "Return when it is up; else its logs are shown"),
    CLI_OPTION(struct options, wait, "wait", 0, FLAG, .help = "Return when all of it runs and is healthy"),
    PLAN_OPTIONS,
    CLI_OPTION(struct options, timeout, "timeout", 't', TEXT, "SECONDS", "Kill what has not stopped after so long"),
    CLI_OPTION(struct options, quiet, "quiet", 'q', FLAG, .help = "No progress"),
    CLI_OPTION(struct options, no_color, "no-color", 0, FLAG, .help = "No colours in logs"),
    CLI_OPTION(struct options, no_log_prefix, "no-log-prefix", 0, FLAG, .help = "No names before the lines of logs"),
    CLI_OPTION(struct options, json, "json", 0, FLAG,
               .help = "Print JSON: the events of the action and the logs, a line for each"),
    {0},
};

static const struct cli_option plan_options[] = {
    PLAN_OPTIONS,
    CLI_OPTION(struct options, json, "json", 0, FLAG, .help = "Print JSON: the steps"),
    {0},
};

/* --- The request */

static int check(const struct options *o, struct err *err)
{
    int seconds;
    if (o->pull && !str_in(o->pull, (const char *const[]){"missing", "always", "never", NULL}))
        return err_set(err, ERR_INVALID, "--pull %s: expected missing, always or never", o->pull);
    if (o->timeout && !str_to_int(o->timeout, -1, INT_MAX, &seconds))
        return err_set(err, ERR_INVALID, "--timeout %s: expected a number of seconds", o->timeout);
    if (o->force_recreate && o->no_recreate)
        return err_set(err, ERR_INVALID, "--force-recreate and --no-recreate exclude each other");
    return 0;
}

static int put_options(struct cli *cli, const struct options *o, char **services, struct json_out *out, struct err *err)
{
    const struct {
        const char *key;
        bool value;
    } flags[] = {
        {"no_deps", o->no_deps},
        {"no_start", o->no_start},
        {"force_recreate", o->force_recreate},
        {"no_recreate", o->no_recreate},
        {"remove_orphans", o->remove_orphans},
        {"wait", o->wait},
    };
    json_put_object(out);
    json_key(out, "services");
    json_put_array(out);
    for (; *services; services++)
        json_put_string(out, *services);
    json_put_array_end(out);
    for (size_t i = 0; i < ARRAY_SIZE(flags); i++)
        if (flags[i].value)
            json_key_bool(out, flags[i].key, true);
    if (o->pull)
        json_key_string(out, "pull", o->pull);
    if (o->timeout) {
        json_key(out, "timeout");
        json_put_raw(out, o->timeout);
    }
    if (o->scale.count && stack_put_scale(&cli->arena, &o->scale, "scale", out, err) < 0)
        return -1;
    json_put_object_end(out);
    return 0;
}

/* {"spec": STACK, "options": OPTIONS} */
static int put_request(struct cli *cli, const struct options *o, const struct loaded *loaded, char **services,
                       struct buf *body, struct err *err)
{
    struct json_out out = {.buf = body};
    json_put_object(&out);
    json_key(&out, "spec");
    fields_write(&stack_spec_table, &loaded->spec, &out);
    json_key(&out, "options");
    if (put_options(cli, o, services, &out, err) < 0)
        return -1;
    json_put_object_end(&out);
    return buf_failed(body) ? err_set(err, ERR_LIMIT, "the stack is larger than %zu MiB", STACK_MAX >> 20) : 0;
}

/* --- Logs of what is up */

struct attached {
    const struct daemon *daemon;
    const char *stop_target;
    bool json;
    bool interrupted;
};

/* The first interrupt stops the stack as it wants to be stopped, the second kills it, the third leaves it alone. */
static void interrupted(void *data, int times)
{
    struct attached *attached = data;
    struct buf body cleanup(buf_done) = BUF(64);
    struct err err;
    attached->interrupted = true;
    if (times > 2)
        _exit(EXIT_CANCELLED);
    if (!attached->json)
        (void)fprintf(stderr, times == 1 ? "stopping; once more kills\n" : "killing\n");
    buf_adds(&body, times == 1 ? "{}" : "{\"timeout\":0}");
    if (daemon_post(attached->daemon, attached->stop_target, &body, NULL, &err) < 0)
        (void)fprintf(stderr, "shoal: %s\n", err.message);
}

/* The services whose logs are shown: those that are named, but for those with attach: false. */
static char **shown_services(struct arena *arena, const struct stack_spec *spec, char **named)
{
    struct strings shown = {0};
    vec_foreach (service, &spec->services)
        if (service->attach_logs && (!*named || str_in(service->name, (const char *const *)named)))
            vec_push_in(arena, &shown, service->name);
    vec_push_in(arena, &shown, NULL);
    return shown.items;
}

static int show_logs(const struct daemon *daemon, const struct options *o, const struct stack_spec *spec,
                     char **services, int64_t since_ns, struct err *err)
{
    struct arena *arena = daemon->arena;
    struct attached attached = {
        .daemon = daemon,
        .stop_target = arena_printf(arena, "/shoal/v1/stacks/%s/stop", daemon_encode(daemon, spec->name)),
        .json = o->json,
    };
    const struct log_query query = {
        .follow = true,
        .since = arena_printf(arena, "%lld.%09lld", (long long)(since_ns / NS_PER_S), (long long)(since_ns % NS_PER_S)),
        .json = o->json,
        .plain = o->no_color,
        .unlabelled = o->no_log_prefix,
    };
    const struct stack_follow_options follow = {
        .daemon = daemon,
        .stack = spec->name,
        .services = shown_services(arena, spec, services),
        .query = &query,
        .interrupted = interrupted,
        .data = &attached,
    };
    if (!follow.services[0])
        return EXIT_DONE;
    if (stack_follow(&follow, err) < 0)
        return -1;
    return attached.interrupted ? EXIT_CANCELLED : EXIT_DONE;
}

/* --- The commands */

static int run_up(struct cli *cli, const void *values, char **arguments, struct err *err)
{
    const struct options *o = values;
    const struct action_view view = {.json = o->json, .quiet = o->quiet};
    struct buf body cleanup(buf_done) = BUF(STACK_MAX);
    struct loaded loaded cleanup(loaded_done) = {0};
    struct daemon daemon;
    int64_t since_ns = clock_realtime_ns();
    if (check(o, err) < 0 || daemon_find(cli, &daemon, err) < 0 ||
        stack_load(cli, arguments, o->strict, &loaded, err) < 0 ||
        put_request(cli, o, &loaded, arguments, &body, err) < 0)
        return -1;
    const char *target = arena_printf(&cli->arena, "/shoal/v1/stacks/%s", daemon_encode(&daemon, loaded.spec.name));
    int code = action_run(&daemon, HTTP_METHOD_PUT, target, &body, &view, err);
    if (code != EXIT_DONE || o->detach || o->wait || o->no_start)
        return code;
    return show_logs(&daemon, o, &loaded.spec, arguments, since_ns, err);
}

static void print_steps(const json_value *steps)
{
    struct table table cleanup(table_done) = {.columns = 3};
    for (size_t i = 0; i < json_count(steps); i++) {
        const json_value *step = json_at(steps, i);
        table_row(&table, json_get_text(step, "kind"), json_get_text(step, "name"), json_get_text(step, "reason"));
    }
    if (json_count(steps))
        table_print(&table, stdout);
    else
        puts("nothing to do");
}

static int run_plan(struct cli *cli, const void *values, char **arguments, struct err *err)
{
    const struct options *o = values;
    struct buf body cleanup(buf_done) = BUF(STACK_MAX);
    struct loaded loaded cleanup(loaded_done) = {0};
    json_value *answer cleanup(json_freep) = NULL;
    struct daemon daemon;
    if (check(o, err) < 0 || daemon_find(cli, &daemon, err) < 0 ||
        stack_load(cli, arguments, o->strict, &loaded, err) < 0 ||
        put_request(cli, o, &loaded, arguments, &body, err) < 0)
        return -1;
    const char *target =
        arena_printf(&cli->arena, "/shoal/v1/stacks/%s/plan", daemon_encode(&daemon, loaded.spec.name));
    if (daemon_post(&daemon, target, &body, &answer, err) < 0)
        return -1;
    if (o->json)
        print_json(json_get(answer, "steps"));
    else
        print_steps(json_get(answer, "steps"));
    return EXIT_DONE;
}

const struct cli_command command_up = {
    .name = "up",
    .arguments = "[OPTIONS] [SERVICE...]",
    .summary = "Bring the stack up: create and start what its compose file says",
    .options = up_options,
    .options_size = sizeof(struct options),
    .most = SIZE_MAX,
    .run = run_up,
};

const struct cli_command command_plan = {
    .name = "plan",
    .arguments = "[OPTIONS] [SERVICE...]",
    .summary = "Print what up would do, and why; change nothing",
    .options = plan_options,
    .options_size = sizeof(struct options),
    .most = SIZE_MAX,
    .run = run_plan,
};
