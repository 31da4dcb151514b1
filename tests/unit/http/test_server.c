/* What is about turns and order, on a loop that the test turns by hand. Everything else: tests/system/test_http.py. */
#include "http/server.h"

#include "base/str.h"
#include "http/listener.h"
#include "http/reply.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

struct fixture {
    struct loop *loop;
    struct http_server *server;
    char folder[32], path[64];
    struct http_request *waiting;
    int gone, over;
};

static struct fixture f;

static void answer(struct http_request *request)
{
    http_reply(request, 200, "text/plain", "done", 4);
}

static void note_over(struct http_request *request, bool client_gone)
{
    f.waiting = NULL;
    f.over++;
    f.gone += client_gone;
}

static void keep(struct http_request *request)
{
    f.waiting = request;
    request->over = note_over;
}

static void start_stream(struct http_request *request)
{
    keep(request);
    http_stream_start(request, 200, "text/plain");
    http_stream_write(request, "one", 3);
}

static const struct http_route routes[] = {
    {HTTP_METHOD_GET, "/answer", answer},
    {HTTP_METHOD_GET, "/keep", keep},
    {HTTP_METHOD_GET, "/stream", start_stream},
};

static int set_up(void **state)
{
    struct err err;
    f = (struct fixture){0};
    (void)snprintf(f.folder, sizeof(f.folder), "/tmp/test-http-XXXXXX");
    assert_non_null(mkdtemp(f.folder));
    (void)snprintf(f.path, sizeof(f.path), "%s/sock", f.folder);
    f.loop = loop_new(&err);
    f.server = http_server_new(&(struct http_server_options){
        .loop = f.loop, .routes = routes, .route_count = ARRAY_SIZE(routes), .max_connections = 3});
    int fd = http_listen_unix(f.path, 0640, (gid_t)-1, &err);
    assert_return_code(fd, 0);
    return http_server_listen(f.server, fd, true, &err);
}

static int tear_down(void **state)
{
    http_server_free(f.server);
    loop_free(f.loop);
    (void)unlink(f.path);
    (void)rmdir(f.folder);
    return 0;
}

