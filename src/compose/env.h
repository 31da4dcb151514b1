#pragma once
/* Variables: names and values, each name once. Values live in the arena that env_init() was given. */
#include "base/arena.h"
#include "base/err.h"
#include "base/map.h"
#include "base/vec.h"

#include <stdbool.h>

struct env {
    struct arena *arena;
    struct map vars; /* name → char * */
};

void env_init(struct env *env, struct arena *arena);
void env_done(struct env *env);
/* NULL where it is not set. */
const char *env_get(const struct env *env, const char *name);
void env_set(struct env *env, const char *name, const char *value);
/* Sets what env does not have yet. */
void env_add(struct env *env, const struct env *other);
/* All of them as NAME=VALUE, sorted; in env's arena. */
void env_list(const struct env *env, struct strings *ret);

/* Looks a variable up; NULL where it is not set. */
typedef const char *env_lookup(void *data, const char *name);
/* An env_lookup over a struct env. */
const char *env_lookup_env(void *env, const char *name);
