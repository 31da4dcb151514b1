#pragma once
/* Names of containers: those that users choose, and those chosen for them. */
#include "base/arena.h"
#include "engine/engine.h"

/* [a-zA-Z0-9][a-zA-Z0-9_.-]+, at most 255 characters: Docker's rule. ERR_INVALID says so. */
int name_check(const char *name, const char *noun, struct err *err);

/* Is it free? ERR_CONFLICT names who has it. */
int name_reserve(struct engine *engine, const char *name, struct err *err);

/* Two words that no container has: "calm_pike". The caller's. */
char *name_choose(struct engine *engine);
