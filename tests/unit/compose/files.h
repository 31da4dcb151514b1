#pragma once
/* Compose files in memory, for the tests of this folder: a struct compose_io over a table, and loading in one call. */
#include "base/str.h"
#include "compose/compose.h"
#include "test.h"

struct memory_file {
    const char *path, *text;
};

struct memory {
    const struct memory_file *files; /* ends with {0} */
    char warnings[4096];             /* each with a line break */
};

static inline const char *memory_find(const struct memory *memory, const char *path)
{
    for (const struct memory_file *f = memory->files; f->path; f++) {
        if (str_eq(f->path, path))
            return f->text;
    }
    return NULL;
}

static inline int memory_read(void *data, const char *path, struct buf *out, struct err *err)
{
    const char *text = memory_find(data, path);
    if (!text)
        return err_set(err, ERR_NOT_FOUND, "%s: not there", path);
    buf_adds(out, text);
    return 0;
}

static inline bool memory_is_file(void *data, const char *path)
{
    return memory_find(data, path);
}

static inline void memory_warn(void *data, const char *message)
{
    struct memory *memory = data;
    size_t n = strlen(memory->warnings);
    (void)snprintf(memory->warnings + n, sizeof(memory->warnings) - n, "%s\n", message);
}

/* Everything that loading /p/compose.yaml needs, zeroed by memory_project(). */
struct memory_project {
    struct arena arena;
    struct memory memory;
    struct compose_io io;
    struct env env;
    struct compose_options options;
    struct compose_project project;
    struct err err;
};

static inline void memory_project(struct memory_project *p, const struct memory_file *files)
{
    *p = (struct memory_project){.memory = {.files = files}};
    p->io = (struct compose_io){&p->memory, memory_read, memory_is_file, memory_warn};
    env_init(&p->env, &p->arena);
    p->options = (struct compose_options){.io = &p->io, .folder = "/p", .project_name = "test", .env = &p->env};
    vec_push_in(&p->arena, &p->options.files, (struct compose_file){"/p/compose.yaml", "compose.yaml"});
}

static inline void memory_done(struct memory_project *p)
{
    compose_project_done(&p->project);
    env_done(&p->env);
    arena_done(&p->arena);
}

static inline void memory_load(struct memory_project *p)
{
    if (compose_load(&p->options, &p->arena, &p->project, &p->err) < 0)
        fail_msg("%s", p->err.message);
}
