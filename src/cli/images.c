#include "base/clock.h"
#include "base/str.h"
#include "cli/commands.h"
#include "cli/daemon.h"
#include "cli/human.h"
#include "cli/print.h"
#include "cli/table.h"
#include "http/uri.h"

#include <stdio.h>

#define SHORT_ID 12

struct options {
    bool all, quiet, no_trunc, digests, json;
    struct strings filters;
};

static const struct cli_option options[] = {
    CLI_OPTION(struct options, all, "all", 'a', FLAG, .help = "Those without a name that others are made of, too"),
    CLI_OPTION(struct options, filters, "filter", 'f', TEXTS, "NAME=VALUE",
               "Only those that fit: dangling=true, reference=nginx:*, label=a=b …"),
    CLI_OPTION(struct options, quiet, "quiet", 'q', FLAG, .help = "Print IDs only"),
    CLI_OPTION(struct options, no_trunc, "no-trunc", 0, FLAG, .help = "Print IDs in full"),
    CLI_OPTION(struct options, digests, "digests", 0, FLAG, .help = "Print digests instead of tags"),
    CLI_OPTION(struct options, json, "json", 0, FLAG, .help = "Print JSON: what the daemon's API answers"),
    {0},
};

static const char *shown_id(const struct options *o, struct arena *arena, const json_value *image)
{
    const char *id = json_get_text(image, "Id");
    if (!id || o->no_trunc)
        return id;
    const char *hex = str_after(id, "sha256:");
    return arena_strndup(arena, hex ? hex : id, SHORT_ID);
}

static void print_row(const struct options *o, struct arena *arena, struct table *table, const json_value *image,
                      const char *name)
{
    char age[AGE_TEXT_MAX], size[SIZE_TEXT_MAX];
    /* The tag follows the last colon that is not the registry's port, the digest an @. */
    const char *slash = name ? strrchr(name, '/') : NULL;
    const char *mark = name ? strchr(name, '@') : NULL;
    if (name && !mark)
        mark = strrchr(slash ? slash : name, ':');
    age_text(json_as_int(json_get(image, "Created"), 0) * NS_PER_S, clock_realtime_ns(), age);
    size_text(json_as_int(json_get(image, "Size"), 0), size);
    table_row(table, mark ? arena_strndup(arena, name, (size_t)(mark - name)) : "<none>", mark ? mark + 1 : "<none>",
              shown_id(o, arena, image), age, size);
}

static void print_table(const struct options *o, struct arena *arena, const json_value *list)
{
    struct table table cleanup(table_done) = {.columns = 5};
    table_row(&table, "REPOSITORY", o->digests ? "DIGEST" : "TAG", "IMAGE ID", "CREATED", "SIZE");
    for (size_t i = 0; i < json_count(list); i++) {
        const json_value *image = json_at(list, i);
        const json_value *names = json_get(image, o->digests ? "RepoDigests" : "RepoTags");
        for (size_t j = 0; j < json_count(names); j++)
            print_row(o, arena, &table, image, json_as_text(json_at(names, j)));
        if (!json_count(names))
            print_row(o, arena, &table, image, NULL);
    }
    table_print(&table, stdout);
}

static int run(struct cli *cli, const void *values, char **arguments, struct err *err)
{
    const struct options *o = values;
    struct daemon daemon;
    struct buf target cleanup(buf_done) = BUF(1 << 20);
    json_value *list cleanup(json_freep) = NULL;
    struct strings filters = o->filters;
    const char *filters_text;
    if (arguments[0])
        vec_push_in(&cli->arena, &filters, arena_printf(&cli->arena, "reference=%s", arguments[0]));
    if (daemon_find(cli, &daemon, err) < 0 || filters_json(&cli->arena, &filters, &filters_text, err) < 0)
        return -1;
    buf_adds(&target, "/images/json");
    http_query_add(&target, "all", o->all ? "1" : NULL);
    http_query_add(&target, "digests", o->digests ? "1" : NULL);
    http_query_add(&target, "filters", filters_text);
    if (daemon_get(&daemon, buf_str(&target), &list, err) < 0)
        return -1;
    if (o->json)
        print_json(list);
    else if (o->quiet)
        for (size_t i = 0; i < json_count(list); i++)
            puts(shown_id(o, &cli->arena, json_at(list, i)));
    else
        print_table(o, &cli->arena, list);
    return EXIT_DONE;
}

const struct cli_command command_images = {
    .name = "images",
    .arguments = "[OPTIONS] [REFERENCE]",
    .summary = "List the images of the daemon's node",
    .options = options,
    .options_size = sizeof(struct options),
    .most = 1,
    .run = run,
};
