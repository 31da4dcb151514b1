#include "engine/logfile.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define ID "aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbccccccccccccccccdddddddddddddddd"

static char folder[] = "/tmp/test_logfile.XXXXXX";

/* --- What the logger does ----------------------------------------------------------------------------------------- */

static void path_of(char path[256], unsigned index)
{
    char name[JSONLOG_NAME_MAX];
    jsonlog_name(name, ID, index);
    (void)snprintf(path, 256, "%s/%s", folder, name);
}

static void append(unsigned index, const void *data, size_t size)
{
    char path[256];
    path_of(path, index);
    cleanup_fd int fd = open(path, O_WRONLY | O_APPEND | O_CREAT, 0640);
    assert_true(write(fd, data, size) == (ssize_t)size);
}

/* A line whose text and time are the number; odd ones are on stderr. */
static size_t format(char *out, size_t room, int number)
{
    char text[32];
    struct jsonlog_clock clock = {0};
    (void)snprintf(text, sizeof(text), "%d\n", number);
    struct jsonlog_record record = {.text = text,
                                    .size = strlen(text),
                                    .stream = number % 2 ? JSONLOG_STDERR : JSONLOG_STDOUT,
                                    .time_ns = number * NS_PER_S};
    return jsonlog_format(out, room, &record, &clock);
}

static void write_lines(unsigned index, int from, int to)
{
    char line[512];
    for (int i = from; i <= to; i++)
        append(index, line, format(line, sizeof(line), i));
}

static void rotate(unsigned files)
{
    char from[256], to[256];
    for (unsigned i = files - 1; i >= 1; i--) {
        path_of(from, i - 1);
        path_of(to, i);
        (void)rename(from, to);
    }
}

static int remove_files(void **state)
{
    char path[256];
    for (unsigned i = 0; i < JSONLOG_FILES_MAX; i++) {
        path_of(path, i);
        (void)unlink(path);
    }
    return 0;
}

/* --- What a client does ------------------------------------------------------------------------------------------- */

static struct logfile_query query_all(void)
{
    return (struct logfile_query){.tail = LOGFILE_TAIL_ALL, .stdout_wanted = true, .stderr_wanted = true};
}

/* Reads on until it must wait or ends; the numbers go to seen as "1 2 3 ". */
static int read_on(struct logfile *f, struct buf *seen)
{
    struct jsonlog_record record;
    struct err err;
    int r;
    while ((r = logfile_next(f, &record, &err)) == LOGFILE_RECORD || r == LOGFILE_AGAIN)
        if (r == LOGFILE_RECORD)
            buf_printf(seen, "%.*s ", (int)record.size - 1, record.text);
    if (r < 0)
        fail_msg("%s", err.message);
    return r;
}

static void assert_reads(const struct logfile_query *query, const char *wanted)
{
    struct err err;
    struct buf seen cleanup(buf_done) = BUF(1 << 20);
    struct logfile *f cleanup(logfile_closep) = logfile_open(folder, ID, query, NULL, &err);
    assert_non_null(f);
    assert_int_equal(read_on(f, &seen), LOGFILE_END);
    assert_string_equal(buf_str(&seen), wanted);
}

static void test_all_files_oldest_first(void **state)
{
    struct logfile_query q = query_all();
    assert_reads(&q, "");
    write_lines(0, 5, 6);
    assert_reads(&q, "5 6 ");
    write_lines(1, 3, 4);
    write_lines(2, 1, 2);
    assert_reads(&q, "1 2 3 4 5 6 ");
    q.stderr_wanted = false;
    assert_reads(&q, "2 4 6 ");
    q.stderr_wanted = true;
    q.stdout_wanted = false;
    assert_reads(&q, "1 3 5 ");
}

