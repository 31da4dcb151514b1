#include "cli/stack.h"

#include "base/str.h"
#include "cli/print.h"
#include "compose/to_spec.h"
#include "compose/unsupported.h"
#include "http/uri.h"

#include <limits.h>
#include <stdlib.h>

static int tell_unsupported(struct cli *cli, const struct compose_project *project, bool strict, struct err *err)
{
    struct strings lines = {0};
    compose_unsupported(&cli->arena, project, &lines);
    vec_foreach (line, &lines)
        cli_warn(cli, *line);
    if (strict && lines.count)
        return err_set(err, ERR_UNSUPPORTED, "--strict: %zu key%s of the compose file would have no effect",
                       lines.count, lines.count == 1 ? "" : "s");
    return 0;
}

static int load_files(struct cli *cli, struct loaded *ret, struct err *err)
{
    *ret = (struct loaded){0};
    if (project_options(cli, &ret->options, &ret->env, err) < 0)
        return -1;
    return compose_load(&ret->options, &cli->arena, &ret->project, err);
}

/* Enables the profiles of a service that is named and that no profile enables. */
static int enable(struct cli *cli, const struct loaded *loaded, const char *service, bool *ret_again, struct err *err)
{
    const struct yaml *disabled = yaml_get(loaded->project.disabled, service);
    const struct yaml *profiles = yaml_get(disabled, "profiles");
    if (yaml_get(yaml_get(loaded->project.model, "services"), service))
        return 0;
    if (!profiles || profiles->kind != YAML_LIST)
        return err_set(err, ERR_NOT_FOUND, "no such service in the compose file: %s", service);
    for (size_t i = 0; i < profiles->list.count; i++)
        vec_push_in(&cli->arena, &cli->globals.profiles,
                    arena_strdup(&cli->arena, yaml_text(&cli->arena, profiles->list.items[i])));
    *ret_again = true;
    return 0;
}

int stack_load(struct cli *cli, char **services, bool strict, struct loaded *ret, struct err *err)
{
    bool again = false;
    if (load_files(cli, ret, err) < 0)
        return -1;
    for (; services && *services; services++)
        if (enable(cli, ret, *services, &again, err) < 0)
            return -1;
    if (again) {
        loaded_done(ret);
        if (load_files(cli, ret, err) < 0)
            return -1;
    }
    if (tell_unsupported(cli, &ret->project, strict, err) < 0)
        return -1;
    return compose_to_spec(&ret->options, &ret->project, &cli->arena, &ret->spec, err);
}

void loaded_done(struct loaded *loaded)
{
    compose_project_done(&loaded->project);
    env_done(&loaded->env);
}

static void project_done(struct compose_project *project)
{
    compose_project_done(project);
}

int stack_name(struct cli *cli, const char **ret, struct err *err)
{
    struct compose_options options = {0};
    struct compose_project project cleanup(project_done) = {0};
    struct env env cleanup(env_done) = {0};
    const char *name = cli->globals.project_name ? cli->globals.project_name : getenv("COMPOSE_PROJECT_NAME");
    if (!str_empty(name)) {
        *ret = name;
        return 0;
    }
    if (project_options(cli, &options, &env, err) < 0)
        return -1;
    options.keep_env_files = options.unchecked = options.keep_unused = true;
    if (compose_load(&options, &cli->arena, &project, err) < 0)
        return -1;
    *ret = arena_strdup(&cli->arena, project.name);
    return 0;
}

int stack_put_scale(struct arena *arena, const struct strings *texts, const char *key, struct json_out *out,
                    struct err *err)
{
    json_key(out, key);
    json_put_object(out);
    vec_foreach (text, texts) {
        char *rest = arena_strdup(arena, *text), *service = str_split(&rest, '=');
        int number;
        if (!*service || !rest || !str_to_int(rest, 0, INT_MAX, &number))
            return err_set(err, ERR_INVALID, "%s: expected SERVICE=NUMBER, as in web=5", *text);
        json_key_int(out, service, number);
    }
    json_put_object_end(out);
    return 0;
}

/* --- Containers */

const char *stack_label(const json_value *container, const char *label)
{
    const char *value = json_get_text(json_get(container, "Labels"), label);
    return value ? value : "";
}

const char *stack_container_name(struct arena *arena, const json_value *container)
{
    const char *name = json_as_text(json_at(json_get(container, "Names"), 0));
    if (!name)
        name = json_get_text(container, "Id");
    return arena_strdup(arena, name && name[0] == '/' ? name + 1 : name ? name : "");
}

const char *stack_replica_label(struct arena *arena, const json_value *container)
{
    const char *service = stack_label(container, STACK_LABEL_SERVICE),
               *number = stack_label(container, STACK_LABEL_NUMBER);
    return *number ? arena_printf(arena, "%s-%s", service, number) : arena_strdup(arena, service);
}

static int list_target(const struct daemon *daemon, const char *stack, const struct stack_query *query,
                       const char **ret, struct err *err)
{
    struct buf target cleanup(buf_done) = BUF(1 << 16);
    struct strings filters = {0};
    const char *text;
    vec_push_in(daemon->arena, &filters, arena_printf(daemon->arena, "label=" STACK_LABEL_PROJECT "=%s", stack));
    if (!query->oneoff)
        vec_push_in(daemon->arena, &filters, arena_strdup(daemon->arena, "label=" STACK_LABEL_ONEOFF "=False"));
    if (filters_json(daemon->arena, &filters, &text, err) < 0)
        return -1;
    buf_adds(&target, "/containers/json");
    http_query_add(&target, "all", query->all ? "1" : NULL);
    http_query_add(&target, "filters", text);
    *ret = arena_strdup(daemon->arena, buf_str(&target));
    return 0;
}

static bool is_wanted(const json_value *container, char **services)
{
    return !services || !*services ||
           str_in(stack_label(container, STACK_LABEL_SERVICE), (const char *const *)services);
}

static int compare(const void *a, const void *b)
{
    const json_value *left = *(json_value *const *)a, *right = *(json_value *const *)b;
    int order = strcmp(stack_label(left, STACK_LABEL_SERVICE), stack_label(right, STACK_LABEL_SERVICE));
    if (order)
        return order;
    return atoi(stack_label(left, STACK_LABEL_NUMBER)) - atoi(stack_label(right, STACK_LABEL_NUMBER));
}

int stack_containers(const struct daemon *daemon, const char *stack, const struct stack_query *query,
                     struct stack_list *ret, struct err *err)
{
    const char *target;
    *ret = (struct stack_list){0};
    if (list_target(daemon, stack, query, &target, err) < 0 || daemon_get(daemon, target, &ret->json, err) < 0)
        return -1;
    for (size_t i = 0; i < json_count(ret->json); i++)
        if (is_wanted(json_at(ret->json, i), query->services))
            vec_push(&ret->containers, json_at(ret->json, i));
    if (ret->containers.count)
        qsort(ret->containers.items, ret->containers.count, sizeof(*ret->containers.items), compare);
    return 0;
}

void stack_list_done(struct stack_list *list)
{
    vec_done(&list->containers);
    json_free(list->json);
}
