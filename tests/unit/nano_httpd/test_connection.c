#include "connection.h"

#include "test.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define GET(path) "GET " path " HTTP/1.1\r\nHost: a\r\n"
#define LARGE     (1 << 20)

/* Both ends of a connection, in a served directory with a small and a large file. */
static struct fixture {
    char folder[32];
    int home, client;
    struct connection c;
    struct turn turn;
    char buffer[REQUEST_MAX];
    char got[2 * LARGE];
    size_t size;
} f;

static void write_file(const char *name, size_t size)
{
    char *content = calloc(size, 1);
    int fd = open(name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    for (size_t i = 0; i < size; i++)
        content[i] = (char)('a' + i % 26);
    assert_true(fd >= 0 && write(fd, content, size) == (ssize_t)size);
    (void)close(fd);
    free(content);
}

static int setup(void **state)
{
    static const char pattern[] = "/tmp/shoal-nano-XXXXXX";
    int fds[2];
    memset(&f, 0, sizeof(f));
    memcpy(f.folder, pattern, sizeof(pattern));
    f.home = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(mkdtemp(f.folder) && chdir(f.folder) == 0);
    write_file("small", 300);
    write_file("large", LARGE);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
    f.client = fds[0];
    f.turn.now_ms = 1000;
    f.turn.deadline_ms = INT64_MAX;
    connection_open(&f.c, fds[1], &f.turn);
    return 0;
}

static int teardown(void **state)
{
    if (f.c.state != STATE_CLOSED)
        connection_close(&f.c);
    (void)close(f.client);
    (void)unlink("small");
    (void)unlink("large");
    assert_true(fchdir(f.home) == 0 && rmdir(f.folder) == 0);
    (void)close(f.home);
    return 0;
}

static void ask(const char *text)
{
    assert_int_equal(send(f.client, text, strlen(text), MSG_NOSIGNAL), strlen(text));
    connection_step(&f.c, f.buffer, &f.turn);
}

static void receive(void)
{
    ssize_t n;
    while ((n = read(f.client, f.got + f.size, sizeof(f.got) - f.size)) > 0)
        f.size += (size_t)n;
}

/* How many responses with that status came; they are forgotten. */
static int count(const char *status)
{
    int found = 0;
    receive();
    for (char *at = f.got; (at = memmem(at, (size_t)(f.got + f.size - at), status, strlen(status))); at++)
        found++;
    f.size = 0;
    return found;
}

static void test_small_file_in_one_piece(void **state)
{
    ask(GET("/small") "\r\n");
    ssize_t n = read(f.client, f.got, sizeof(f.got)); /* one read takes what one send sent, and perhaps more */
    assert_true(n > 300 && memcmp(f.got + n - 300, "abcdefghij", 10) == 0);
    assert_int_equal(f.c.state, STATE_READING);
    assert_int_equal(f.c.file, -1);
    assert_int_equal(f.c.deadline_ms, 1000 + IDLE_MS);
    assert_int_equal(f.turn.deadline_ms, 1000 + REQUEST_MS); /* never later than the earliest */
}

static void test_time_for_a_request_runs_from_its_first_byte(void **state)
{
    ask(GET("/small") "\r\n");
    f.turn.now_ms = 5000;
    ask("GE");
    assert_int_equal(f.c.deadline_ms, 5000 + REQUEST_MS);
    f.turn.now_ms = 6000;
    ask("T");
    assert_int_equal(f.c.deadline_ms, 5000 + REQUEST_MS);
    assert_int_equal(f.c.want, EPOLLIN);
}

static void test_others_have_their_turn(void **state)
{
    for (int i = 0; i < 40; i++)
        assert_true(send(f.client, GET("/small") "\r\n", strlen(GET("/small") "\r\n"), 0) > 0);
    connection_step(&f.c, f.buffer, &f.turn);
    assert_int_equal(count("200 OK"), 16);
    assert_int_equal(f.c.want, EPOLLOUT);
    connection_step(&f.c, f.buffer, &f.turn);
    assert_int_equal(count("200 OK"), 16);
    connection_step(&f.c, f.buffer, &f.turn);
    assert_int_equal(count("200 OK"), 8);
    assert_int_equal(f.c.want, EPOLLIN);
}

static void test_a_slow_client_gets_it_all(void **state)
{
    int small = 1;
    (void)setsockopt(f.c.fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
    ask(GET("/large") "\r\n");
    assert_int_equal(f.c.state, STATE_SENDING);
    for (int i = 0; i < 10000 && f.c.state == STATE_SENDING; i++) {
        f.turn.now_ms = 1000 + i;
        assert_int_equal(f.c.want, EPOLLOUT);
        receive();
        connection_step(&f.c, f.buffer, &f.turn);
        assert_true(f.c.deadline_ms >= 1000 + i + IDLE_MS); /* it moves: so it has time */
    }
    receive();
    assert_int_equal(f.c.state, STATE_READING);
    char *body = memmem(f.got, f.size, "\r\n\r\n", 4);
    assert_int_equal(f.got + f.size - body - 4, LARGE);
    for (size_t i = 0; i < LARGE; i++)
        assert_int_equal(body[4 + i], 'a' + i % 26);
}

static void test_a_file_that_becomes_shorter_ends_it(void **state)
{
    int small = 1;
    (void)setsockopt(f.c.fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
    ask(GET("/large") "\r\n");
    assert_int_equal(truncate("large", 10), 0);
    for (int i = 0; i < 100 && f.c.state == STATE_SENDING; i++) {
        receive();
        connection_step(&f.c, f.buffer, &f.turn);
    }
    assert_int_equal(f.c.state, STATE_CLOSED);
}

static void test_goodbyes(void **state)
{
    static const struct {
        const char *text;
        bool last;
        enum state state;
    } cases[] = {
        {GET("/small") "\r\n", false, STATE_READING},
        {GET("/small") "Connection: close\r\n\r\n", false, STATE_CLOSED},
        {"GET /small HTTP/1.0\r\n\r\n", false, STATE_CLOSED},
        {GET("/small") "Connection: close\r\n\r\nmore", false, STATE_DRAINING},
        {GET("/small") "Content-Length: 5\r\n\r\n", false, STATE_DRAINING},
        {GET("/small") "\r\n", true, STATE_DRAINING}, /* the client does not know yet */
        {"nonsense\r\n\r\n", false, STATE_DRAINING},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        if (i) {
            assert_int_equal(teardown(state), 0);
            assert_int_equal(setup(state), 0);
        }
        f.turn.last = cases[i].last;
        ask(cases[i].text);
        assert_int_equal(f.c.state, cases[i].state);
        if (f.c.state == STATE_DRAINING) {
            assert_int_equal(f.c.deadline_ms, 1000 + DRAINING_MS);
            (void)shutdown(f.client, SHUT_WR);
            for (int step = 0; step < 3 && f.c.state != STATE_CLOSED; step++)
                connection_step(&f.c, f.buffer, &f.turn);
            assert_int_equal(f.c.state, STATE_CLOSED);
        }
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

TEST_MAIN(TEST(test_small_file_in_one_piece), TEST(test_time_for_a_request_runs_from_its_first_byte),
          TEST(test_others_have_their_turn), TEST(test_a_slow_client_gets_it_all),
          TEST(test_a_file_that_becomes_shorter_ends_it), TEST(test_goodbyes))
