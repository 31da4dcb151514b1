/*
 * Compose files, with and without their variables. What is taken prints as text that is taken too, and prints the same
 * again. A file that the input refers to is the input itself, so that extends and include are reached.
 */
#include "base/cleanup.h"
#include "base/str.h"
#include "compose/print.h"
#include "compose/to_spec.h"
#include "compose/unsupported.h"

#include <stdint.h>
#include <stdlib.h>

struct input {
    const char *data;
    size_t size;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int read_input(void *data, const char *path, struct buf *out, struct err *err)
{
    const struct input *input = data;
    if (str_ends(path, ".gone"))
        return err_set(err, ERR_NOT_FOUND, "%s: not there", path);
    buf_add(out, input->data, input->size);
    return 0;
}

static bool is_file(void *data, const char *path)
{
    return str_ends(path, ".env");
}

static void warn(void *data, const char *message)
{
}

/* The canonical text; false where the input is refused. */
static bool load(const struct input *input, bool raw, struct buf *text)
{
    struct arena arena cleanup(arena_done) = {0};
    struct compose_io io = {(void *)(uintptr_t)input, read_input, is_file, warn};
    struct env env cleanup(env_done) = {0};
    struct compose_project project;
    struct stack_spec stack;
    struct strings found = {0};
    struct err err;
    env_init(&env, &arena);
    env_set(&env, "HOME", "/home/user");
    env_set(&env, "SET", "value");
    struct compose_options options = {
        .io = &io, .folder = "/p", .project_name = "fuzz", .env = &env, .raw = raw, .keep_unused = true};
    vec_push_in(&arena, &options.files, (struct compose_file){"/p/compose.yaml", "compose.yaml"});
    vec_push_in(&arena, &options.profiles, arena_strdup(&arena, "*"));
    if (compose_load(&options, &arena, &project, &err) < 0)
        return false;
    if (!raw) {
        compose_unsupported(&arena, &project, &found);
        (void)compose_to_spec(&options, &project, &arena, &stack, &err);
    }
    compose_print(&arena, &project, COMPOSE_YAML, raw, text);
    compose_project_done(&project);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {(const char *)data, size};
    struct buf text cleanup(buf_done) = BUF(YAML_BYTES_MAX), again cleanup(buf_done) = BUF(YAML_BYTES_MAX);
    struct buf raw cleanup(buf_done) = BUF(YAML_BYTES_MAX);
    (void)load(&input, true, &raw);
    if (!load(&input, false, &text) || buf_failed(&text))
        return 0;
    struct input printed = {buf_str(&text), text.size};
    if (!load(&printed, false, &again) || !str_eq(buf_str(&text), buf_str(&again)))
        abort();
    return 0;
}
