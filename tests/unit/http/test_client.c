/* Against a peer that is a socket in the test's hand. */
#include "http/client.h"

#include "base/str.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct fixture {
    struct loop *loop;
    struct http_address address;
    char folder[32];
    int listener, peer;
    struct http_call *call;
    int done, failed, heads, pieces;
    struct err failure;
    char body[256];
    int hijacked;
    char early[64];
};

static struct fixture f;

static void note_head(struct http_call *call)
{
    f.heads++;
}

static void note_body(struct http_call *call, const char *bytes, size_t size)
{
    f.pieces++;
    (void)strncat(f.body, bytes, size);
}

static void note_done(struct http_call *call, const struct err *failure)
{
    f.done++;
    if (failure) {
        f.failed++;
        f.failure = *failure;
    }
}

static void note_hijacked(struct http_call *call, int fd, struct buf *early)
{
    f.hijacked = fd;
    (void)snprintf(f.early, sizeof(f.early), "%s", buf_str(early));
}

static const char *left = "";

static ssize_t upload(struct http_call *call, char *bytes, size_t size, struct err *err)
{
    if (!*left)
        return -1;
    bytes[0] = *left++;
    return 1;
}

static int set_up(void **state)
{
    struct err err;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    f = (struct fixture){.loop = loop_new(&err), .peer = -1, .hijacked = -1, .folder = "/tmp/test-http-XXXXXX"};
    assert_non_null(mkdtemp(f.folder));
    f.address.local = true;
    (void)snprintf(f.address.path, sizeof(f.address.path), "%s/sock", f.folder);
    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", f.address.path);
    f.listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_return_code(bind(f.listener, (struct sockaddr *)&address, sizeof(address)), 0);
    return listen(f.listener, 5);
}

static int tear_down(void **state)
{
    http_call_free(f.call);
    loop_free(f.loop);
    close_fd(&f.peer);
    close_fd(&f.hijacked);
    close_fd(&f.listener);
    (void)unlink(f.address.path);
    (void)rmdir(f.folder);
    return 0;
}

static void start(struct http_call_options options)
{
    static struct http_call_ops ops;
    struct err err;
    ops = (struct http_call_ops){.head = note_head, .body = note_body, .done = note_done, .hijacked = note_hijacked};
    if (!options.body && options.method == HTTP_METHOD_PUT)
        ops.upload = upload;
    options.loop = f.loop;
    options.address = &f.address;
    options.ops = &ops;
    options.target = "/t?x=1";
    assert_return_code(http_call_start(&options, &f.call, &err), 0);
    f.peer = accept(f.listener, NULL, NULL);
}

static void turn(void)
{
    struct err err;
    for (int i = 0; i < 8; i++)
        assert_return_code(loop_turn(f.loop, 0, &err), 0);
}

static const char *heard(void)
{
    static char text[4096];
    ssize_t n = recv(f.peer, text, sizeof(text) - 1, MSG_DONTWAIT);
    text[n > 0 ? n : 0] = '\0';
    return text;
}

static void say(const char *text)
{
    assert_int_equal(write(f.peer, text, strlen(text)), strlen(text));
    turn();
}

static void test_a_call(void **state)
{
    static const char *const more[] = {"X-More: 1", NULL};
    start((struct http_call_options){.method = HTTP_METHOD_POST, .body = "{}", .body_size = 2, .headers = more});
    turn();
    assert_string_equal(heard(), "POST /t?x=1 HTTP/1.1\r\nHost: localhost\r\nUser-Agent: shoal/" SHOAL_VERSION
                                 "\r\nConnection: close\r\nX-More: 1\r\nContent-Type: application/json\r\n"
                                 "Content-Length: 2\r\n\r\n{}");
    say("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n");
    assert_int_equal(f.heads, 1);
    assert_string_equal(f.body, "ab");
    assert_int_equal(f.done, 0);
    say("1\r\nc\r\n0\r\n\r\n");
    assert_string_equal(f.body, "abc");
    assert_int_equal(f.done, 1);
    assert_int_equal(f.failed, 0);
}

static void test_an_upload(void **state)
{
    left = "ab";
    start((struct http_call_options){.method = HTTP_METHOD_PUT});
    turn();
    const char *text = heard();
    assert_non_null(strstr(text, "\r\nTransfer-Encoding: chunked\r\n"));
    assert_non_null(strstr(text, "\r\n\r\n1\r\na\r\n1\r\nb\r\n0\r\n\r\n"));
}

