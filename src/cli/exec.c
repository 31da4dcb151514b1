/* exec: a command in a container of a service. */
#include "base/str.h"
#include "cli/commands.h"
#include "cli/session.h"
#include "cli/stack.h"

#include <unistd.h>

struct options {
    struct session_exec exec;
    int64_t index;
    bool no_tty;
};

static const struct cli_option options[] = {
    CLI_OPTION(struct options, index, "index", 0, NUMBER, "N", "In the service's Nth container (default: the first)"),
    CLI_OPTION(struct options, exec.interactive, "interactive", 'i', FLAG,
               .help = "Pass standard input on, as it does unless --detach"),
    CLI_OPTION(struct options, exec.tty, "tty", 't', FLAG, .help = "Give it a terminal, as it does where this is one"),
    CLI_OPTION(struct options, no_tty, "no-tty", 'T', FLAG, .help = "No terminal"),
    CLI_OPTION(struct options, exec.detach, "detach", 'd', FLAG, .help = "Leave it in the background"),
    CLI_OPTION(struct options, exec.env, "env", 'e', TEXTS, "KEY=VALUE", "A variable"),
    CLI_OPTION(struct options, exec.user, "user", 'u', TEXT, "USER[:GROUP]", "Who it runs as"),
    CLI_OPTION(struct options, exec.workdir, "workdir", 'w', TEXT, "DIR", "Where it runs"),
    CLI_OPTION(struct options, exec.privileged, "privileged", 0, FLAG, .help = "With all capabilities"),
    CLI_OPTION(struct options, exec.detach_keys, "detach-keys", 0, TEXT, "KEYS",
               "Keys that leave it running: ctrl-p,ctrl-q"),
    {0},
};

static int find_container(const struct daemon *daemon, const char *stack, char *service, int64_t index,
                          const char **ret, struct err *err)
{
    char *services[] = {service, NULL};
    const struct stack_query query = {.services = services};
    struct stack_list list cleanup(stack_list_done) = {0};
    if (stack_containers(daemon, stack, &query, &list, err) < 0)
        return -1;
    vec_foreach (container, &list.containers) {
        int64_t number = 0;
        (void)str_to_i64(stack_label(*container, STACK_LABEL_NUMBER), &number);
        if (index && number != index)
            continue;
        *ret = arena_strdup(daemon->arena, json_get_text(*container, "Id"));
        return *ret ? 0 : err_set(err, ERR_INTERNAL, "the daemon listed a container without an ID");
    }
    if (index)
        return err_set(err, ERR_NOT_FOUND, "container %lld of service %s does not run", (long long)index, service);
    return err_set(err, ERR_NOT_FOUND, "no container of service %s runs in stack %s", service, stack);
}

static int run(struct cli *cli, const void *values, char **arguments, struct err *err)
{
    const struct options *o = values;
    struct session_exec exec = o->exec;
    struct daemon daemon;
    const char *stack;
    if (daemon_find(cli, &daemon, err) < 0 || stack_name(cli, &stack, err) < 0 ||
        find_container(&daemon, stack, arguments[0], o->index, &exec.container, err) < 0)
        return -1;
    exec.command = arguments + 1;
    exec.interactive = !exec.detach;
    exec.tty = !o->no_tty && (exec.tty || (isatty(STDIN_FILENO) && isatty(STDOUT_FILENO)));
    return session_run_exec(&daemon, &exec, err);
}

const struct cli_command command_exec = {
    .name = "exec",
    .arguments = "[OPTIONS] SERVICE COMMAND [ARGUMENT...]",
    .summary = "Run a command in a container of a service; exits with its status",
    .options = options,
    .options_size = sizeof(struct options),
    .least = 2,
    .most = SIZE_MAX,
    .stop_at_argument = true,
    .run = run,
};
