/* Also of http/head.c, whose strictness only shows together with llhttp's. */
#include "http/parser.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "http/head.h"
#include "test.h"

#include <stdlib.h>

struct read {
    struct arena arena;
    struct http_head head;
    struct buf body;
    size_t taken; /* bytes of the text that belonged to the message */
    bool complete;
    struct err err;
};

static void read_done(struct read *r)
{
    arena_done(&r->arena);
    buf_done(&r->body);
}

static void parser_freep(struct http_parser **parser)
{
    http_parser_free(*parser);
}

/* Reads one message, its body in pieces of step bytes. */
static int read_with(struct http_parser *parser, const char *text, size_t step, struct read *r)
{
    size_t scanned = 0, size = strlen(text);
    *r = (struct read){.body = BUF(1000)};
    ssize_t head = http_head_find(text, size, &scanned, &r->err);
    if (head < 0 || http_parser_head(parser, &r->arena, text, (size_t)head, &r->head, &r->err) < 0)
        return -1;
    assert_int_not_equal(head, 0);
    r->taken = (size_t)head;
    while (r->taken < size && !http_parser_complete(parser)) {
        size_t n = size - r->taken < step ? size - r->taken : step;
        ssize_t taken = http_parser_body(parser, text + r->taken, n, &r->body, &r->err);
        if (taken < 0)
            return -1;
        r->taken += (size_t)taken;
    }
    r->complete = http_parser_complete(parser);
    return 0;
}

static int read_request(const char *text, struct read *r)
{
    struct http_parser *parser cleanup(parser_freep) = http_parser_new_request();
    return read_with(parser, text, 3, r);
}

static void test_request(void **state)
{
    struct read r cleanup(read_done);
    assert_return_code(read_request("POST /a?b=c HTTP/1.1\r\nHost: h\r\nX-Two:  a b \t\r\nContent-Length: 5\r\n\r\n"
                                    "helloGET",
                                    &r),
                       0);
    assert_int_equal(r.head.method, HTTP_METHOD_POST);
    assert_string_equal(r.head.target, "/a?b=c");
    assert_string_equal(http_header(&r.head.headers, "x-two"), "a b");
    assert_true(r.head.keep_alive && r.head.has_body && !r.head.upgrade && !r.head.http_1_0);
    assert_int_equal(r.head.content_length, 5);
    assert_string_equal(buf_str(&r.body), "hello");
    assert_true(r.complete);
}

static void test_what_follows_is_left(void **state)
{
    struct http_parser *parser cleanup(parser_freep) = http_parser_new_request();
    struct read r cleanup(read_done);
    static const char text[] = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
                               "3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\nGET / HTTP/1.1\r\n";
    assert_return_code(read_with(parser, text, 1000, &r), 0);
    assert_true(r.complete);
    assert_string_equal(buf_str(&r.body), "abcde");
    assert_string_equal(text + r.taken, "GET / HTTP/1.1\r\n");
}

static void test_upgrade_leaves_the_early_bytes(void **state)
{
    static const char *const requests[] = {
        "POST / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\nearly",
        "POST / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: 0\r\n\r\nearly",
        "POST / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: 2\r\n\r\n{}early",
        "POST / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: tcp\r\nTransfer-Encoding: chunked\r\n\r\n"
        "2\r\n{}\r\n0\r\n\r\nearly",
    };
    for (size_t i = 0; i < ARRAY_SIZE(requests); i++) {
        struct http_parser *parser cleanup(parser_freep) = http_parser_new_request();
        struct read r cleanup(read_done);
        assert_return_code(read_with(parser, requests[i], 1000, &r), 0);
        assert_true(r.complete && r.head.upgrade);
        assert_string_equal(requests[i] + r.taken, "early");
    }
}

static void test_keep_alive(void **state)
{
    static const struct {
        const char *text;
        bool keep_alive;
    } cases[] = {
        {"GET / HTTP/1.1\r\nHost: h\r\n\r\n", true},
        {"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", false},
        {"GET / HTTP/1.0\r\n\r\n", false},
        {"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", true},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct read r cleanup(read_done);
        assert_return_code(read_request(cases[i].text, &r), 0);
        assert_int_equal(r.head.keep_alive, cases[i].keep_alive);
    }
}

#define GET "GET / HTTP/1.1\r\nHost: h\r\n"
#define PUT "PUT / HTTP/1.1\r\nHost: h\r\n"

