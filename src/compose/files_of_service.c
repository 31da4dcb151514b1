#include "compose/files_of_service.h"

#include "base/cleanup.h"
#include "base/map.h"
#include "base/str.h"
#include "compose/dotenv.h"
#include "compose/model.h"

/* Where a file's variables come from: the project's, then the service's own. */
struct around {
    const struct env *env;
    const struct yaml *own;
};

static const char *look_up(void *data, const char *name)
{
    const struct around *around = data;
    const char *value = around->env ? env_get(around->env, name) : NULL;
    return value ? value : yaml_get_string(around->own, name);
}

/* An item of env_file: a path, or a mapping. */
static int read_file(struct walk *walk, const struct compose_io *io, const struct place *place, const struct yaml *item,
                     struct around *around, struct env *ret)
{
    struct buf text cleanup(buf_done) = BUF(DOTENV_BYTES_MAX + COMPOSE_READ_ROOM);
    const char *path = item->kind == YAML_STRING ? item->string : yaml_get_string(item, "path");
    const char *format = yaml_get_string(item, "format");
    bool required = item->kind == YAML_STRING || yaml_get_bool(item, "required");
    struct dotenv dotenv = {.file = path, .lookup = look_up, .data = around};
    if (format && !str_eq(format, "raw"))
        return place_fail(walk, place, item, "format %s, expected raw or none", format);
    if (io->read(io->data, path, &text, walk->err) < 0) {
        struct err why = *walk->err;
        if (why.kind == ERR_NOT_FOUND && !required)
            return 0;
        return place_fail(walk, place, item, "%s", why.message);
    }
    int (*parse)(const struct dotenv *, const char *, size_t, struct env *, struct err *) =
        format ? dotenv_parse_raw : dotenv_parse;
    if (parse(&dotenv, buf_str(&text), text.size, ret, walk->err) < 0) {
        struct err why = *walk->err;
        return place_fail(walk, place, item, "%s", why.message);
    }
    return 0;
}

/* Reads the files of one key, and adds to the mapping under target what it does not have. */
static int read_files(struct walk *walk, const struct compose_io *io, const struct place *place, struct yaml *service,
                      const char *key, const char *target, const struct env *env)
{
    const struct yaml *files = yaml_get(service, key);
    struct yaml *own = yaml_get(service, target);
    struct env vars cleanup(env_done) = {0};
    struct around around = {env, own};
    struct strings list = {0};
    if (!files || !files->list.count)
        return 0;
    env_init(&vars, walk->arena);
    for (size_t i = 0; i < files->list.count; i++) {
        struct place at_key = {.up = place, .key = key}, here = {.up = &at_key, .index = i};
        if (read_file(walk, io, &here, files->list.items[i], &around, &vars) < 0)
            return -1;
    }
    env_list(&vars, &list);
    if (!own && list.count)
        own = yaml_set(walk->arena, service, target, yaml_new(walk->arena, YAML_MAP, files));
    vec_foreach (item, &list) {
        char *value = strchr(*item, '=');
        *value++ = 0;
        if (!yaml_get(own, *item) && **item)
            yaml_set(walk->arena, own, *item, yaml_new_string(walk->arena, value, files));
    }
    yaml_sort(own);
    return 0;
}

int files_of_services(struct walk *walk, const struct compose_io *io, struct yaml *model, const struct env *env,
                      bool keep_env_files)
{
    struct place services = {.key = "services"};
    const struct yaml *map = yaml_get(model, "services");
    for (size_t i = 0; yaml_is(map, YAML_MAP) && i < map->map.count; i++) {
        struct place here = {.up = &services, .key = map->map.items[i].key};
        struct yaml **slot = &map->map.items[i].value, *service = *slot;
        if (read_files(walk, io, &here, service, "label_file", "labels", NULL) < 0)
            return -1;
        yaml_remove(service, "label_file");
        if (!keep_env_files && read_files(walk, io, &here, service, "env_file", "environment", env) < 0)
            return -1;
        if (!keep_env_files)
            yaml_remove(service, "env_file");
        if (model_type(walk, &shape_service, &here, slot) < 0) /* new keys find their place */
            return -1;
    }
    return 0;
}
