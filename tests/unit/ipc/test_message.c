#include "ipc/message.h"

#include "ipc/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cmocka.h>

struct pair {
    int fd[2];
};

static int open_pair(void **state)
{
    static struct pair pair;
    assert_int_equal(socket_pair(pair.fd), 0);
    *state = &pair;
    return 0;
}

static int close_pair(void **state)
{
    struct pair *pair = *state;
    close_fd(&pair->fd[0]);
    close_fd(&pair->fd[1]);
    return 0;
}

static unsigned open_descriptors(void)
{
    unsigned n = 0;
    for (int fd = 0; fd < 1024; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

static void test_parts_arrive_as_one(void **state)
{
    struct pair *pair = *state;
    struct iovec parts[] = {{(char[]){"head"}, 4}, {NULL, 0}, {(char[]){"body"}, 4}};
    assert_int_equal(message_send(pair->fd[0], parts, 3, NULL, 0), 0);
    assert_int_equal(message_send_data(pair->fd[0], "next", 4, NULL, 0), 0);
    char data[64];
    struct message_fds fds;
    assert_int_equal(message_receive(pair->fd[1], data, sizeof(data), &fds), 8);
    assert_memory_equal(data, "headbody", 8);
    assert_int_equal(fds.count, 0);
    assert_int_equal(message_receive(pair->fd[1], data, sizeof(data), NULL), 4);
}

static void test_descriptors(void **state)
{
    struct pair *pair = *state;
    unsigned before = open_descriptors();
    int many[MESSAGE_FDS_MAX];
    for (unsigned i = 0; i < MESSAGE_FDS_MAX; i++)
        many[i] = STDERR_FILENO;
    assert_int_equal(message_send_data(pair->fd[0], "x", 1, many, MESSAGE_FDS_MAX), 0);
    char data[8];
    struct message_fds fds;
    assert_int_equal(message_receive(pair->fd[1], data, sizeof(data), &fds), 1);
    assert_int_equal(fds.count, MESSAGE_FDS_MAX);
    assert_true(fcntl(fds.fd[7], F_GETFD) & FD_CLOEXEC);
    int taken = message_fds_take(&fds, 7);
    assert_true(taken >= 0);
    assert_int_equal(message_fds_take(&fds, 7), -1);
    assert_int_equal(message_fds_take(&fds, MESSAGE_FDS_MAX), -1);
    message_fds_close(&fds);
    assert_int_equal(open_descriptors(), before + 1);
    close_fd(&taken);
}

static void test_unwanted_descriptors_are_closed(void **state)
{
    struct pair *pair = *state;
    unsigned before = open_descriptors();
    int fd = STDERR_FILENO;
    assert_int_equal(message_send_data(pair->fd[0], "x", 1, &fd, 1), 0);
    char data[8];
    assert_int_equal(message_receive(pair->fd[1], data, sizeof(data), NULL), 1);
    assert_int_equal(open_descriptors(), before);
}

static void test_too_large(void **state)
{
    struct pair *pair = *state;
    static char large[MESSAGE_SIZE_MAX + 1];
    assert_int_equal(message_send_data(pair->fd[0], large, sizeof(large), NULL, 0), -EMSGSIZE);
    assert_int_equal(message_send_data(pair->fd[0], large, MESSAGE_SIZE_MAX, NULL, 0), 0);
    static char back[MESSAGE_SIZE_MAX];
    assert_int_equal(message_receive(pair->fd[1], back, sizeof(back), NULL), MESSAGE_SIZE_MAX);

    unsigned before = open_descriptors();
    int fd = STDERR_FILENO;
    assert_int_equal(message_send_data(pair->fd[0], "too long", 8, &fd, 1), 0);
    struct message_fds fds;
    assert_int_equal(message_receive(pair->fd[1], back, 4, &fds), -EMSGSIZE);
    assert_int_equal(fds.count, 0);
    assert_int_equal(open_descriptors(), before);
}

static void test_refused(void **state)
{
    struct pair *pair = *state;
    assert_int_equal(message_send_data(pair->fd[0], "", 0, NULL, 0), -EINVAL);
    int many[MESSAGE_FDS_MAX + 1] = {0};
    assert_int_equal(message_send_data(pair->fd[0], "x", 1, many, MESSAGE_FDS_MAX + 1), -EINVAL);
}

static void test_other_side_gone(void **state)
{
    struct pair *pair = *state;
    close_fd(&pair->fd[1]);
    assert_int_equal(message_send_data(pair->fd[0], "x", 1, NULL, 0), -EPIPE);
    char data[8];
    assert_int_equal(message_receive(pair->fd[0], data, sizeof(data), NULL), 0);
}

static void test_full(void **state)
{
    struct pair *pair = *state;
    assert_int_equal(fcntl(pair->fd[0], F_SETFL, O_NONBLOCK), 0);
    int r, sent = 0;
    while ((r = message_send_data(pair->fd[0], "x", 1, NULL, 0)) == 0 && sent < 100000)
        sent++;
    assert_int_equal(r, -EAGAIN);
    assert_true(sent > 0);
}

static void test_long_path(void **state)
{
    char folder[200] = "/tmp/", path[300];
    memset(folder + 5, 'a', 150);
    (void)mkdir(folder, 0700);
    (void)snprintf(path, sizeof(path), "%s/socket", folder);
    cleanup_fd int listener = socket_listen(path);
    assert_true(listener >= 0);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(socket_accept(listener), -EAGAIN);
    cleanup_fd int client = socket_connect(path, true);
    assert_true(client >= 0);
    cleanup_fd int server = socket_accept(listener);
    assert_true(server >= 0);
    assert_int_equal(socket_check_peer(server), 0);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0);
    assert_int_equal(socket_connect(path, true), -ENOENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_parts_arrive_as_one, open_pair, close_pair),
        cmocka_unit_test_setup_teardown(test_descriptors, open_pair, close_pair),
        cmocka_unit_test_setup_teardown(test_unwanted_descriptors_are_closed, open_pair, close_pair),
        cmocka_unit_test_setup_teardown(test_too_large, open_pair, close_pair),
        cmocka_unit_test_setup_teardown(test_refused, open_pair, close_pair),
        cmocka_unit_test_setup_teardown(test_other_side_gone, open_pair, close_pair),
        cmocka_unit_test_setup_teardown(test_full, open_pair, close_pair),
        cmocka_unit_test(test_long_path),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