static const struct {
    const char *what, *text;
    enum err_kind kind;
} refused[] = {
    {"bare LF after the request line", "GET / HTTP/1.1\nHost: h\r\n\r\n", ERR_INVALID},
    {"bare LF after a header", GET "A: b\nB: c\r\n\r\n", ERR_INVALID},
    {"bare LF for the end", GET "\n", ERR_INVALID},
    {"bare CR", GET "A: b\rc\r\n\r\n", ERR_INVALID},
    {"control character", GET "A: b\001c\r\n\r\n", ERR_INVALID},
    {"delete", GET "A: \177\r\n\r\n", ERR_INVALID},
    {"blank before the colon", GET "A : b\r\n\r\n", ERR_INVALID},
    {"tab before the colon", GET "A\t: b\r\n\r\n", ERR_INVALID},
    {"folded header", GET "A: b\r\n c\r\n\r\n", ERR_INVALID},
    {"folded first header", "GET / HTTP/1.1\r\n A: b\r\nHost: h\r\n\r\n", ERR_INVALID},
    {"no colon", GET "A\r\n\r\n", ERR_INVALID},
    {"no name", GET ": b\r\n\r\n", ERR_INVALID},
    {"a name that is no token", GET "A[]: b\r\n\r\n", ERR_INVALID},
    {"no Host", "GET / HTTP/1.1\r\n\r\n", ERR_INVALID},
    {"two Hosts", GET "Host: i\r\n\r\n", ERR_INVALID},
    {"length and coding", PUT "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", ERR_INVALID},
    {"coding and length", PUT "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n", ERR_INVALID},
    {"two lengths", PUT "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", ERR_INVALID},
    {"a list of lengths", PUT "Content-Length: 3, 3\r\n\r\nabc", ERR_INVALID},
    {"a signed length", PUT "Content-Length: +3\r\n\r\nabc", ERR_INVALID},
    {"a negative length", PUT "Content-Length: -3\r\n\r\nabc", ERR_INVALID},
    {"a hexadecimal length", PUT "Content-Length: 0x3\r\n\r\nabc", ERR_INVALID},
    {"a length above 64 bits", PUT "Content-Length: 99999999999999999999\r\n\r\n", ERR_INVALID},
    {"an unknown coding", PUT "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", ERR_INVALID},
    {"two codings", PUT "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", ERR_UNSUPPORTED},
    {"chunked twice", PUT "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", ERR_INVALID},
    {"chunked in 1.0", "PUT / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", ERR_INVALID},
    {"a chunk size of words", PUT "Transfer-Encoding: chunked\r\n\r\nzz\r\n", ERR_INVALID},
    {"a signed chunk size", PUT "Transfer-Encoding: chunked\r\n\r\n-1\r\n", ERR_INVALID},
    {"a chunk size above 64 bits", PUT "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n", ERR_INVALID},
    {"bare LF after a chunk size", PUT "Transfer-Encoding: chunked\r\n\r\n1\na\r\n0\r\n\r\n", ERR_INVALID},
    {"bare LF after a chunk", PUT "Transfer-Encoding: chunked\r\n\r\n1\r\na\n0\r\n\r\n", ERR_INVALID},
    {"bare LF after the last chunk", PUT "Transfer-Encoding: chunked\r\n\r\n0\n\n", ERR_INVALID},
    {"a chunk longer than it says", PUT "Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n", ERR_INVALID},
    {"blank before a chunk extension", PUT "Transfer-Encoding: chunked\r\n\r\n1 ;a\r\nb\r\n0\r\n\r\n", ERR_INVALID},
    {"a trailer", PUT "Transfer-Encoding: chunked\r\n\r\n0\r\nHost: i\r\n\r\n", ERR_INVALID},
    {"blanks in the request line", "GET  / HTTP/1.1\r\nHost: h\r\n\r\n", ERR_INVALID},
    {"a tab in the request line", "GET\t/ HTTP/1.1\r\nHost: h\r\n\r\n", ERR_INVALID},
    {"blank in the target", "GET /a b HTTP/1.1\r\nHost: h\r\n\r\n", ERR_INVALID},
    {"no version", "GET /\r\nHost: h\r\n\r\n", ERR_INVALID},
    {"HTTP/2", "GET / HTTP/2.0\r\nHost: h\r\n\r\n", ERR_UNSUPPORTED},
    {"HTTP/1.2", "GET / HTTP/1.2\r\nHost: h\r\n\r\n", ERR_INVALID},
    {"another protocol", "GET / ICE/1.1\r\nHost: h\r\n\r\n", ERR_INVALID},
    {"an unknown method", "BREW / HTTP/1.1\r\nHost: h\r\n\r\n", ERR_INVALID},
    {"a method that is not offered", "TRACE / HTTP/1.1\r\nHost: h\r\n\r\n", ERR_UNSUPPORTED},
    {"the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\n", ERR_UNSUPPORTED},
    {"TLS", "\026\003\001\002", ERR_INVALID},
};

