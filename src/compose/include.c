#include "compose/loader.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "base/vec.h"
#include "compose/dotenv.h"
#include "compose/paths.h"

/* One entry of include, in its long form. */
struct entry {
    const struct yaml *at;
    VEC(struct compose_file) files; /* at least one */
    const char *path;               /* of the first */
    const char *folder;
    struct strings env_files;
};

static void add_texts(const struct loader *loader, const struct yaml *node, struct strings *ret)
{
    if (yaml_is(node, YAML_STRING))
        vec_push_in(loader->walk->arena, ret, arena_strdup(loader->walk->arena, node->string));
    for (size_t i = 0; yaml_is(node, YAML_LIST) && i < node->list.count; i++)
        add_texts(loader, node->list.items[i], ret);
}

static int read_entry(const struct loader *loader, const struct yaml *node, struct entry *entry)
{
    struct arena *arena = loader->walk->arena;
    struct strings paths = {0}, env_files = {0};
    const char *folder = yaml_get_string(node, "project_directory");
    const struct compose_io *io = loader->options->io;
    entry->at = node;
    add_texts(loader, node->kind == YAML_STRING ? node : yaml_get(node, "path"), &paths);
    vec_foreach (path, &paths)
        vec_push_in(arena, &entry->files, (struct compose_file){path_join(arena, loader->folder, *path), *path});
    if (!entry->files.items)
        return place_fail(loader->walk, &(struct place){.key = "include"}, node, "path is missing, expected a file");
    entry->path = entry->files.items[0].path;
    entry->folder = str_empty(folder) ? path_folder(arena, entry->path) : path_join(arena, loader->folder, folder);
    add_texts(loader, yaml_get(node, "env_file"), &env_files);
    vec_foreach (file, &env_files)
        vec_push_in(arena, &entry->env_files, arena_strdup(arena, path_join(arena, loader->folder, *file)));
    const char *default_file = path_join(arena, entry->folder, ".env");
    if (!env_files.count && io->is_file(io->data, default_file))
        vec_push_in(arena, &entry->env_files, arena_strdup(arena, default_file));
    return 0;
}

static int refuse_cycle(const struct loader *loader, const struct entry *entry)
{
    for (const struct loader *l = loader; l; l = l->up) {
        if (str_eq(l->main_file, entry->path))
            return place_fail(loader->walk, &(struct place){.key = "include"}, entry->at,
                              "a file that includes this one, expected no way back");
    }
    return 0;
}

/* The variables of an included project: those of the one that includes it, and its own files'. */
static int read_env(const struct loader *loader, const struct entry *entry, struct env *env)
{
    const struct compose_io *io = loader->options->io;
    struct env from_files cleanup(env_done) = {0};
    env_init(&from_files, loader->walk->arena);
    env_add(env, loader->env);
    vec_foreach (file, &entry->env_files) {
        struct buf text cleanup(buf_done) = BUF(DOTENV_BYTES_MAX + COMPOSE_READ_ROOM);
        struct dotenv dotenv = {.file = *file, .lookup = env_lookup_env, .data = loader->env};
        if (io->read(io->data, *file, &text, loader->walk->err) < 0 ||
            dotenv_parse(&dotenv, buf_str(&text), text.size, &from_files, loader->walk->err) < 0)
            return -1;
    }
    env_add(env, &from_files);
    return 0;
}

static int import(const struct loader *loader, const struct entry *entry, const struct yaml *from, struct yaml *to,
                  const char *key)
{
    const struct yaml *resources = yaml_get(from, key);
    struct yaml *own = yaml_get(to, key);
    if (!yaml_is(resources, YAML_MAP))
        return 0;
    if (!yaml_is(own, YAML_MAP))
        own = yaml_set(loader->walk->arena, to, key, yaml_new(loader->walk->arena, YAML_MAP, entry->at));
    vec_foreach (pair, &resources->map) {
        struct place kind = {.key = key}, here = {.up = &kind, .key = pair->key};
        const struct yaml *present = yaml_get(own, pair->key);
        if (present && !yaml_equal(present, pair->value))
            return place_fail(loader->walk, &here, present,
                              "a file that is included (line %u) has another of this name, expected different names",
                              entry->at->line);
        if (!present)
            yaml_set(loader->walk->arena, own, pair->key, pair->value);
    }
    return 0;
}

static int include(const struct loader *loader, const struct yaml *node, struct yaml *root)
{
    static const char *const kinds[] = {"services", "volumes", "networks", "secrets", "configs", "models"};
    struct entry entry = {.path = ""};
    struct env env cleanup(env_done) = {0};
    env_init(&env, loader->walk->arena);
    if (read_entry(loader, node, &entry) < 0 || refuse_cycle(loader, &entry) < 0 || read_env(loader, &entry, &env) < 0)
        return -1;
    struct loader sub = *loader;
    sub.env = &env;
    sub.folder = entry.folder;
    sub.up = loader;
    struct yaml *included = loader_load(&sub, entry.files.items, entry.files.count);
    if (!included)
        return -1;
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        if (import(loader, &entry, included, root, kinds[i]) < 0)
            return -1;
    }
    return 0;
}

int include_apply(const struct loader *loader, struct yaml *root)
{
    const struct yaml *list = yaml_get(root, "include");
    for (size_t i = 0; yaml_is(list, YAML_LIST) && i < list->list.count; i++) {
        if (include(loader, list->list.items[i], root) < 0)
            return -1;
    }
    yaml_remove(root, "include");
    return 0;
}
