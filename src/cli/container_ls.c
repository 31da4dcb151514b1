#include "base/clock.h"
#include "base/str.h"
#include "cli/commands.h"
#include "cli/daemon.h"
#include "cli/human.h"
#include "cli/print.h"
#include "cli/shown.h"
#include "cli/table.h"
#include "http/uri.h"

struct options {
    bool all, quiet, no_trunc, json;
    struct strings filters;
    int64_t last;
};

static const struct cli_option options[] = {
    CLI_OPTION(struct options, all, "all", 'a', FLAG, .help = "Those that do not run, too"),
    CLI_OPTION(struct options, filters, "filter", 'f', TEXTS, "NAME=VALUE",
               "Only those that fit: status=running, label=a=b, name=web, network=n, ancestor=image …"),
    CLI_OPTION(struct options, last, "last", 'n', NUMBER, "N", "Only the last N created, whatever their state"),
    CLI_OPTION(struct options, quiet, "quiet", 'q', FLAG, .help = "Print IDs only"),
    CLI_OPTION(struct options, no_trunc, "no-trunc", 0, FLAG, .help = "Print IDs and commands in full"),
    CLI_OPTION(struct options, json, "json", 0, FLAG, .help = "Print JSON: what the daemon's API answers"),
    {0},
};

static const char *names_text(struct arena *arena, const json_value *names)
{
    struct buf text cleanup(buf_done) = BUF(1 << 16);
    for (size_t i = 0; i < json_count(names); i++) {
        const char *name = json_as_text(json_at(names, i));
        buf_printf(&text, "%s%s", i ? "," : "", name && name[0] == '/' ? name + 1 : name);
    }
    return arena_strdup(arena, buf_str(&text));
}

static const char *shortened(struct arena *arena, const char *text, size_t max, bool whole)
{
    return !text ? "" : whole || strlen(text) <= max ? text : arena_strndup(arena, text, max);
}

static void print_table(const struct options *o, struct arena *arena, const json_value *list)
{
    struct table table cleanup(table_done) = {.columns = 7};
    table_row(&table, "CONTAINER ID", "IMAGE", "COMMAND", "CREATED", "STATUS", "PORTS", "NAMES");
    for (size_t i = 0; i < json_count(list); i++) {
        const json_value *container = json_at(list, i);
        char age[AGE_TEXT_MAX];
        age_text(json_as_int(json_get(container, "Created"), 0) * NS_PER_S, clock_realtime_ns(), age);
        table_row(&table, shortened(arena, json_get_text(container, "Id"), SHOWN_ID, o->no_trunc),
                  json_get_text(container, "Image"),
                  shown_command(arena, json_get_text(container, "Command"), o->no_trunc), age,
                  json_get_text(container, "Status"), shown_ports(arena, json_get(container, "Ports")),
                  names_text(arena, json_get(container, "Names")));
    }
    table_print(&table, stdout);
}

static int run(struct cli *cli, const void *values, char **arguments, struct err *err)
{
    const struct options *o = values;
    struct daemon daemon;
    struct buf target cleanup(buf_done) = BUF(1 << 20);
    json_value *list cleanup(json_freep) = NULL;
    const char *filters;
    if (daemon_find(cli, &daemon, err) < 0 || filters_json(&cli->arena, &o->filters, &filters, err) < 0)
        return -1;
    buf_adds(&target, "/containers/json");
    http_query_add(&target, "all", o->all ? "1" : NULL);
    http_query_add(&target, "limit", o->last ? arena_printf(&cli->arena, "%lld", (long long)o->last) : NULL);
    http_query_add(&target, "filters", filters);
    if (daemon_get(&daemon, buf_str(&target), &list, err) < 0)
        return -1;
    if (o->json)
        print_json(list);
    else if (o->quiet)
        for (size_t i = 0; i < json_count(list); i++)
            puts(shortened(&cli->arena, json_get_text(json_at(list, i), "Id"), SHOWN_ID, o->no_trunc));
    else
        print_table(o, &cli->arena, list);
    return EXIT_DONE;
}

const struct cli_command command_container_ls = {
    .name = "container ls",
    .arguments = "[OPTIONS]",
    .summary = "List containers",
    .options = options,
    .options_size = sizeof(struct options),
    .run = run,
};