static void test_refused(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
        struct read r cleanup(read_done);
        int result = read_request(refused[i].text, &r);
        if (result == 0 || r.err.kind != refused[i].kind)
            fail_msg("%s: %s", refused[i].what, result == 0 ? "accepted" : r.err.message);
    }
}

static void test_a_body_above_its_maximum(void **state)
{
    char text[3000] = PUT "Content-Length: 2000\r\n\r\n";
    size_t head = strlen(text);
    memset(text + head, 'x', 2000);
    struct read r cleanup(read_done);
    assert_int_equal(read_request(text, &r), -1);
    assert_int_equal(r.err.kind, ERR_LIMIT);
}

static void test_heads_have_a_maximum(void **state)
{
    struct buf text cleanup(buf_done) = BUF(200 * 1024);
    struct err err;
    size_t scanned = 0;
    buf_adds(&text, GET);
    while (text.size < HTTP_HEAD_MAX)
        buf_adds(&text, "A: b\r\n");
    assert_int_equal(http_head_find(text.data, text.size, &scanned, &err), -1);
    assert_int_equal(err.kind, ERR_LIMIT);

    struct read r cleanup(read_done);
    buf_reset(&text);
    buf_adds(&text, GET);
    for (int i = 0; i < HTTP_HEADERS_MAX; i++)
        buf_adds(&text, "A: b\r\n");
    buf_adds(&text, "\r\n");
    assert_int_equal(read_request(text.data, &r), -1);
    assert_int_equal(r.err.kind, ERR_LIMIT);
}

/* A head that comes byte by byte is found where the whole one is, and not before. */
static void test_a_head_in_pieces(void **state)
{
    static const char text[] = GET "\r\nrest";
    struct err err;
    size_t scanned = 0, end = strlen(GET) + 2;
    for (size_t size = 0; size < end; size++)
        assert_int_equal(http_head_find(text, size, &scanned, &err), 0);
    assert_int_equal(http_head_find(text, strlen(text), &scanned, &err), end);
}

static void test_responses(void **state)
{
    static const struct {
        const char *text, *body;
        int status;
        bool no_body, complete;
    } cases[] = {
        {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab", "ab", 200, false, true},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n", "ab", 200, false, true},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\nT: x\r\n\r\n", "ab", 200, false, true},
        {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", "", 200, true, true},
        {"HTTP/1.1 200 OK\r\n\r\nuntil the end", "until the end", 200, false, false},
        {"HTTP/1.1 204 No Content\r\n\r\n", "", 204, false, true},
        {"HTTP/1.1 304 Not Modified\r\n\r\n", "", 304, false, true},
        {"HTTP/1.1 100 Continue\r\n\r\n", "", 100, false, true},
        {"HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\nraw", "", 101, false, true},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct http_parser *parser cleanup(parser_freep) = http_parser_new_response(cases[i].no_body);
        struct read r cleanup(read_done);
        assert_return_code(read_with(parser, cases[i].text, 1000, &r), 0);
        assert_int_equal(r.head.status, cases[i].status);
        assert_string_equal(buf_str(&r.body), cases[i].body);
        assert_int_equal(r.complete, cases[i].complete);
        assert_return_code(http_parser_finish(parser, &r.err), 0);
    }
}

static void test_a_response_cut_off(void **state)
{
    struct http_parser *parser cleanup(parser_freep) = http_parser_new_response(false);
    struct read r cleanup(read_done);
    assert_return_code(read_with(parser, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab", 1000, &r), 0);
    assert_int_equal(http_parser_finish(parser, &r.err), -1);
    assert_int_equal(r.err.kind, ERR_UNAVAILABLE);
}

TEST_MAIN(cmocka_unit_test(test_request), cmocka_unit_test(test_what_follows_is_left),
          cmocka_unit_test(test_upgrade_leaves_the_early_bytes), cmocka_unit_test(test_keep_alive),
          cmocka_unit_test(test_refused), cmocka_unit_test(test_a_body_above_its_maximum),
          cmocka_unit_test(test_heads_have_a_maximum), cmocka_unit_test(test_a_head_in_pieces),
          cmocka_unit_test(test_responses), cmocka_unit_test(test_a_response_cut_off))
