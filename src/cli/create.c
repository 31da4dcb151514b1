#include "cli/create.h"

#include "base/str.h"
#include "cli/transfer.h"
#include "http/uri.h"

#define SPEC_MAX ((size_t)64 << 20) /* a stack with its configs and secrets */

static int check_pull(const char *when, struct err *err)
{
    if (when && !str_in(when, (const char *const[]){"missing", "always", "never", NULL}))
        return err_set(err, ERR_INVALID, "--pull %s: expected missing, always or never", when);
    return 0;
}

static int pull(const struct daemon *daemon, const struct create_options *o, const char *image, struct err *err)
{
    return transfer_pull(daemon, image, o->platform, o->quiet ? TRANSFER_QUIET : TRANSFER_PROGRESS, err);
}

/* What the daemon warns of is told, one line each. */
static void print_warnings(struct cli *cli, const json_value *answer)
{
    const json_value *warnings = json_get(answer, "Warnings");
    for (size_t i = 0; i < json_count(warnings); i++)
        if (json_as_text(json_at(warnings, i)))
            cli_warn(cli, json_as_text(json_at(warnings, i)));
}

static void write_body(const struct create_options *o, const struct container_spec *spec, struct json_out *out)
{
    if (!o->stack) {
        fields_write(&container_spec_table, spec, out);
        return;
    }
    json_put_object(out);
    json_key(out, "spec");
    fields_write(&stack_spec_table, o->stack, out);
    json_key_string(out, "service", o->service);
    json_key(out, "container");
    fields_write(&container_spec_table, spec, out);
    json_put_object_end(out);
}

static int create(struct cli *cli, const struct daemon *daemon, const struct create_options *o,
                  const struct container_spec *spec, const char **ret_id, struct err *err)
{
    struct buf target cleanup(buf_done) = BUF(4096), body cleanup(buf_done) = BUF(SPEC_MAX);
    json_value *answer cleanup(json_freep) = NULL;
    struct json_out out = {.buf = &body};
    write_body(o, spec, &out);
    if (o->stack)
        buf_printf(&target, "/shoal/v1/stacks/%s/containers", daemon_encode(daemon, o->stack->name));
    else
        buf_adds(&target, "/containers/create");
    http_query_add(&target, "name", o->name);
    http_query_add(&target, "platform", o->platform);
    if (buf_failed(&body))
        return err_set(err, ERR_LIMIT, "the options are longer than %zu bytes", SPEC_MAX);
    if (daemon_post(daemon, buf_str(&target), &body, &answer, err) < 0)
        return -1;
    print_warnings(cli, answer);
    *ret_id = arena_strdup(daemon->arena, json_get_text(answer, "Id"));
    return *ret_id ? 0 : err_set(err, ERR_INTERNAL, "the daemon made a container without an ID");
}

int create_container(struct cli *cli, const struct daemon *daemon, const struct container_spec *spec,
                     const struct create_options *o, const char **ret_id, struct err *err)
{
    if (check_pull(o->pull, err) < 0 || (str_same(o->pull, "always") && pull(daemon, o, spec->image, err) < 0))
        return -1;
    int result = create(cli, daemon, o, spec, ret_id, err);
    bool no_image = result < 0 && err->kind == ERR_NOT_FOUND && strcasestr(err->message, "no such image");
    if (!no_image || str_same(o->pull, "never"))
        return result;
    if (pull(daemon, o, spec->image, err) < 0)
        return -1;
    return create(cli, daemon, o, spec, ret_id, err);
}
