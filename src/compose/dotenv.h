#pragma once
/*
 * Files of variables: .env, --env-file, env_file, label_file (Compose Specification, "Env_file format").
 *
 *     # a comment                NAME=value # a comment         export NAME=value
 *     NAME="text\n with $OTHER"  NAME='text as it is'           NAME          (takes the value from around, if there is
 * one)
 *
 * A value without quotes ends with its line; one in quotes may have several. Variables are replaced in values without
 * quotes and in double quotes. In the raw format a value is the rest of its line, quotes, dollars and # included.
 */
#include "compose/env.h"

#define DOTENV_BYTES_MAX (1U << 20)

struct dotenv {
    const char *file;   /* for messages */
    env_lookup *lookup; /* what is set around the file; wins over what the file has said before */
    void *data;
    void (*unset)(void *data, const char *name); /* as in struct interpolation; may be NULL */
};

/* Reads text into env, over what is there. */
int dotenv_parse(const struct dotenv *dotenv, const char *text, size_t size, struct env *env, struct err *err);
int dotenv_parse_raw(const struct dotenv *dotenv, const char *text, size_t size, struct env *env, struct err *err);
