#pragma once
/*
 * Compose files (the Compose Specification, github.com/compose-spec; docs/COMPOSE.md says where we differ): text →
 * checked model.
 *
 *     text → YAML → variables → check → extends, include → merge → long forms → defaults, names → canonical model
 *
 * Pure: files are read through struct compose_io, so that the same code runs in the client, in tests and under a
 * fuzzer.
 */
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "codec/yaml_tree.h"
#include "compose/env.h"

#define COMPOSE_FILES_MAX 200 /* read for one project, with those included and extended */

/* What a buffer for compose_io.read() has above the maximum of what is read into it. */
#define COMPOSE_READ_ROOM 65536

struct compose_io {
    void *data;
    /* Reads a whole file, in pieces of COMPOSE_READ_ROOM at most; ERR_NOT_FOUND where there is none. "-" is standard
     * input. */
    int (*read)(void *data, const char *path, struct buf *out, struct err *err);
    /* Is it there, and not a folder? */
    bool (*is_file)(void *data, const char *path);
    /* A word to the user: "compose.yaml:3:5: services.web: the variable X is not set, taken as empty". May be NULL. */
    void (*warn)(void *data, const char *message);
};

struct compose_file {
    const char *path; /* absolute, or "-" */
    const char *name; /* as errors call it */
};

struct compose_options {
    const struct compose_io *io;
    VEC(struct compose_file) files; /* at least one; the second is merged onto the first … */
    const char *folder;             /* absolute: what relative paths are relative to */
    const char *project_name;       /* asked for by the user; NULL: what the files say */
    const char *default_name;       /* where nobody says one */
    const struct env *env;          /* the variables: process, .env, --env-file */
    struct strings profiles;        /* "*" is all of them */
    struct strings services;        /* with what they depend on; none: all */
    bool raw;                       /* variables stay, values are not canonical (config --no-interpolate) */
    bool keep_env_files;            /* env_file stays as it is, unread */
    bool keep_paths;                /* relative paths stay relative */
    bool keep_unused;               /* networks, volumes … that no service uses stay */
    bool unchecked;                 /* references need not exist */
};

struct compose_project {
    const char *name;
    const char *folder;
    struct env env;     /* with COMPOSE_PROJECT_NAME */
    struct yaml *model; /* name, services, networks, volumes, secrets, configs, models, x-…; canonical unless raw */
    const struct yaml *disabled; /* the services that no active profile enables */
};

/*
 * Loads a project. Everything in it lives in arena; compose_project_done() frees the rest. Errors say file, line,
 * column, place and what was expected.
 */
int compose_load(const struct compose_options *options, struct arena *arena, struct compose_project *ret,
                 struct err *err);
void compose_project_done(struct compose_project *project);

/* Lower case, without what is not a letter, a digit, - or _, and without - and _ in front. May be "". */
const char *compose_normalise_name(struct arena *arena, const char *name);
