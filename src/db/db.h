#pragma once
/*
 * The node's state in SQLite (WAL). Writes of one turn of the loop share one transaction: the first db_run() of a turn
 * opens it, db_commit() at the turn's end closes it, and replies leave after that. A commit that fails (a full disk)
 * loses the whole turn: the daemon, whose objects are ahead of the file then, ends, and its successor reads what is
 * true.
 *
 * What is committed survives the end of the process, however it comes. What is defined (db_run()) survives a power cut
 * too: its commit waits for the disk. What processes do (db_run_soon()) does not wait: they die with the power.
 *
 *     struct db_statement *s = db_query(db, "SELECT id, name FROM containers WHERE image = ?", "s", image);
 *     while (db_row(s))
 *         use(db_text(s, 0), db_text(s, 1));
 *     if (db_end(s, err) < 0) …
 */
#include "base/cleanup.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct db;
struct db_statement;

/* Opens or creates; the folder must exist. Refuses a file that another process holds. */
struct db *db_open(const char *path, struct err *err);
void db_free(struct db *db);
DEFINE_CLEANUP(struct db *, db_free);

/*
 * Brings the schema of one part ("images", "engine" …) up to date: steps[i] leads from version i to i + 1, in one
 * transaction each step. A database of a newer program is refused.
 */
int db_migrate(struct db *db, const char *part, const char *const *steps, size_t count, struct err *err);

/*
 * Runs a statement that gives no rows. types names the values that follow, one letter each: s text (NULL is NULL),
 * i int64_t, b const void * and size_t. Statements are prepared once and kept by their text, which must be a constant.
 */
int db_run(struct db *db, struct err *err, const char *sql, const char *types, ...);
/* The same; but after a power cut it may be as if the last second's had not been. */
int db_run_soon(struct db *db, struct err *err, const char *sql, const char *types, ...);

/* Starts reading rows; never NULL. An error ends the rows and is told by db_end(). */
struct db_statement *db_query(struct db *db, const char *sql, const char *types, ...);
bool db_row(struct db_statement *statement);
/* Valid until the next db_row() or db_end(). */
const char *db_text(struct db_statement *statement, int column); /* NULL where NULL */
size_t db_size(struct db_statement *statement, int column);
int64_t db_int(struct db_statement *statement, int column);
/* Ends the reading; err may be NULL. */
int db_end(struct db_statement *statement, struct err *err);

/* Closes the turn's transaction, if one is open. After a failure the transaction is rolled back. */
int db_commit(struct db *db, struct err *err);
/* Is anything waiting for db_commit()? */
bool db_pending(const struct db *db);

/* Brings all that is committed to the disk. Whoever commits calls it within a second where db_unsynced() says so. */
int db_sync(struct db *db, struct err *err);
bool db_unsynced(const struct db *db);
