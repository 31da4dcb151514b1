/* What runs in a container, as whom, and with which environment. */
#include "engine/describe.h"

#include "engine/users.h"

#include "base/str.h"

#define PATH_DEFAULT "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

static bool has_variable(const struct strings *env, const char *name)
{
    vec_foreach (variable, env) {
        const char *rest = str_after(*variable, name);
        if (rest && *rest == '=')
            return true;
    }
    return false;
}

/* Does a later list set this variable anew? */
static bool replaces(const struct strings *more, const char *variable)
{
    char *name cleanup(freep) = mem_strndup(variable, strcspn(variable, "="));
    return has_variable(more, name);
}

/* PATH, HOSTNAME, TERM and HOME come before the container's own, where it has none of them; HOME's place is last. */
void describe_environment(const struct container_spec *spec, const struct strings *more, bool tty,
                          const struct identity *identity, struct described *ret)
{
    struct arena *arena = &ret->arena;
    const struct strings *own = &spec->env;
    struct strings env = {0};
    if (!has_variable(own, "PATH"))
        vec_push_in(arena, &env, (char *)PATH_DEFAULT);
    if (!str_empty(spec->hostname) && !has_variable(own, "HOSTNAME"))
        vec_push_in(arena, &env, arena_printf(arena, "HOSTNAME=%s", spec->hostname));
    if (tty && !has_variable(own, "TERM"))
        vec_push_in(arena, &env, (char *)"TERM=xterm");
    vec_foreach (variable, own)
        if (!replaces(more, *variable))
            vec_push_in(arena, &env, *variable);
    vec_foreach (variable, more)
        vec_push_in(arena, &env, *variable);
    if (!has_variable(own, "HOME") && !has_variable(more, "HOME"))
        vec_push_in(arena, &env, arena_printf(arena, "HOME=%s", identity->home));
    vec_push_in(arena, &env, NULL);
    ret->description.env = (const char *const *)env.items;
}

const char *const *describe_words(struct described *ret, const struct strings *first, const struct strings *second)
{
    struct strings argv = {0};
    vec_foreach (word, first)
        vec_push_in(&ret->arena, &argv, *word);
    for (size_t i = 0; second && i < second->count; i++)
        vec_push_in(&ret->arena, &argv, second->items[i]);
    vec_push_in(&ret->arena, &argv, NULL);
    return (const char *const *)argv.items;
}

int describe_process(const struct container_spec *spec, int root, struct described *ret, struct err *err)
{
    struct arena *arena = &ret->arena;
    struct description *d = &ret->description;
    struct identity identity;
    if (identity_find(root, spec->user, &spec->host.group_add, arena, &identity, err) < 0)
        return -1;
    d->uid = identity.uid;
    d->gid = identity.gid;
    d->groups = identity.groups;
    d->group_count = (uint32_t)identity.group_count;
    describe_environment(spec, &(struct strings){0}, spec->tty, &identity, ret);
    d->argv = describe_words(ret, &spec->entrypoint, &spec->cmd);
    if (!str_empty(spec->working_dir)) {
        d->cwd = spec->working_dir;
        d->flags |= DESCRIPTION_MAKE_CWD;
    }
    return 0;
}