static void test_tail(void **state)
{
    static const char *const wanted[] = {"", "6 ", "5 6 ", "4 5 6 ", "3 4 5 6 ", "2 3 4 5 6 ", "1 2 3 4 5 6 "};
    write_lines(0, 5, 6);
    write_lines(1, 3, 4);
    write_lines(2, 1, 2);
    struct logfile_query q = query_all();
    for (q.tail = 0; q.tail < ARRAY_SIZE(wanted); q.tail++)
        assert_reads(&q, wanted[q.tail]);
    q.tail = 1000;
    assert_reads(&q, wanted[6]);
    q.tail = 3;
    q.stdout_wanted = false;
    assert_reads(&q, "5 "); /* of the last three, those of stderr, as Docker has it */
}

static void test_tail_over_blocks(void **state)
{
    write_lines(1, 1, 3000);
    write_lines(0, 3001, 5000);
    for (int n = 1990; n < 2010; n++) {
        struct buf wanted cleanup(buf_done) = BUF(1 << 20);
        struct logfile_query q = query_all();
        q.tail = (uint64_t)n;
        for (int i = 5001 - n; i <= 5000; i++)
            buf_printf(&wanted, "%d ", i);
        assert_reads(&q, buf_str(&wanted));
    }
}

static void test_since_and_until(void **state)
{
    write_lines(1, 1, 4);
    write_lines(0, 5, 9);
    struct logfile_query q = query_all();
    q.since_ns = 3 * NS_PER_S;
    q.until_ns = 6 * NS_PER_S;
    assert_reads(&q, "3 4 5 6 ");
    q.since_ns = 3 * NS_PER_S + 1;
    q.until_ns = 6 * NS_PER_S - 1;
    assert_reads(&q, "4 5 ");
    q.tail = 6;
    q.until_ns = 0;
    assert_reads(&q, "4 5 6 7 8 9 ");
    /* All files were written before it. */
    q.since_ns = clock_realtime_ns() + 1000 * NS_PER_S;
    assert_reads(&q, "");
}

static void test_what_is_no_record_is_skipped(void **state)
{
    char *large = mem_alloc(2000000);
    memset(large, 'x', 2000000);
    large[1999999] = '\n';
    write_lines(0, 1, 1);
    append(0, "garbage\n\n{\"log\":\n", 17);
    write_lines(0, 2, 2);
    append(0, large, 2000000);
    write_lines(0, 3, 3);
    append(0, "{\"log\":\"torn", 12);
    struct logfile_query q = query_all();
    assert_reads(&q, "1 2 3 ");
    q.tail = 1;
    assert_reads(&q, "3 ");
    free(large);
}

static void test_long_logs_take_several_calls(void **state)
{
    char *lines = mem_alloc(8000000);
    size_t size = 0;
    for (int i = 0; i < 60000; i++)
        size += format(lines + size, 8000000 - size, i);
    append(0, lines, size);
    free(lines);
    struct logfile_query q = query_all();
    q.until_ns = q.since_ns = 59999 * NS_PER_S;
    struct err err;
    struct jsonlog_record record;
    struct logfile *f cleanup(logfile_closep) = logfile_open(folder, ID, &q, NULL, &err);
    int calls = 0, r;
    while ((r = logfile_next(f, &record, &err)) == LOGFILE_AGAIN)
        calls++;
    assert_int_equal(r, LOGFILE_RECORD);
    assert_true(calls >= (int)(size / LOGFILE_STEP_BYTES) - 1 && calls > 5);
}

static void test_ends_where_it_ended_at_first(void **state)
{
    struct err err;
    struct buf seen cleanup(buf_done) = BUF(1 << 20);
    struct logfile_query q = query_all();
    write_lines(0, 1, 3);
    struct logfile *f cleanup(logfile_closep) = logfile_open(folder, ID, &q, NULL, &err);
    write_lines(0, 4, 5);
    rotate(3);
    write_lines(0, 6, 7);
    assert_int_equal(read_on(f, &seen), LOGFILE_END);
    assert_string_equal(buf_str(&seen), "1 2 3 ");
}

/* --- Following ---------------------------------------------------------------------------------------------------- */

static struct loop *loop;
static struct logfile_watcher *watcher;
static int changes;

static void count_change(struct logfile *f, void *data)
{
    changes++;
}

static int start_watching(void **state)
{
    struct err err;
    loop = loop_new(&err);
    watcher = logfile_watcher_new(loop, &err);
    changes = 0;
    return watcher ? 0 : -1;
}

