/* container stop, container rm: the same to each of several containers. */
#include "cli/commands.h"
#include "cli/daemon.h"
#include "cli/print.h"
#include "http/uri.h"

#include <stdio.h>

struct stop_options {
    const char *time, *signal;
    bool json;
};

static const struct cli_option stop_options[] = {
    CLI_OPTION(struct stop_options, time, "time", 't', TEXT, "SECONDS",
               "Wait so long before killing it (default: the container's own, else 10)"),
    CLI_OPTION(struct stop_options, signal, "signal", 's', TEXT, "SIGNAL", "Instead of the container's stop signal"),
    CLI_OPTION(struct stop_options, json, "json", 0, FLAG, .help = "Print JSON, a line for each"),
    {0},
};

struct rm_options {
    bool force, volumes, json;
};

static const struct cli_option rm_options[] = {
    CLI_OPTION(struct rm_options, force, "force", 'f', FLAG, .help = "Kill it first where it runs"),
    CLI_OPTION(struct rm_options, volumes, "volumes", 'v', FLAG, .help = "Remove its anonymous volumes, too"),
    CLI_OPTION(struct rm_options, json, "json", 0, FLAG, .help = "Print JSON, a line for each"),
    {0},
};

/* One line for what was done: the name, or {"container":"name","done":"stopped"}. */
static void print_done(const char *name, const char *what, bool json)
{
    struct buf text cleanup(buf_done) = BUF(1 << 16);
    struct json_out out = {.buf = &text};
    if (!json) {
        puts(name);
        return;
    }
    json_put_object(&out);
    json_key_string(&out, "container", name);
    json_key_string(&out, "done", what);
    json_put_object_end(&out);
    puts(buf_str(&text));
}

struct deed {
    enum http_method method;
    const char *path; /* behind /containers/NAME */
    const char *done; /* what is said of it afterwards */
    void (*add_options)(struct buf *target, const void *options);
};

static int to_each(struct cli *cli, const struct deed *deed, const void *options, bool json, char **names,
                   struct err *err)
{
    struct daemon daemon;
    struct several several = {0};
    if (daemon_find(cli, &daemon, err) < 0)
        return -1;
    for (; *names; names++) {
        struct buf target cleanup(buf_done) = BUF(1 << 16);
        buf_printf(&target, "/containers/%s%s", daemon_encode(&daemon, *names), deed->path);
        deed->add_options(&target, options);
        if (daemon_call(&daemon, deed->method, buf_str(&target), NULL, NULL, err) < 0)
            several_failed(&several, err);
        else
            print_done(*names, deed->done, json);
    }
    return several.code;
}

static void add_stop_options(struct buf *target, const void *options)
{
    const struct stop_options *o = options;
    http_query_add(target, "t", o->time);
    http_query_add(target, "signal", o->signal);
}

static int run_stop(struct cli *cli, const void *values, char **arguments, struct err *err)
{
    static const struct deed stop = {HTTP_METHOD_POST, "/stop", "stopped", add_stop_options};
    return to_each(cli, &stop, values, ((const struct stop_options *)values)->json, arguments, err);
}

static void add_rm_options(struct buf *target, const void *options)
{
    const struct rm_options *o = options;
    http_query_add(target, "force", o->force ? "1" : NULL);
    http_query_add(target, "v", o->volumes ? "1" : NULL);
}

static int run_rm(struct cli *cli, const void *values, char **arguments, struct err *err)
{
    static const struct deed remove = {HTTP_METHOD_DELETE, "", "removed", add_rm_options};
    return to_each(cli, &remove, values, ((const struct rm_options *)values)->json, arguments, err);
}

const struct cli_command command_container_stop = {
    .name = "container stop",
    .arguments = "[OPTIONS] CONTAINER...",
    .summary = "Stop containers",
    .options = stop_options,
    .options_size = sizeof(struct stop_options),
    .least = 1,
    .most = SIZE_MAX,
    .run = run_stop,
};

const struct cli_command command_container_rm = {
    .name = "container rm",
    .arguments = "[OPTIONS] CONTAINER...",
    .summary = "Remove containers",
    .options = rm_options,
    .options_size = sizeof(struct rm_options),
    .least = 1,
    .most = SIZE_MAX,
    .run = run_rm,
};