static int dial(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", f.path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_return_code(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

static void say(int fd, const char *text)
{
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

static void turn(void)
{
    struct err err;
    for (int i = 0; i < 5; i++)
        assert_return_code(loop_turn(f.loop, 0, &err), 0);
}

/* What has arrived; "" where nothing has. */
static const char *hear(int fd)
{
    static char text[4096];
    ssize_t n = read(fd, text, sizeof(text) - 1);
    text[n > 0 ? n : 0] = '\0';
    return text;
}

static bool is_closed(int fd)
{
    char c;
    return read(fd, &c, 1) == 0;
}

#define REQUEST(path) "GET " path " HTTP/1.1\r\nHost: h\r\n\r\n"

static void test_nothing_is_written_before_the_flush(void **state)
{
    int fd = dial();
    say(fd, REQUEST("/answer"));
    turn();
    assert_string_equal(hear(fd), "");
    assert_int_equal(http_server_requests(f.server), 1);
    http_server_flush(f.server);
    assert_non_null(strstr(hear(fd), "\r\n\r\ndone"));
    assert_int_equal(http_server_requests(f.server), 0);
    (void)close(fd);
}

static void test_a_stream_waits_for_the_flush_too(void **state)
{
    int fd = dial();
    say(fd, REQUEST("/stream"));
    turn();
    assert_string_equal(hear(fd), "");
    http_server_flush(f.server);
    assert_non_null(strstr(hear(fd), "\r\n\r\n3\r\none\r\n"));
    http_stream_write(f.waiting, "two", 3);
    turn();
    assert_string_equal(hear(fd), "");
    http_server_flush(f.server);
    assert_string_equal(hear(fd), "3\r\ntwo\r\n");
    http_stream_end(f.waiting);
    http_server_flush(f.server);
    assert_string_equal(hear(fd), "0\r\n\r\n");
    assert_int_equal(f.over, 1);
    assert_int_equal(f.gone, 0);
    (void)close(fd);
}

static void test_a_failed_commit_takes_the_answers_back(void **state)
{
    struct err err;
    int fd = dial(), stream = dial();
    say(fd, REQUEST("/answer"));
    say(stream, REQUEST("/stream"));
    turn();
    err_set(&err, ERR_NO_SPACE, "the disk is full");
    http_server_fail(f.server, &err);
    const char *text = hear(fd);
    assert_true(str_starts(text, "HTTP/1.1 507 "));
    assert_non_null(strstr(text, "the disk is full"));
    assert_null(strstr(text, "done"));
    assert_true(str_starts(hear(stream), "HTTP/1.1 507 "));
    assert_int_equal(f.over, 1);
    (void)close(fd);
    (void)close(stream);
}

static void test_pipelined_requests_are_answered_in_order(void **state)
{
    int fd = dial();
    say(fd, REQUEST("/keep") REQUEST("/answer") "GET /ans");
    turn();
    http_server_flush(f.server);
    assert_string_equal(hear(fd), "");
    http_reply(f.waiting, 200, NULL, "first", 5);
    http_server_flush(f.server);
    assert_non_null(strstr(hear(fd), "first"));
    turn();
    http_server_flush(f.server);
    assert_non_null(strstr(hear(fd), "done"));
    say(fd, "wer HTTP/1.1\r\nHost: h\r\n\r\n");
    turn();
    http_server_flush(f.server);
    assert_non_null(strstr(hear(fd), "done"));
    (void)close(fd);
}

static void test_a_client_that_leaves_is_noticed(void **state)
{
    int fd = dial();
    say(fd, REQUEST("/keep"));
    turn();
    assert_non_null(f.waiting);
    (void)close(fd);
    turn();
    assert_null(f.waiting);
    assert_int_equal(f.gone, 1);
    assert_int_equal(http_server_connections(f.server), 0);
}

static void test_a_client_that_half_closes_gets_its_answer(void **state)
{
    int fd = dial();
    say(fd, REQUEST("/keep"));
    turn();
    assert_return_code(shutdown(fd, SHUT_WR), 0);
    turn();
    assert_non_null(f.waiting);
    http_reply(f.waiting, 200, NULL, "late", 4);
    http_server_flush(f.server);
    assert_non_null(strstr(hear(fd), "late"));
    (void)close(fd);
}

static void test_the_longest_idle_makes_room(void **state)
{
    int fds[4];
    for (int i = 0; i < 3; i++)
        fds[i] = dial();
    turn();
    say(fds[0], REQUEST("/answer")); /* the first is idle for the shortest time now */
    turn();
    http_server_flush(f.server);
    (void)hear(fds[0]);
    fds[3] = dial();
    turn();
    assert_int_equal(http_server_connections(f.server), 3);
    assert_true(is_closed(fds[1]));
    assert_false(is_closed(fds[0]));
    assert_false(is_closed(fds[2]));
    for (int i = 0; i < 4; i++)
        (void)close(fds[i]);
}

static void test_busy_connections_are_not_closed_for_new_ones(void **state)
{
    int fds[4];
    for (int i = 0; i < 3; i++) {
        fds[i] = dial();
        say(fds[i], REQUEST("/keep"));
    }
    turn();
    fds[3] = dial();
    turn();
    assert_int_equal(http_server_connections(f.server), 3);
    assert_int_equal(f.gone, 0);
    for (int i = 0; i < 4; i++)
        (void)close(fds[i]);
}

static void test_the_socket_of_a_dead_daemon_is_replaced(void **state)
{
    struct err err;
    struct stat st;
    int fd = http_listen_unix(f.path, 0600, (gid_t)-1, &err);
    assert_int_equal(fd, -1);
    assert_int_equal(err.kind, ERR_CONFLICT);
    http_server_stop_listening(f.server);
    fd = http_listen_unix(f.path, 0600, (gid_t)-1, &err);
    assert_return_code(fd, 0);
    assert_return_code(stat(f.path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    (void)close(fd);
}

static void test_a_file_is_not_replaced(void **state)
{
    struct err err;
    assert_return_code(unlink(f.path), 0);
    FILE *file = fopen(f.path, "w");
    (void)fclose(file);
    assert_int_equal(http_listen_unix(f.path, 0600, (gid_t)-1, &err), -1);
    assert_int_equal(err.kind, ERR_CONFLICT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

TEST_MAIN(TEST(test_nothing_is_written_before_the_flush), TEST(test_a_stream_waits_for_the_flush_too),
          TEST(test_a_failed_commit_takes_the_answers_back), TEST(test_pipelined_requests_are_answered_in_order),
          TEST(test_a_client_that_leaves_is_noticed), TEST(test_a_client_that_half_closes_gets_its_answer),
          TEST(test_the_longest_idle_makes_room), TEST(test_busy_connections_are_not_closed_for_new_ones),
          TEST(test_the_socket_of_a_dead_daemon_is_replaced), TEST(test_a_file_is_not_replaced))
