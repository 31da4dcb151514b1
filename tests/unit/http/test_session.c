/* Against a peer that is a socket in the test's hand. */
#include "http/session.h"

#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct fixture {
    struct loop *loop;
    struct http_address address;
    char folder[32];
    int listener, peer;
    struct http_session *session;
    int done, failed, status;
    char body[64];
    struct err failure;
    bool again; /* makes the next call from within done() */
};

static struct fixture f;

static void call(const char *target, const char *body)
{
    struct err err;
    assert_return_code(http_session_call(f.session, body ? HTTP_METHOD_POST : HTTP_METHOD_GET, target, body,
                                         body ? strlen(body) : 0, &err),
                       0);
}

static void note_done(struct http_session *session, int status, const struct buf *body, const struct err *failure)
{
    assert_ptr_equal(http_session_data(session), &f);
    f.done++;
    f.status = status;
    (void)snprintf(f.body, sizeof(f.body), "%s", buf_str(body));
    f.failed += failure != NULL;
    if (failure)
        f.failure = *failure;
    if (f.again)
        call("/again", NULL);
    f.again = false;
}

static int set_up(void **state)
{
    static const struct http_session_ops ops = {.done = note_done};
    struct err err;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    f = (struct fixture){.loop = loop_new(&err), .peer = -1, .folder = "/tmp/test-http-XXXXXX"};
    assert_non_null(mkdtemp(f.folder));
    f.address.local = true;
    (void)snprintf(f.address.path, sizeof(f.address.path), "%s/sock", f.folder);
    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", f.address.path);
    f.listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_return_code(bind(f.listener, (struct sockaddr *)&address, sizeof(address)), 0);
    f.session = http_session_new(
        &(struct http_session_options){.loop = f.loop, .address = &f.address, .ops = &ops, .data = &f, .body_max = 8});
    return listen(f.listener, 5);
}

static int tear_down(void **state)
{
    http_session_free(f.session);
    loop_free(f.loop);
    close_fd(&f.peer);
    close_fd(&f.listener);
    (void)unlink(f.address.path);
    (void)rmdir(f.folder);
    return 0;
}

static void turn(void)
{
    struct err err;
    for (int i = 0; i < 5; i++)
        assert_return_code(loop_turn(f.loop, 0, &err), 0);
}

/* What the last call said; it must be read, or closing is a reset. */
static char heard[1024];

static void hear(void)
{
    ssize_t n = recv(f.peer, heard, sizeof(heard) - 1, MSG_DONTWAIT);
    heard[n > 0 ? n : 0] = '\0';
}

static void be_called(const char *target, const char *body)
{
    call(target, body);
    f.peer = accept(f.listener, NULL, NULL);
    turn();
    hear();
}

static void say(const char *text)
{
    assert_int_equal(write(f.peer, text, strlen(text)), strlen(text));
    turn();
}

static void test_calls_follow_each_other_on_one_connection(void **state)
{
    f.again = true;
    be_called("/one", "{}");
    assert_string_equal(heard, "POST /one HTTP/1.1\r\nHost: localhost\r\nUser-Agent: shoal/" SHOAL_VERSION
                               "\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}");
    say("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n");
    assert_int_equal(f.done, 0);
    say("1\r\nc\r\n0\r\n\r\n");
    assert_int_equal(f.done, 1);
    assert_int_equal(f.status, 201);
    assert_string_equal(f.body, "abc");
    hear();
    assert_string_equal(heard, "GET /again HTTP/1.1\r\nHost: localhost\r\nUser-Agent: shoal/" SHOAL_VERSION "\r\n\r\n");
    say("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
    assert_int_equal(f.done, 2);
    assert_int_equal(f.status, 404);
    assert_string_equal(f.body, "");
    assert_int_equal(f.failed, 0);
}

static void test_a_server_that_closes_is_called_again(void **state)
{
    be_called("/one", NULL);
    say("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx");
    assert_int_equal(f.done, 1);
    close_fd(&f.peer);
    be_called("/two", NULL);
    say("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    close_fd(&f.peer); /* an idle connection */
    turn();
    be_called("/three", NULL);
    say("HTTP/1.1 200 OK\r\n\r\nend");
    assert_int_equal(f.done, 2);
    close_fd(&f.peer); /* what has no length ends with its connection */
    turn();
    assert_int_equal(f.done, 3);
    assert_string_equal(f.body, "end");
    assert_int_equal(f.failed, 0);
}

static void test_failures(void **state)
{
    be_called("/one", NULL);
    close_fd(&f.peer);
    turn();
    assert_int_equal(f.failed, 1);
    assert_string_equal(f.failure.message, "the connection was closed without an answer");
    be_called("/two", NULL);
    say("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n123456789");
    assert_int_equal(f.failed, 2);
    assert_int_equal(f.failure.kind, ERR_LIMIT);
    assert_int_equal(f.status, 0);
    assert_string_equal(f.body, "");
    close_fd(&f.peer);
    be_called("/three", NULL);
    say("nonsense\r\n\r\n");
    assert_int_equal(f.failed, 3);
    assert_int_equal(f.done, 3);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
TEST_MAIN(CASE(test_calls_follow_each_other_on_one_connection), CASE(test_a_server_that_closes_is_called_again),
          CASE(test_failures))
