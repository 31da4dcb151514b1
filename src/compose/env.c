#include "compose/env.h"

void env_init(struct env *env, struct arena *arena)
{
    *env = (struct env){.arena = arena};
}

void env_done(struct env *env)
{
    map_done(&env->vars);
}

const char *env_get(const struct env *env, const char *name)
{
    return map_get(&env->vars, name);
}

void env_set(struct env *env, const char *name, const char *value)
{
    map_put(&env->vars, name, arena_strdup(env->arena, value));
}

void env_add(struct env *env, const struct env *other)
{
    struct map_entry *entry;
    for (size_t i = 0; (entry = map_next(&other->vars, &i));) {
        if (!env_get(env, entry->key))
            env_set(env, entry->key, entry->value);
    }
}

static int compare_strings(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void env_list(const struct env *env, struct strings *ret)
{
    struct map_entry *entry;
    for (size_t i = 0; (entry = map_next(&env->vars, &i));)
        vec_push_in(env->arena, ret, arena_printf(env->arena, "%s=%s", entry->key, (char *)entry->value));
    if (ret->count)
        qsort(ret->items, ret->count, sizeof(*ret->items), compare_strings);
}

const char *env_lookup_env(void *env, const char *name)
{
    return env_get(env, name);
}
