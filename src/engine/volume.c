#include "engine/private.h"

#include "engine/names.h"

#include "base/clock.h"
#include "base/str.h"

#include <errno.h>
#include <sys/stat.h>

/* A volume with the memory that it points to. */
struct owned_volume {
    struct volume volume;
    struct arena arena;
    struct list link; /* in engine->volume_list */
};

static void volume_free(struct volume *volume)
{
    struct owned_volume *owned = container_of(volume, struct owned_volume, volume);
    list_remove(&owned->link);
    arena_done(&owned->arena);
    free(owned);
}

static struct volume *volume_enter(struct engine *engine, const char *name, int64_t created_ns, bool anonymous)
{
    struct owned_volume *owned = NEW(struct owned_volume);
    struct volume *v = &owned->volume;
    v->spec.name = arena_strdup(&owned->arena, name);
    v->mountpoint = arena_printf(&owned->arena, "%s/volumes/%s/_data", engine->data_dir, name);
    v->created_ns = created_ns;
    v->anonymous = anonymous;
    map_put(&engine->volumes, v->spec.name, v);
    list_push(&engine->volume_list, &owned->link);
    return v;
}

static int read_spec(struct volume *v, const char *text, size_t size, struct err *err)
{
    struct owned_volume *owned = container_of(v, struct owned_volume, volume);
    return fields_read_text(&volume_spec_table, text, size, &owned->arena, &v->spec, "volume", err);
}

int volumes_load(struct engine *engine, struct err *err)
{
    struct db_statement *rows =
        db_query(engine->config.db, "SELECT name, created_ns, anonymous, spec FROM volumes", "");
    while (db_row(rows)) {
        struct volume *v = volume_enter(engine, db_text(rows, 0), db_int(rows, 1), db_int(rows, 2));
        if (read_spec(v, db_text(rows, 3), db_size(rows, 3), err) < 0) {
            (void)db_end(rows, NULL);
            return -1;
        }
    }
    return db_end(rows, err);
}

void volumes_done(struct engine *engine)
{
    struct map_entry *entry;
    for (size_t i = 0; (entry = map_next(&engine->volumes, &i));)
        volume_free(entry->value);
    map_done(&engine->volumes);
}

/* --- Creating */

static int check_driver(const struct volume_spec *spec, struct err *err)
{
    if (!str_empty(spec->driver) && !str_eq(spec->driver, "local"))
        return err_set(err, ERR_UNSUPPORTED, "volume driver \"%s\" is not offered here: only \"local\" is",
                       spec->driver);
    vec_foreach (option, &spec->driver_options)
        return err_set(err, ERR_UNSUPPORTED, "volume %s: driver option \"%s\" is not offered yet", spec->name,
                       option->key);
    return 0;
}

static int make_folder(const char *path, mode_t mode, struct err *err)
{
    if (mkdir(path, mode) < 0 && errno != EEXIST)
        return err_errno(err, errno, "cannot make the folder %s", path);
    return 0;
}

static int make_folders(struct engine *engine, const struct volume *v, struct err *err)
{
    char *parent cleanup(freep) = mem_printf("%s/volumes/%s", engine->data_dir, v->spec.name);
    return make_folder(parent, 0701, err) < 0 || make_folder(v->mountpoint, 0755, err) < 0 ? -1 : 0;
}

/* The options and labels of a volume that is there already must be those that are asked for, where any are. */
static int reuse(struct volume *v, const struct volume_spec *spec, struct volume **ret, struct err *err)
{
    vec_foreach (option, &spec->driver_options)
        if (!str_same(pairs_get(&v->spec.driver_options, option->key), option->value))
            return err_set(err, ERR_CONFLICT, "a volume named %s exists already, with other options", v->spec.name);
    *ret = v;
    return 0;
}

int engine_volume_create(struct engine *engine, const struct volume_spec *spec, struct volume **ret, struct err *err)
{
    char id[ID_SIZE];
    id_new(id);
    bool anonymous = str_empty(spec->name);
    const char *name = anonymous ? id : spec->name;
    struct volume *v = map_get(&engine->volumes, name);
    if (v)
        return reuse(v, spec, ret, err);
    if (name_check(name, "volume", err) < 0 || check_driver(spec, err) < 0)
        return -1;
    struct arena arena cleanup(arena_done) = {0};
    struct volume_spec full = *spec;
    full.name = (char *)name;
    full.driver = (char *)"local";
    const char *text = fields_to_text(&volume_spec_table, &full, &arena);
    v = volume_enter(engine, name, clock_realtime_ns(), anonymous);
    if (read_spec(v, text, strlen(text), err) < 0 || make_folders(engine, v, err) < 0 ||
        db_run(engine->config.db, err, "INSERT INTO volumes VALUES (?, ?, ?, ?)", "siis", v->spec.name, v->created_ns,
               (int64_t)anonymous, text) < 0) {
        map_remove(&engine->volumes, name);
        volume_free(v);
        return -1;
    }
    emit_named(engine, "volume", "create", v->spec.name, "driver", "local");
    *ret = v;
    return 0;
}

/* --- Finding */

struct volume *engine_find_volume(struct engine *engine, const char *name, struct err *err)
{
    struct volume *v = map_get(&engine->volumes, name);
    if (!v)
        err_set(err, ERR_NOT_FOUND, "get %s: no such volume", name);
    return v;
}

struct volume *engine_next_volume(struct engine *engine, struct volume *after)
{
    struct list *head = &engine->volume_list,
                *next = after ? container_of(after, struct owned_volume, volume)->link.next : head->next;
    return next == head ? NULL : &container_of(next, struct owned_volume, link)->volume;
}

/* --- Removing */

static int check_unused(struct volume *v, struct err *err)
{
    if (!v->users)
        return 0;
    return err_set(err, ERR_CONFLICT, "remove %s: volume is in use by %d container%s", v->spec.name, v->users,
                   v->users == 1 ? "" : "s");
}

int engine_volume_remove(struct engine *engine, struct volume *v, struct err *err)
{
    char *path cleanup(freep) = mem_printf("%s/volumes/%s", engine->data_dir, v->spec.name);
    if (check_unused(v, err) < 0 || images_discard(engine->images, path, err) < 0 ||
        db_run(engine->config.db, err, "DELETE FROM volumes WHERE name = ?", "s", v->spec.name) < 0)
        return -1;
    emit_named(engine, "volume", "destroy", v->spec.name, "driver", "local");
    map_remove(&engine->volumes, v->spec.name);
    volume_free(v);
    return 0;
}
