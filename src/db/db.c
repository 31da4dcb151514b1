#include "db/db.h"

#include "base/mem.h"
#include "base/str.h"
#include "base/vec.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdlib.h>

struct db_statement {
    struct db *db;
    const char *sql; /* a constant */
    sqlite3_stmt *stmt;
    bool busy;
    int result; /* of the last step */
};

struct db {
    sqlite3 *handle;
    VEC(struct db_statement *) statements;
    bool in_transaction;
    bool must_last; /* the transaction has writes of db_run() */
    bool unsynced;  /* something that is committed may be in the kernel's memory only */
};

static int fail(struct db *db, struct err *err, const char *what)
{
    int code = sqlite3_extended_errcode(db->handle);
    enum err_kind kind = ERR_INTERNAL;
    if ((code & 0xff) == SQLITE_FULL)
        kind = ERR_NO_SPACE;
    else if ((code & 0xff) == SQLITE_BUSY || (code & 0xff) == SQLITE_LOCKED)
        kind = ERR_CONFLICT;
    else if ((code & 0xff) == SQLITE_CONSTRAINT)
        kind = ERR_CONFLICT;
    return err_set(err, kind, "database: %s: %s", what, sqlite3_errmsg(db->handle));
}

static int execute(struct db *db, const char *sql, struct err *err)
{
    return sqlite3_exec(db->handle, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : fail(db, err, sql);
}

struct db *db_open(const char *path, struct err *err)
{
    struct db *db cleanup(db_freep) = NEW(struct db);
    if (sqlite3_open_v2(path, &db->handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL) !=
        SQLITE_OK) {
        fail(db, err, path);
        return NULL;
    }
    static const char *const settings[] = {
        "PRAGMA locking_mode=EXCLUSIVE", /* one daemon a file; also no shared memory for the WAL's index */
        "PRAGMA journal_mode=WAL",
        "PRAGMA synchronous=NORMAL", /* db_sync() has the rest */
        "PRAGMA foreign_keys=ON",
        "PRAGMA cache_size=-512", /* KiB */
        "CREATE TABLE IF NOT EXISTS schema_versions (part TEXT PRIMARY KEY, version INTEGER NOT NULL)",
    };
    for (size_t i = 0; i < ARRAY_SIZE(settings); i++)
        if (execute(db, settings[i], err) < 0) {
            err_wrap(err, "%s (is another daemon using this data directory?)", path);
            return NULL;
        }
    return TAKE(db);
}

void db_free(struct db *db)
{
    if (!db)
        return;
    struct err ignored;
    if (db->in_transaction)
        (void)db_commit(db, &ignored);
    vec_foreach (statement, &db->statements) {
        (void)sqlite3_finalize((*statement)->stmt);
        free(*statement);
    }
    vec_done(&db->statements);
    (void)sqlite3_close(db->handle);
    free(db);
}

/* --- Statements */

static struct db_statement *find_idle(struct db *db, const char *sql)
{
    vec_foreach (statement, &db->statements)
        if (!(*statement)->busy && ((*statement)->sql == sql || str_eq((*statement)->sql, sql)))
            return *statement;
    struct db_statement *statement = NEW(struct db_statement);
    statement->db = db;
    statement->sql = sql;
    statement->result = sqlite3_prepare_v3(db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement->stmt, NULL);
    vec_push(&db->statements, statement);
    return statement;
}

static void bind_values(struct db_statement *statement, const char *types, va_list args)
{
    for (int i = 1; *types; types++, i++) {
        if (*types == 's') {
            (void)sqlite3_bind_text(statement->stmt, i, va_arg(args, const char *), -1, SQLITE_TRANSIENT);
        } else if (*types == 'i') {
            (void)sqlite3_bind_int64(statement->stmt, i, va_arg(args, int64_t));
        } else {
            const void *data = va_arg(args, const void *);
            size_t size = va_arg(args, size_t);
            (void)sqlite3_bind_blob64(statement->stmt, i, data, size, SQLITE_TRANSIENT);
        }
    }
}

static struct db_statement *start(struct db *db, const char *sql, const char *types, va_list args)
{
    struct db_statement *statement = find_idle(db, sql);
    statement->busy = true;
    if (statement->stmt) {
        statement->result = SQLITE_OK;
        bind_values(statement, types, args);
    }
    return statement;
}

bool db_row(struct db_statement *statement)
{
    if (statement->stmt && (statement->result == SQLITE_OK || statement->result == SQLITE_ROW))
        statement->result = sqlite3_step(statement->stmt);
    return statement->result == SQLITE_ROW;
}

int db_end(struct db_statement *statement, struct err *err)
{
    int r = 0;
    struct err ignored;
    bool failed = statement->result != SQLITE_OK && statement->result != SQLITE_ROW && statement->result != SQLITE_DONE;
    if (failed)
        r = fail(statement->db, err ? err : &ignored, statement->sql);
    if (statement->stmt) {
        (void)sqlite3_reset(statement->stmt);
        (void)sqlite3_clear_bindings(statement->stmt);
    }
    statement->busy = false;
    return r;
}

struct db_statement *db_query(struct db *db, const char *sql, const char *types, ...)
{
    va_list args;
    va_start(args, types);
    struct db_statement *statement = start(db, sql, types, args);
    va_end(args);
    return statement;
}

/* Prepared once, as each turn needs it. */
static int step(struct db *db, const char *sql, struct err *err)
{
    struct db_statement *statement = db_query(db, sql, "");
    (void)db_row(statement);
    return db_end(statement, err);
}

static int begin(struct db *db, struct err *err)
{
    if (db->in_transaction)
        return 0;
    if (step(db, "BEGIN IMMEDIATE", err) < 0)
        return -1;
    db->in_transaction = true;
    return 0;
}

static int run(struct db *db, struct err *err, const char *sql, const char *types, va_list args)
{
    if (begin(db, err) < 0)
        return -1;
    struct db_statement *statement = start(db, sql, types, args);
    (void)db_row(statement);
    return db_end(statement, err);
}

int db_run(struct db *db, struct err *err, const char *sql, const char *types, ...)
{
    va_list args;
    va_start(args, types);
    db->must_last = true;
    int r = run(db, err, sql, types, args);
    va_end(args);
    return r;
}

int db_run_soon(struct db *db, struct err *err, const char *sql, const char *types, ...)
{
    va_list args;
    va_start(args, types);
    int r = run(db, err, sql, types, args);
    va_end(args);
    return r;
}

const char *db_text(struct db_statement *statement, int column)
{
    return (const char *)sqlite3_column_text(statement->stmt, column);
}

size_t db_size(struct db_statement *statement, int column)
{
    return (size_t)sqlite3_column_bytes(statement->stmt, column);
}

int64_t db_int(struct db_statement *statement, int column)
{
    return sqlite3_column_int64(statement->stmt, column);
}

/* --- Transactions */

bool db_pending(const struct db *db)
{
    return db->in_transaction;
}

bool db_unsynced(const struct db *db)
{
    return db->unsynced;
}

int db_sync(struct db *db, struct err *err)
{
    sqlite3_file *wal = NULL;
    (void)sqlite3_file_control(db->handle, "main", SQLITE_FCNTL_JOURNAL_POINTER, &wal);
    if (db->unsynced && wal && wal->pMethods && wal->pMethods->xSync(wal, SQLITE_SYNC_NORMAL) != SQLITE_OK)
        return err_errno(err, errno, "database: what was committed cannot be brought to the disk");
    db->unsynced = false;
    return 0;
}

int db_commit(struct db *db, struct err *err)
{
    if (!db->in_transaction)
        return 0;
    bool must_last = db->must_last;
    db->in_transaction = db->must_last = false;
    if (step(db, "COMMIT", err) == 0) {
        db->unsynced = true;
        return must_last ? db_sync(db, err) : 0;
    }
    struct err ignored;
    (void)execute(db, "ROLLBACK", &ignored);
    return -1;
}

/* --- Migration */

static int schema_version(struct db *db, const char *part, int64_t *ret, struct err *err)
{
    struct db_statement *s = db_query(db, "SELECT version FROM schema_versions WHERE part = ?", "s", part);
    *ret = db_row(s) ? db_int(s, 0) : 0;
    return db_end(s, err);
}

int db_migrate(struct db *db, const char *part, const char *const *steps, size_t count, struct err *err)
{
    int64_t version;
    if (schema_version(db, part, &version, err) < 0)
        return -1;
    if (version > (int64_t)count)
        return err_set(err, ERR_UNSUPPORTED,
                       "the database was written by a newer shoal (%s version %lld, known here: %zu)", part,
                       (long long)version, count);
    for (; version < (int64_t)count; version++) {
        if (begin(db, err) < 0 || execute(db, steps[version], err) < 0 ||
            db_run(db, err, "INSERT OR REPLACE INTO schema_versions VALUES (?, ?)", "si", part, version + 1) < 0 ||
            db_commit(db, err) < 0)
            return err_wrap(err, "cannot bring the database's %s to version %lld", part, (long long)version + 1);
    }
    return 0;
}