static int stop_watching(void **state)
{
    logfile_watcher_free(watcher);
    loop_free(loop);
    return remove_files(state);
}

static void turn(void)
{
    struct err err;
    assert_true(loop_turn(loop, 1000, &err) == 0);
}

static struct logfile *follow(uint64_t tail)
{
    struct err err;
    struct logfile_query q = query_all();
    q.tail = tail;
    q.follow = true;
    struct logfile *f = logfile_open(folder, ID, &q, watcher, &err);
    assert_non_null(f);
    logfile_on_change(f, count_change, NULL);
    return f;
}

/* Waits, is woken by what write_lines() wrote, and has seen just that. */
static void assert_follows(struct logfile *f, struct buf *seen, const char *wanted)
{
    changes = 0;
    for (int i = 0; !changes && i < 10; i++)
        turn();
    assert_int_equal(changes, 1);
    assert_int_equal(read_on(f, seen), LOGFILE_WAIT);
    assert_string_equal(buf_str(seen), wanted);
    buf_reset(seen);
}

static void test_follow(void **state)
{
    struct buf seen cleanup(buf_done) = BUF(1 << 20);
    struct logfile *f cleanup(logfile_closep) = follow(LOGFILE_TAIL_ALL);
    assert_int_equal(read_on(f, &seen), LOGFILE_WAIT); /* nothing was written yet */
    write_lines(0, 1, 2);
    assert_follows(f, &seen, "1 2 ");
    write_lines(0, 3, 3);
    append(0, "{\"log\":\"torn", 12);
    assert_follows(f, &seen, "3 ");
    /* The logger was killed, and its successor takes the torn record back and writes it again. */
    char path[256];
    struct stat st;
    path_of(path, 0);
    assert_true(stat(path, &st) == 0 && truncate(path, st.st_size - 12) == 0);
    write_lines(0, 4, 5);
    assert_follows(f, &seen, "4 5 ");
    logfile_finish(f);
    assert_int_equal(read_on(f, &seen), LOGFILE_END);
}

static void test_follow_the_tail(void **state)
{
    struct buf seen cleanup(buf_done) = BUF(1 << 20);
    write_lines(0, 1, 9);
    struct logfile *f cleanup(logfile_closep) = follow(0);
    assert_int_equal(read_on(f, &seen), LOGFILE_WAIT);
    assert_string_equal(buf_str(&seen), "");
    write_lines(0, 10, 11);
    assert_follows(f, &seen, "10 11 ");
    logfile_finish(f);
    write_lines(0, 12, 12);
    assert_int_equal(read_on(f, &seen), LOGFILE_END);
    assert_string_equal(buf_str(&seen), "12 ");
}

static void test_follow_across_rotation(void **state)
{
    struct buf seen cleanup(buf_done) = BUF(1 << 20);
    write_lines(0, 1, 2);
    struct logfile *f cleanup(logfile_closep) = follow(LOGFILE_TAIL_ALL);
    assert_int_equal(read_on(f, &seen), LOGFILE_WAIT);
    buf_reset(&seen);
    write_lines(0, 3, 3);
    rotate(4);
    write_lines(0, 4, 5);
    rotate(4);
    write_lines(0, 6, 6);
    rotate(4);
    assert_follows(f, &seen, "3 4 5 6 ");
    write_lines(0, 7, 7);
    assert_follows(f, &seen, "7 ");
}

static void test_follow_what_is_removed(void **state)
{
    char path[256];
    struct buf seen cleanup(buf_done) = BUF(1 << 20);
    write_lines(0, 1, 2);
    struct logfile *f cleanup(logfile_closep) = follow(LOGFILE_TAIL_ALL);
    assert_int_equal(read_on(f, &seen), LOGFILE_WAIT);
    buf_reset(&seen);
    write_lines(0, 3, 3);
    path_of(path, 0);
    assert_true(unlink(path) == 0); /* max-file=1 */
    write_lines(0, 4, 4);
    assert_follows(f, &seen, "3 4 ");
    assert_true(truncate(path, 0) == 0);
    assert_follows(f, &seen, "");
    write_lines(0, 5, 5);
    assert_follows(f, &seen, "5 ");
}

