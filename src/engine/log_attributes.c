/* What the json-file driver puts into each line beside it: labels and variables that the log options name. */
#include "engine/private.h"

#include "base/str.h"

static const char *variable_of(const struct container_spec *spec, const char *name)
{
    vec_foreach (variable, &spec->env) {
        const char *rest = str_after(*variable, name);
        if (rest && *rest == '=')
            return rest + 1;
    }
    return NULL;
}

static const char *label_of(const struct container_spec *spec, const char *name)
{
    return pairs_get(&spec->labels, name);
}

static void add_named(const struct container_spec *spec, struct arena *arena, const char *list, struct json_out *out,
                      const char *(*find)(const struct container_spec *, const char *))
{
    char *rest = arena_strdup(arena, list), *name; /* no list, no names */
    while ((name = str_split(&rest, ','))) {
        const char *value = find(spec, name);
        if (value)
            json_key_string(out, name, value);
    }
}

int log_attributes(const struct container_spec *spec, struct arena *arena, const char **ret, struct err *err)
{
    const char *labels = pairs_get(&spec->host.log.options, "labels"), *env = pairs_get(&spec->host.log.options, "env");
    *ret = NULL;
    if (!labels && !env)
        return 0;
    struct buf text cleanup(buf_done) = BUF(LOGGER_TEXT_MAX);
    struct json_out out = {.buf = &text};
    json_put_object(&out);
    add_named(spec, arena, labels, &out, label_of);
    add_named(spec, arena, env, &out, variable_of);
    json_put_object_end(&out);
    if (buf_failed(&text))
        return err_set(err, ERR_LIMIT, "log options labels and env: their values are more than %zu bytes",
                       LOGGER_TEXT_MAX);
    *ret = arena_strdup(arena, buf_str(&text));
    return 0;
}
