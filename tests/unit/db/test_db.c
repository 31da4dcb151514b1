#include "db/db.h"

#include "base/str.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <cmocka.h>

static char folder[64], path[96];

static int make_folder(void **state)
{
    (void)snprintf(folder, sizeof(folder), "/tmp/shoal-db-XXXXXX");
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof(path), "%s/state.db", folder);
    return 0;
}

static int remove_folder(void **state)
{
    static const char *const suffixes[] = {"", "-wal", "-shm", "-journal"};
    for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
        char file[128];
        (void)snprintf(file, sizeof(file), "%s%s", path, suffixes[i]);
        (void)unlink(file);
    }
    return rmdir(folder);
}

static const char *const schema[] = {
    "CREATE TABLE things (id TEXT PRIMARY KEY, size INTEGER, data BLOB)",
    "ALTER TABLE things ADD COLUMN colour TEXT",
};

static struct db *open_db(size_t version)
{
    struct err err = {0};
    struct db *db = db_open(path, &err);
    assert_string_equal(err.message, "");
    assert_int_equal(db_migrate(db, "test", schema, version, &err), 0);
    return db;
}

static int64_t count_things(struct db *db)
{
    struct db_statement *s = db_query(db, "SELECT count(*) FROM things", "");
    int64_t n = db_row(s) ? db_int(s, 0) : -1;
    assert_int_equal(db_end(s, NULL), 0);
    return n;
}

static void test_values_go_in_and_come_out(void **state)
{
    struct db *db cleanup(db_freep) = open_db(2);
    struct err err;
    assert_int_equal(
        db_run(db, &err, "INSERT INTO things VALUES (?, ?, ?, ?)", "sibs", "a", (int64_t)-5, "x\0y", (size_t)3, NULL),
        0);
    assert_true(db_pending(db));
    assert_int_equal(db_commit(db, &err), 0);
    assert_false(db_pending(db));
    struct db_statement *s = db_query(db, "SELECT id, size, data, colour FROM things WHERE id = ?", "s", "a");
    assert_true(db_row(s));
    assert_string_equal(db_text(s, 0), "a");
    assert_int_equal(db_int(s, 1), -5);
    assert_int_equal(db_size(s, 2), 3);
    assert_null(db_text(s, 3));
    assert_false(db_row(s));
    assert_int_equal(db_end(s, &err), 0);
}

static void test_errors_are_told(void **state)
{
    struct db *db cleanup(db_freep) = open_db(2);
    struct err err;
    assert_int_equal(db_run(db, &err, "INSERT INTO things (id) VALUES (?)", "s", "a"), 0);
    assert_int_equal(db_run(db, &err, "INSERT INTO things (id) VALUES (?)", "s", "a"), -1);
    assert_int_equal(err.kind, ERR_CONFLICT);
    assert_int_equal(db_run(db, &err, "INSERT INTO nowhere VALUES (1)", ""), -1);
    assert_int_equal(db_commit(db, &err), 0);
    assert_int_equal(count_things(db), 1);
}

static void test_second_daemon_is_refused(void **state)
{
    struct db *db cleanup(db_freep) = open_db(2);
    struct err err;
    assert_non_null(db);
    assert_null(db_open(path, &err));
    assert_non_null(strstr(err.message, "another daemon"));
}

static void test_migration(void **state)
{
    db_free(open_db(1));
    struct db *db cleanup(db_freep) = open_db(2);
    struct err err;
    assert_int_equal(db_run(db, &err, "INSERT INTO things (id, colour) VALUES ('a', 'red')", ""), 0);
    assert_int_equal(db_commit(db, &err), 0);
    assert_int_equal(db_migrate(db, "test", schema, 1, &err), -1);
    assert_non_null(strstr(err.message, "newer shoal"));
}

/* A process that dies between its writes and its commit leaves what was committed before, and nothing else. */
static void test_death_before_commit(void **state)
{
    pid_t pid = fork();
    if (pid == 0) {
        struct db *db = open_db(2);
        struct err err;
        (void)db_run(db, &err, "INSERT INTO things (id) VALUES ('kept')", "");
        (void)db_commit(db, &err);
        (void)db_run(db, &err, "INSERT INTO things (id) VALUES ('lost')", "");
        _exit(0);
    }
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    struct db *db cleanup(db_freep) = open_db(2);
    assert_int_equal(count_things(db), 1);
}

/* The disk is full (here: a limit on the size of files): the turn is lost as a whole, what was there stays. */
static void test_full_disk(void **state)
{
    struct err err;
    db_free(open_db(2));
    pid_t pid = fork();
    if (pid == 0) {
        struct db *db = open_db(2);
        struct rlimit limit = {65536, 65536};
        (void)signal(SIGXFSZ, SIG_IGN);
        (void)setrlimit(RLIMIT_FSIZE, &limit);
        static char large[1 << 20];
        int r = db_run(db, &err, "INSERT INTO things (id, data) VALUES ('big', ?)", "b", large, sizeof(large));
        if (r == 0)
            r = db_commit(db, &err);
        _exit(r < 0 ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    struct db *db cleanup(db_freep) = open_db(2);
    assert_int_equal(count_things(db), 0);
}

static void test_what_must_survive_a_power_cut_is_synced_at_once(void **state)
{
    struct err err;
    struct db *db cleanup(db_freep) = open_db(2);
    assert_int_equal(db_sync(db, &err), 0);
    assert_false(db_unsynced(db));
    assert_int_equal(db_run_soon(db, &err, "INSERT INTO things (id) VALUES ('soon')", ""), 0);
    assert_int_equal(db_commit(db, &err), 0);
    assert_true(db_unsynced(db));
    assert_int_equal(db_run_soon(db, &err, "INSERT INTO things (id) VALUES ('sooner')", ""), 0);
    assert_int_equal(db_run(db, &err, "INSERT INTO things (id) VALUES ('now')", ""), 0);
    assert_int_equal(db_commit(db, &err), 0);
    assert_false(db_unsynced(db));
    assert_int_equal(db_run_soon(db, &err, "DELETE FROM things WHERE id = 'soon'", ""), 0);
    assert_int_equal(db_commit(db, &err), 0);
    assert_true(db_unsynced(db));
    assert_int_equal(db_sync(db, &err), 0);
    assert_false(db_unsynced(db));
    assert_int_equal(count_things(db), 2);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_values_go_in_and_come_out),
        TEST(test_errors_are_told),
        TEST(test_second_daemon_is_refused),
        TEST(test_migration),
        TEST(test_death_before_commit),
        TEST(test_full_disk),
        TEST(test_what_must_survive_a_power_cut_is_synced_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