static void test_an_answer_cut_off(void **state)
{
    start((struct http_call_options){.method = HTTP_METHOD_GET});
    say("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab");
    close_fd(&f.peer);
    turn();
    assert_int_equal(f.failed, 1);
    assert_int_equal(f.failure.kind, ERR_UNAVAILABLE);
}

static void test_no_answer_at_all(void **state)
{
    start((struct http_call_options){.method = HTTP_METHOD_GET});
    turn();
    (void)heard();
    close_fd(&f.peer);
    turn();
    assert_int_equal(f.failed, 1);
    assert_string_equal(f.failure.message, "the daemon closed the connection without an answer");
}

static void test_no_http(void **state)
{
    start((struct http_call_options){.method = HTTP_METHOD_GET});
    say("220 smtp ready\r\n\r\n");
    assert_int_equal(f.failed, 1);
    assert_int_equal(f.failure.kind, ERR_INVALID);
}

static void test_hijacking(void **state)
{
    start((struct http_call_options){.method = HTTP_METHOD_POST, .hijack = true});
    turn();
    assert_non_null(strstr(heard(), "Connection: Upgrade\r\nUpgrade: tcp\r\n"));
    say("HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\nearly");
    assert_int_not_equal(f.hijacked, -1);
    assert_string_equal(f.early, "early");
    assert_int_equal(f.done, 0);
}

static void test_hijacking_refused(void **state)
{
    start((struct http_call_options){.method = HTTP_METHOD_POST, .hijack = true});
    say("HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno");
    assert_int_equal(f.hijacked, -1);
    assert_int_equal(f.done, 1);
    assert_string_equal(f.body, "no");
}

static void test_a_pause_holds_the_answer_back(void **state)
{
    start((struct http_call_options){.method = HTTP_METHOD_GET});
    turn();
    http_call_pause(f.call, true);
    say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab");
    close_fd(&f.peer); /* hangs up, too: nothing may be lost, nor spin */
    turn();
    assert_int_equal(f.heads, 0);
    http_call_pause(f.call, false);
    turn();
    assert_string_equal(f.body, "ab");
    assert_int_equal(f.done, 1);
}

static void test_an_unreachable_daemon(void **state)
{
    struct err err;
    struct http_response response;
    struct http_address nowhere = {.local = true, .path = "/nonexistent/shoal.sock"};
    assert_int_equal(
        http_call_wait(&(struct http_call_options){.address = &nowhere, .method = HTTP_METHOD_GET, .target = "/"},
                       &response, &err),
        -1);
    assert_int_equal(err.kind, ERR_UNAVAILABLE);
    assert_string_equal(err.message, "cannot reach the daemon at unix:///nonexistent/shoal.sock: no such file; start "
                                     "it with: systemctl start shoal, or: shoal daemon");
    close_fd(&f.listener);
    assert_int_equal(
        http_call_wait(&(struct http_call_options){.address = &f.address, .method = HTTP_METHOD_GET, .target = "/"},
                       &response, &err),
        -1);
    assert_non_null(strstr(err.message, "nobody listens there any more"));
}

static void test_errors_of_the_daemon(void **state)
{
    static const struct {
        int status;
        const char *body;
        enum err_kind kind;
        const char *message;
    } cases[] = {
        {404, "{\"message\":\"no such container: x\"}", ERR_NOT_FOUND, "no such container: x"},
        {409, "{\"message\":\"taken\"}", ERR_CONFLICT, "taken"},
        {400, "{\"message\":\"no such program\",\"kind\":\"no command\"}", ERR_NO_COMMAND, "no such program"},
        {400, "{\"message\":\"m\",\"kind\":\"of another version\"}", ERR_INVALID, "m"},
        {500, "<html>", ERR_INTERNAL, "the daemon answered 500 Internal Server Error"},
        {401, "", ERR_DENIED, "the daemon answered 401 Unauthorized"},
        {418, "{\"message\":1}", ERR_INVALID, "the daemon answered 418 Unknown"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct buf body cleanup(buf_done) = BUF(1000);
        struct err err;
        buf_adds(&body, cases[i].body);
        assert_int_equal(http_response_error(cases[i].status, &body, &err), -1);
        assert_int_equal(err.kind, cases[i].kind);
        assert_string_equal(err.message, cases[i].message);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

TEST_MAIN(TEST(test_a_call), TEST(test_an_upload), TEST(test_an_answer_cut_off), TEST(test_no_answer_at_all),
          TEST(test_no_http), TEST(test_hijacking), TEST(test_hijacking_refused),
          TEST(test_a_pause_holds_the_answer_back), TEST(test_an_unreachable_daemon), TEST(test_errors_of_the_daemon))
