#include "engine/record.h"

#include "engine/outline.h"
#include "engine/private.h"

#include "base/str.h"

static const char *const schema[] = {
    "CREATE TABLE containers ("
    " id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, created_ns INTEGER NOT NULL, image_id TEXT NOT NULL,"
    " spec TEXT NOT NULL, mounts TEXT NOT NULL, endpoints TEXT NOT NULL, state TEXT NOT NULL);"
    "CREATE TABLE volumes ("
    " name TEXT PRIMARY KEY, created_ns INTEGER NOT NULL, anonymous INTEGER NOT NULL, spec TEXT NOT NULL);"
    "CREATE TABLE networks ("
    " id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, created_ns INTEGER NOT NULL, spec TEXT NOT NULL)",
};

static const struct field state_fields[] = {
    FIELD(struct container_state, status, "status", INT),
    FIELD(struct container_state, started_ns, "started_ns", I64),
    FIELD(struct container_state, finished_ns, "finished_ns", I64),
    FIELD(struct container_state, exit_code, "exit_code", INT),
    FIELD(struct container_state, oom_killed, "oom_killed", BOOL),
    FIELD(struct container_state, wanted, "wanted", BOOL),
    FIELD(struct container_state, restart_count, "restart_count", INT),
    FIELD(struct container_state, error, "error", STRING),
    {0},
};
static const struct fields state_table = {"state", sizeof(struct container_state), state_fields};

static const struct field endpoint_fields[] = {
    FIELD(struct container_endpoint, network, "network", STRING),
    FIELD(struct container_endpoint, network_id, "network_id", STRING),
    FIELD(struct container_endpoint, endpoint_id, "endpoint_id", STRING),
    FIELD(struct container_endpoint, ipv4, "ipv4", STRING),
    FIELD(struct container_endpoint, ipv6, "ipv6", STRING),
    FIELD(struct container_endpoint, mac, "mac", STRING),
    FIELD(struct container_endpoint, gateway, "gateway", STRING),
    FIELD(struct container_endpoint, interface, "interface", STRING),
    FIELD(struct container_endpoint, link, "link", STRING),
    FIELD(struct container_endpoint, prefix_length, "prefix_length", INT),
    FIELD(struct container_endpoint, aliases, "aliases", STRINGS),
    FIELD(struct container_endpoint, links, "links", STRINGS),
    {0},
};
static const struct fields endpoint_table = {"endpoint", sizeof(struct container_endpoint), endpoint_fields};

static const struct field mount_fields[] = {
    FIELD(struct container_mount, type, "type", STRING),
    FIELD(struct container_mount, name, "name", STRING),
    FIELD(struct container_mount, source, "source", STRING),
    FIELD(struct container_mount, destination, "destination", STRING),
    FIELD(struct container_mount, mode, "mode", STRING),
    FIELD(struct container_mount, propagation, "propagation", STRING),
    FIELD(struct container_mount, driver, "driver", STRING),
    FIELD(struct container_mount, read_write, "read_write", BOOL),
    {0},
};
static const struct fields mount_table = {"mount", sizeof(struct container_mount), mount_fields};

/* A list alone, as a column holds it. */
struct list_column {
    VEC(char) items;
};

static const struct field endpoints_fields[] = {
    FIELD(struct list_column, items, "", LIST, .of = &endpoint_table),
    {0},
};
static const struct fields endpoints_table = {"endpoints", sizeof(struct list_column), endpoints_fields, .bare = true};
static const struct field mounts_fields[] = {FIELD(struct list_column, items, "", LIST, .of = &mount_table), {0}};
static const struct fields mounts_table = {"mounts", sizeof(struct list_column), mounts_fields, .bare = true};

int record_migrate(struct db *db, struct err *err)
{
    return db_migrate(db, "engine", schema, ARRAY_SIZE(schema), err);
}

