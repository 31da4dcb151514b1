#include "base/clock.h"
#include "base/str.h"
#include "cli/commands.h"
#include "cli/human.h"
#include "cli/print.h"
#include "cli/shown.h"
#include "cli/stack.h"
#include "cli/table.h"

#include <stdio.h>

struct options {
    bool all, quiet, services, json;
};

static const struct cli_option options[] = {
    CLI_OPTION(struct options, all, "all", 'a', FLAG, .help = "Those that do not run, and those of 'run', too"),
    CLI_OPTION(struct options, quiet, "quiet", 'q', FLAG, .help = "Print IDs only"),
    CLI_OPTION(struct options, services, "services", 0, FLAG, .help = "Print the names of their services only"),
    CLI_OPTION(struct options, json, "json", 0, FLAG, .help = "Print JSON: what the daemon's API answers"),
    {0},
};

static void print_table(struct arena *arena, const struct stack_list *list)
{
    struct table table cleanup(table_done) = {.columns = 7};
    table_row(&table, "NAME", "IMAGE", "COMMAND", "SERVICE", "CREATED", "STATUS", "PORTS");
    vec_foreach (p, &list->containers) {
        const json_value *container = *p;
        char age[AGE_TEXT_MAX];
        age_text(json_as_int(json_get(container, "Created"), 0) * NS_PER_S, clock_realtime_ns(), age);
        table_row(&table, stack_container_name(arena, container), json_get_text(container, "Image"),
                  shown_command(arena, json_get_text(container, "Command"), false),
                  stack_label(container, STACK_LABEL_SERVICE), age, json_get_text(container, "Status"),
                  shown_ports(arena, json_get(container, "Ports")));
    }
    table_print(&table, stdout);
}

static void print_list(const struct stack_list *list)
{
    struct buf text cleanup(buf_done) = BUF((size_t)256 << 20);
    struct json_out out = {.buf = &text, .indent = 2};
    json_put_array(&out);
    vec_foreach (container, &list->containers)
        json_value_write(*container, &out);
    json_put_array_end(&out);
    puts(buf_str(&text));
}

static void print_services(const struct stack_list *list)
{
    const char *last = "";
    vec_foreach (container, &list->containers) {
        const char *service = stack_label(*container, STACK_LABEL_SERVICE);
        if (!str_eq(service, last))
            puts(service);
        last = service;
    }
}

static int run(struct cli *cli, const void *values, char **arguments, struct err *err)
{
    const struct options *o = values;
    const struct stack_query query = {.all = o->all, .oneoff = o->all, .services = arguments};
    struct stack_list list cleanup(stack_list_done) = {0};
    struct daemon daemon;
    const char *name;
    if (daemon_find(cli, &daemon, err) < 0 || stack_name(cli, &name, err) < 0 ||
        stack_containers(&daemon, name, &query, &list, err) < 0)
        return -1;
    if (o->json)
        print_list(&list);
    else if (o->services)
        print_services(&list);
    else if (!o->quiet)
        print_table(&cli->arena, &list);
    else
        vec_foreach (container, &list.containers)
            puts(json_get_text(*container, "Id"));
    return EXIT_DONE;
}

const struct cli_command command_ps = {
    .name = "ps",
    .arguments = "[OPTIONS] [SERVICE...]",
    .summary = "List the containers of the stack",
    .options = options,
    .options_size = sizeof(struct options),
    .most = SIZE_MAX,
    .run = run,
};
