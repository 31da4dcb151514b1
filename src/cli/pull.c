#include "base/str.h"
#include "cli/commands.h"
#include "cli/print.h"
#include "cli/stack.h"
#include "cli/transfer.h"

struct options {
    bool quiet, json, ignore_failures;
    const char *platform;
};

static const struct cli_option options[] = {
    CLI_OPTION(struct options, platform, "platform", 0, TEXT, "OS/ARCH", "For another platform than the daemon's"),
    CLI_OPTION(struct options, ignore_failures, "ignore-pull-failures", 0, FLAG,
               .help = "Go on where an image cannot be pulled, and do not count it as a failure"),
    CLI_OPTION(struct options, quiet, "quiet", 'q', FLAG, .help = "No progress"),
    CLI_OPTION(struct options, json, "json", 0, FLAG, .help = "Print JSON: the lines of the daemon's API"),
    {0},
};

/* The images of the project's services, each once. */
static int images_of_project(struct cli *cli, struct strings *ret, struct err *err)
{
    struct loaded loaded cleanup(loaded_done) = {0};
    if (stack_load(cli, NULL, false, &loaded, err) < 0)
        return -1;
    vec_foreach (service, &loaded.spec.services) {
        bool known = service->build || service->pull_policy == PULL_NEVER;
        vec_foreach (image, ret)
            known |= str_eq(*image, service->container.image);
        if (!known)
            vec_push_in(&cli->arena, ret, service->container.image);
    }
    return 0;
}

static int run(struct cli *cli, const void *values, char **arguments, struct err *err)
{
    const struct options *o = values;
    enum transfer_output output = o->json ? TRANSFER_JSON : o->quiet ? TRANSFER_QUIET : TRANSFER_PROGRESS;
    struct strings images = {0};
    struct several several = {0};
    struct daemon daemon;
    if (daemon_find(cli, &daemon, err) < 0 || (!*arguments && images_of_project(cli, &images, err) < 0))
        return -1;
    for (; *arguments; arguments++)
        vec_push_in(&cli->arena, &images, *arguments);
    vec_foreach (image, &images)
        if (transfer_pull(&daemon, *image, o->platform, output, err) < 0)
            several_failed(&several, err);
    return o->ignore_failures ? EXIT_DONE : several.code;
}

const struct cli_command command_pull = {
    .name = "pull",
    .arguments = "[OPTIONS] [IMAGE...]",
    .summary = "Pull images: those named, or those of the stack's services",
    .options = options,
    .options_size = sizeof(struct options),
    .most = SIZE_MAX,
    .run = run,
};