int record_insert(struct container *c, const struct container_spec *spec, struct err *err)
{
    struct arena arena cleanup(arena_done) = {0};
    return db_run(c->engine->config.db, err, "INSERT INTO containers VALUES (?, ?, ?, ?, ?, ?, ?, ?)", "ssisssss",
                  c->id, c->name, c->created_ns, c->image_id, fields_to_text(&container_spec_table, spec, &arena),
                  fields_to_text(&mounts_table, &c->mounts, &arena),
                  fields_to_text(&endpoints_table, &c->endpoints, &arena),
                  fields_to_text(&state_table, &c->state, &arena));
}

int record_update_state(struct container *c, struct err *err)
{
    struct arena arena cleanup(arena_done) = {0};
    return db_run_soon(c->engine->config.db, err, "UPDATE containers SET state = ? WHERE id = ?", "ss",
                       fields_to_text(&state_table, &c->state, &arena), c->id);
}

int record_update(struct container *c, struct err *err)
{
    struct arena arena cleanup(arena_done) = {0};
    return db_run(c->engine->config.db, err, "UPDATE containers SET name = ?, mounts = ? WHERE id = ?", "sss", c->name,
                  fields_to_text(&mounts_table, &c->mounts, &arena), c->id);
}

int record_update_endpoints(struct container *c, struct err *err)
{
    struct arena arena cleanup(arena_done) = {0};
    return db_run_soon(c->engine->config.db, err, "UPDATE containers SET endpoints = ? WHERE id = ?", "ss",
                       fields_to_text(&endpoints_table, &c->endpoints, &arena), c->id);
}

int record_delete(struct container *c, struct err *err)
{
    return db_run(c->engine->config.db, err, "DELETE FROM containers WHERE id = ?", "s", c->id);
}

static int read_column(const struct fields *table, struct db_statement *row, int column, struct arena *arena, void *out,
                       struct err *err)
{
    return fields_read_text(table, db_text(row, column), db_size(row, column), arena, out, "database", err);
}

int record_read_spec(const struct container *c, struct arena *arena, struct container_spec *ret, struct err *err)
{
    struct db_statement *row = db_query(c->engine->config.db, "SELECT spec FROM containers WHERE id = ?", "s", c->id);
    bool found = db_row(row);
    int r = found ? read_column(&container_spec_table, row, 0, arena, ret, err) : 0;
    if (db_end(row, err) < 0)
        return -1;
    return found ? r : err_set(err, ERR_NOT_FOUND, "the database has no definition of container %.12s", c->id);
}

static int read_row(struct db_statement *row, struct container *c, struct err *err)
{
    struct arena scratch cleanup(arena_done) = {0};
    struct interned *texts = &c->engine->texts;
    struct container_spec spec;
    (void)snprintf(c->id, sizeof(c->id), "%s", db_text(row, 0));
    c->name = mem_strdup(db_text(row, 1));
    c->created_ns = db_int(row, 2);
    c->image_id = intern(texts, db_text(row, 3));
    if (read_column(&container_spec_table, row, 4, &scratch, &spec, err) < 0 ||
        read_column(&mounts_table, row, 5, &c->private->arena, &c->mounts, err) < 0 ||
        read_column(&endpoints_table, row, 6, &c->private->run, &c->endpoints, err) < 0 ||
        read_column(&state_table, row, 7, &c->private->run, &c->state, err) < 0)
        return err_wrap(err, "container %.12s", c->id);
    outline_take(texts, &spec, &c->outline);
    return 0;
}

int record_load(struct engine *engine, int (*add)(struct engine *, struct container *, struct err *), struct err *err)
{
    struct db_statement *rows = db_query(engine->config.db,
                                         "SELECT id, name, created_ns, image_id, spec, mounts, endpoints, state"
                                         " FROM containers ORDER BY created_ns",
                                         "");
    while (db_row(rows)) {
        struct container *c = container_new(engine);
        if (read_row(rows, c, err) < 0 || add(engine, c, err) < 0) {
            container_free(c);
            (void)db_end(rows, NULL);
            return -1;
        }
    }
    return db_end(rows, err);
}
