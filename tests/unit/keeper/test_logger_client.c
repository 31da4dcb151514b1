/* The daemon's side of the logger against the logger itself, both on one loop. */
#include "ipc/logger_client.h"

#include "base/mem.h"
#include "base/str.h"
#include "keeper/logger.h"
#include "test.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>

#define ID "aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbccccccccccccccccdddddddddddddddd"

static char folder[] = "/tmp/test_logger_client.XXXXXX";
static struct loop *loop;
static struct logger *logger;
static struct logger_client *client;
static int done_count, failed_count, drained_count, attach_closed_count, lost_count;
static struct logger_stats stats;
static struct err last_error;

static void on_done(void *data, const struct err *error)
{
    done_count++;
    if (error) {
        failed_count++;
        last_error = *error;
    }
}

static void on_drained(void *data, const char *id)
{
    assert_string_equal(id, ID);
    drained_count++;
}

static void on_attach_closed(void *data, const char *id, uint32_t attachment)
{
    attach_closed_count++;
}

static void on_lost(void *data, const struct err *why)
{
    lost_count++;
    logger_client_free(TAKE(client));
}

static void on_stats(void *data, const struct logger_stats *each)
{
    stats = *each;
}

static const struct logger_client_ops ops = {on_drained, on_attach_closed, on_lost};

static void turn_until(const int *count, int wanted)
{
    struct err err;
    for (int i = 0; *count < wanted && i < 1000; i++)
        assert_int_equal(logger_turn(logger, 100, &err), 0);
    assert_int_equal(*count, wanted);
}

static void path_of(char path[256], const char *rest)
{
    (void)snprintf(path, 256, "%s/%s", folder, rest);
}

static int set_up(void **state)
{
    struct err err;
    char path[256];
    static const char *const folders[] = {"containers", "containers/" ID, "data", "data/" ID};
    if (!mkdtemp(folder))
        return -1;
    for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
        path_of(path, folders[i]);
        (void)mkdir(path, 0700);
    }
    path_of(path, "containers/" ID "/stdout");
    (void)mkfifo(path, 0600);
    loop = loop_new(&err);
    logger = NEW(struct logger);
    if (logger_init(logger, loop, folder, &err) < 0)
        return -1;
    path_of(path, "data");
    cleanup_fd int data_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    path_of(path, "logger.sock");
    client = logger_client_new(loop, path, data_fd, &ops, NULL, &err);
    done_count = failed_count = drained_count = attach_closed_count = lost_count = 0;
    return client ? 0 : -1;
}

static int tear_down(void **state)
{
    char command[256];
    logger_client_free(TAKE(client));
    logger_fini(logger);
    free(logger);
    loop_free(loop);
    (void)snprintf(command, sizeof(command), "rm -rf %s", folder);
    int r = system(command);
    memcpy(folder + strlen(folder) - 6, "XXXXXX", 6);
    return r;
}

static const struct logger_open open_stdout = {
    .id = ID, .streams = LOGGER_STDOUT, .driver = LOGGER_JSON_FILE, .terminal_fd = -1, .fresh = true};

static int open_writer(void)
{
    char path[256];
    path_of(path, "containers/" ID "/stdout");
    return open(path, O_RDWR | O_CLOEXEC);
}

static void test_life_of_a_container(void **state)
{
    struct err err;
    int sockets[2];
    char data[64];
    assert_true(logger_client_open(client, &open_stdout, on_done, NULL, &err) > 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets), 0);
    assert_true(logger_client_attach(client, ID, LOGGER_BOTH, sockets[1], on_done, NULL, &err) > 0);
    assert_int_equal(close(sockets[1]), 0);
    turn_until(&done_count, 2);
    assert_int_equal(failed_count, 0);

    int writer = open_writer();
    assert_int_equal(write(writer, "hello\n", 6), 6);
    assert_true(logger_client_stats(client, NULL, on_stats, on_done, NULL, &err) > 0);
    turn_until(&done_count, 3);
    (void)close(writer);
    turn_until(&drained_count, 1);
    turn_until(&attach_closed_count, 1);
    assert_int_equal(read(sockets[0], data, sizeof(data)), 14);
    assert_memory_equal(data, "\1\0\0\0\0\0\0\6hello\n", 14);
    (void)close(sockets[0]);
}

static void test_stats_and_errors(void **state)
{
    struct err err;
    int writer = open_writer();
    assert_true(logger_client_open(client, &open_stdout, on_done, NULL, &err) > 0);
    assert_int_equal(write(writer, "a\nb\n", 4), 4);
    turn_until(&done_count, 1);
    for (int i = 2; stats.lines < 2 && i < 100; i++) {
        assert_true(logger_client_stats(client, ID, on_stats, on_done, NULL, &err) > 0);
        turn_until(&done_count, i);
    }
    assert_int_equal(stats.lines, 2);
    assert_int_equal(stats.bytes, 4);
    assert_true(logger_client_detach(client, 99, &err) > 0);
    int64_t number = logger_client_request(client, LOGGER_ROTATE, "bbbb", on_done, NULL, &err);
    assert_true(number < 0 && err.kind == ERR_INVALID);
    done_count = 0;
    struct logger_open bad = open_stdout;
    bad.id = "eeeeeeeeeeeeeeeebbbbbbbbbbbbbbbbccccccccccccccccdddddddddddddddd";
    assert_true(logger_client_open(client, &bad, on_done, NULL, &err) > 0);
    turn_until(&done_count, 1);
    assert_int_equal(failed_count, 1);
    assert_int_equal(last_error.kind, ERR_NOT_FOUND);
    (void)close(writer);
}

/* More requests than the socket takes at once. */
static void test_many_requests(void **state)
{
    struct err err;
    int sent = 0;
    while (logger_client_request(client, LOGGER_REOPEN, ID, on_done, NULL, &err) > 0)
        sent++;
    assert_int_equal(err.kind, ERR_LIMIT);
    assert_true(sent >= 4096);
    for (int i = 0; done_count < sent && i < 100000; i++)
        assert_int_equal(logger_turn(logger, 100, &err), 0);
    assert_int_equal(done_count, sent);
    assert_int_equal(failed_count, sent);
}

static void test_lost(void **state)
{
    struct err err;
    assert_true(logger_client_open(client, &open_stdout, on_done, NULL, &err) > 0);
    logger_hang_up(logger);
    for (int i = 0; !lost_count && i < 100; i++)
        assert_int_equal(loop_turn(loop, 100, &err), 0);
    assert_int_equal(lost_count, 1);
    assert_int_equal(failed_count, 1);
    assert_int_equal(last_error.kind, ERR_UNAVAILABLE);
    char path[256];
    path_of(path, "nothing.sock");
    assert_null(logger_client_new(loop, path, 0, &ops, NULL, &err));
    assert_int_equal(err.kind, ERR_UNAVAILABLE);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {CASE(test_life_of_a_container), CASE(test_stats_and_errors),
                                       CASE(test_many_requests), CASE(test_lost)};
    (void)signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
