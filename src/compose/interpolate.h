#pragma once
/*
 * Variables in text (Compose Specification, "Interpolation"):
 *
 *     $VAR  ${VAR}       its value, "" where it is not set (which is worth a warning)
 *     ${VAR:-TEXT}       TEXT where it is not set or empty          ${VAR-TEXT}  where it is not set
 *     ${VAR:+TEXT}       TEXT where it is set and not empty         ${VAR+TEXT}  where it is set; otherwise ""
 *     ${VAR:?MESSAGE}    an error where it is not set or empty      ${VAR?MESSAGE}  where it is not set
 *     $$                 a dollar sign
 *
 * TEXT and MESSAGE may hold variables again. A dollar sign before anything else is itself.
 */
#include "base/arena.h"
#include "base/err.h"
#include "compose/env.h"

#define INTERPOLATE_TEXT_MAX  (1U << 20)
#define INTERPOLATE_DEPTH_MAX 32

struct interpolation {
    struct arena *arena;
    env_lookup *lookup;
    void *data;
    void (*unset)(void *data,
                  const char *name); /* told of variables that are not set and have no default; may be NULL */
    struct err *err;
};

/* The text with its variables replaced, in the arena (the text itself where there are none); NULL with err filled. */
const char *interpolate_text(const struct interpolation *in, const char *text);
