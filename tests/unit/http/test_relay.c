#include "http/relay.h"

#include "base/cleanup.h"
#include "test.h"

#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

struct fixture {
    struct loop *loop;
    struct relay *relay;
    int user;    /* the client's end */
    int process; /* the process' end; its stderr beside it */
    int errors;
    int ended;
};

static struct fixture f;

static void note_end(void *data)
{
    f.ended++;
}

static int set_up(void **state)
{
    struct err err;
    f = (struct fixture){.loop = loop_new(&err), .user = -1, .process = -1, .errors = -1};
    return 0;
}

static int tear_down(void **state)
{
    relay_free(f.relay);
    loop_free(f.loop);
    close_fd(&f.user);
    close_fd(&f.process);
    close_fd(&f.errors);
    return 0;
}

static void pair(int *ours, int *theirs)
{
    int fds[2];
    assert_return_code(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
    *ours = fds[0];
    *theirs = fds[1];
}

static void start(struct relay_options options)
{
    int user, process;
    pair(&f.user, &user);
    pair(&f.process, &process);
    options.loop = f.loop;
    options.ended = note_end;
    options.user = (struct relay_user){user, user};
    options.process.in = options.process.out = process;
    if (!options.process.err)
        options.process.err = -1;
    f.relay = relay_new(&options);
}

static void turn(void)
{
    struct err err;
    for (int i = 0; i < 8; i++)
        assert_return_code(loop_turn(f.loop, 0, &err), 0);
}

static const char *hear(int fd)
{
    static char text[256];
    ssize_t n = read(fd, text, sizeof(text) - 1);
    text[n > 0 ? n : 0] = '\0';
    return n == 0 ? "(end)" : text;
}

static void say(int fd, const char *text)
{
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    turn();
}

static void test_both_ways(void **state)
{
    start((struct relay_options){.early = "early ", .early_size = 6});
    say(f.user, "in");
    assert_string_equal(hear(f.process), "early in");
    say(f.process, "out");
    assert_string_equal(hear(f.user), "out");
    assert_int_equal(f.ended, 0);
}

static void test_half_close_leaves_the_way_back(void **state)
{
    start((struct relay_options){0});
    say(f.user, "last words");
    assert_return_code(shutdown(f.user, SHUT_WR), 0);
    turn();
    assert_string_equal(hear(f.process), "last words");
    assert_string_equal(hear(f.process), "(end)");
    say(f.process, "answer");
    assert_string_equal(hear(f.user), "answer");
    assert_int_equal(f.ended, 0);
    close_fd(&f.process);
    turn();
    assert_string_equal(hear(f.user), "(end)");
    assert_int_equal(f.ended, 1);
}

static void test_the_end_of_the_process(void **state)
{
    start((struct relay_options){.until_process_ends = true});
    say(f.process, "bye");
    close_fd(&f.process);
    turn();
    assert_string_equal(hear(f.user), "bye");
    assert_int_equal(f.ended, 1);
}

static void test_frames(void **state)
{
    int errors;
    pair(&f.errors, &errors);
    start((struct relay_options){.framed = true, .process.err = errors});
    say(f.process, "out");
    say(f.errors, "err!");
    char text[64];
    static const char expected[] = "\1\0\0\0\0\0\0\3out\2\0\0\0\0\0\0\4err!";
    assert_int_equal(read(f.user, text, sizeof(text)), sizeof(expected) - 1);
    assert_memory_equal(text, expected, sizeof(expected) - 1);
}

static size_t until_q(void *data, char *bytes, size_t size, bool *detach)
{
    char *q = memchr(bytes, 'q', size);
    *detach = q != NULL;
    return q ? (size_t)(q - bytes) : size;
}

static void test_detaching_does_not_close_the_input(void **state)
{
    start((struct relay_options){.filter = until_q});
    say(f.user, "abq");
    assert_int_equal(f.ended, 1);
    assert_string_equal(hear(f.process), "ab");
    assert_string_equal(hear(f.process), "");
}

static size_t fill(int fd)
{
    static const char bytes[4096];
    size_t total = 0;
    ssize_t n;
    for (int idle = 0; idle < 4; idle++, turn())
        while ((n = write(fd, bytes, sizeof(bytes))) > 0) {
            total += (size_t)n;
            idle = 0;
        }
    return total;
}

/* Whoever is not read is not read from: what fits is the kernel's buffers and one piece. */
static void test_a_stalled_user_stalls_the_process(void **state)
{
    start((struct relay_options){0});
    turn();
    size_t total = fill(f.process), got = 0;
    assert_in_range(total, RELAY_PIECE, 1 << 20);
    char bytes[4096];
    ssize_t n;
    while ((n = read(f.user, bytes, sizeof(bytes))) > 0) {
        got += (size_t)n;
        turn();
    }
    assert_int_equal(got, total);
}

static int64_t cpu_us(void)
{
    struct rusage usage;
    (void)getrusage(RUSAGE_SELF, &usage);
    return usage.ru_utime.tv_sec * 1000000 + usage.ru_utime.tv_usec + usage.ru_stime.tv_sec * 1000000 +
           usage.ru_stime.tv_usec;
}

/*
 * The process does not read, the user's bytes wait, and the user goes: EPOLLHUP stands on a socket that nothing is
 * wanted of. It must not be told again and again.
 */
static void test_a_hang_up_while_paused_does_not_spin(void **state)
{
    struct err err;
    start((struct relay_options){0});
    turn();
    (void)fill(f.user);
    close_fd(&f.user);
    turn();
    int64_t before = cpu_us();
    for (int i = 0; i < 5; i++)
        assert_return_code(loop_turn(f.loop, 40, &err), 0);
    assert_in_range(cpu_us() - before, 0, 50000);
    assert_string_equal(hear(f.process), "");
}

static void test_a_user_that_is_gone_ends_it(void **state)
{
    start((struct relay_options){0});
    turn();
    close_fd(&f.user);
    turn();
    assert_string_equal(hear(f.process), "(end)");
    (void)!write(f.process, "x", 1);
    turn();
    assert_int_equal(f.ended, 1);
}

/* A file as input: epoll refuses it, and it is read all the same. */
static void test_input_from_a_file(void **state)
{
    int process, user;
    pair(&f.user, &user);
    pair(&f.process, &process);
    f.relay = relay_new(&(struct relay_options){
        .loop = f.loop,
        .user = {.in = open("/proc/self/comm", O_RDONLY | O_CLOEXEC), .out = user},
        .process = {.in = process, .out = process, .err = -1},
        .ended = note_end,
    });
    turn();
    assert_string_equal(hear(f.process), "test_http_relay\n");
    assert_string_equal(hear(f.process), "(end)");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

TEST_MAIN(TEST(test_both_ways), TEST(test_half_close_leaves_the_way_back), TEST(test_the_end_of_the_process),
          TEST(test_frames), TEST(test_detaching_does_not_close_the_input),
          TEST(test_a_stalled_user_stalls_the_process), TEST(test_a_hang_up_while_paused_does_not_spin),
          TEST(test_a_user_that_is_gone_ends_it), TEST(test_input_from_a_file))