/* The writer begins a new file every few lines, while the reader looks for the next one. */
static void test_follow_a_writer_that_rotates_all_the_time(void **state)
{
    enum { LINES = 3000, FILES = 90 };
    struct buf seen cleanup(buf_done) = BUF(1 << 20);
    struct buf wanted cleanup(buf_done) = BUF(1 << 20);
    struct logfile *f cleanup(logfile_closep) = follow(LOGFILE_TAIL_ALL);
    assert_int_equal(read_on(f, &seen), LOGFILE_WAIT);
    pid_t writer = fork();
    if (writer == 0) {
        for (int i = 1; i <= LINES; i++) {
            write_lines(0, i, i);
            if (i % 7 == 0)
                rotate(FILES);
            if (i % 100 == 0)
                (void)usleep(5000); /* no faster than files go: what is removed cannot be read */
        }
        _exit(0);
    }
    int status = -1;
    for (int64_t end_ms = clock_monotonic_ms() + 20000; waitpid(writer, &status, WNOHANG) == 0;) {
        assert_true(clock_monotonic_ms() < end_ms);
        struct err err;
        assert_true(loop_turn(loop, 10, &err) == 0);
        (void)read_on(f, &seen);
    }
    assert_int_equal(status, 0);
    logfile_finish(f);
    assert_int_equal(read_on(f, &seen), LOGFILE_END);
    for (int i = 1; i <= LINES; i++)
        buf_printf(&wanted, "%d ", i);
    assert_string_equal(buf_str(&seen), buf_str(&wanted));
}

/* Two of one folder, one of which goes away when it is told of a change. */
static struct logfile *closes;

static void close_other(struct logfile *f, void *data)
{
    changes++;
    logfile_close(TAKE(closes));
}

static void test_closed_in_a_callback(void **state)
{
    struct buf seen cleanup(buf_done) = BUF(1 << 20);
    struct logfile *f cleanup(logfile_closep) = follow(0);
    closes = follow(0);
    logfile_on_change(f, close_other, NULL);
    assert_int_equal(read_on(f, &seen), LOGFILE_WAIT);
    assert_int_equal(read_on(closes, &seen), LOGFILE_WAIT);
    write_lines(0, 1, 1);
    while (!changes)
        turn();
    assert_null(closes);
    assert_int_equal(changes, 1);
    assert_int_equal(read_on(f, &seen), LOGFILE_WAIT);
    assert_string_equal(buf_str(&seen), "1 ");
}

static void test_refusals(void **state)
{
    struct err err;
    struct logfile_query q = query_all();
    assert_null(logfile_open(folder, "../x", &q, NULL, &err));
    assert_int_equal(err.kind, ERR_INVALID);
    assert_null(logfile_open("/nowhere", ID, &q, NULL, &err));
    assert_int_equal(err.kind, ERR_NOT_FOUND);
    char path[256];
    path_of(path, 0);
    assert_true(symlink("/etc/passwd", path) == 0);
    assert_null(logfile_open(folder, ID, &q, NULL, &err));
}

#define FILES(f)   cmocka_unit_test_teardown(f, remove_files)
#define WATCHED(f) cmocka_unit_test_setup_teardown(f, start_watching, stop_watching)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FILES(test_all_files_oldest_first),
        FILES(test_tail),
        FILES(test_tail_over_blocks),
        FILES(test_since_and_until),
        FILES(test_what_is_no_record_is_skipped),
        FILES(test_long_logs_take_several_calls),
        FILES(test_ends_where_it_ended_at_first),
        FILES(test_refusals),
        WATCHED(test_follow),
        WATCHED(test_follow_the_tail),
        WATCHED(test_follow_across_rotation),
        WATCHED(test_follow_what_is_removed),
        WATCHED(test_follow_a_writer_that_rotates_all_the_time),
        WATCHED(test_closed_in_a_callback),
    };
    if (!mkdtemp(folder))
        return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    (void)rmdir(folder);
    return failed;
}
