#include "request.h"

#include "test.h"

#include <stdio.h>
#include <string.h>

#define HOST "Host: a\r\n"

static int parse(const char *text, struct request *ret)
{
    return request_parse(text, strlen(text), ret);
}

static void assert_text(struct text t, const char *expected)
{
    assert_int_equal(t.n, strlen(expected));
    if (t.n)
        assert_memory_equal(t.s, expected, t.n);
}

static void test_a_request(void **state)
{
    static const char text[] = "GET /a/b.html?q=1 HTTP/1.1\r\nHost: a\r\nX: y\r\nRange:  bytes=1-2 \r\n"
                               "IF-MODIFIED-SINCE: now\r\nIf-None-Match: \"a\", \"b\"\r\nif-match: *\r\n"
                               "If-Range: \"c\"\r\nIf-Unmodified-Since: then\r\n\r\n";
    struct request r;
    assert_int_equal(parse(text, &r), (int)strlen(text));
    assert_int_equal(r.method, METHOD_GET);
    assert_text(r.path, "/a/b.html");
    assert_text(r.range, "bytes=1-2");
    assert_text(r.query, "?q=1");
    assert_text(r.if_modified_since, "now");
    assert_text(r.if_unmodified_since, "then");
    assert_text(r.if_none_match, "\"a\", \"b\"");
    assert_text(r.if_match, "*");
    assert_text(r.if_range, "\"c\"");
    assert_true(r.keep_alive && !r.body);
}

static void test_every_prefix_is_incomplete(void **state)
{
    static const char text[] = "\r\nHEAD / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\n";
    size_t head = strlen("\r\nHEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
    struct request r;
    for (size_t n = 0; n < head; n++)
        assert_int_equal(request_parse(text, n, &r), 0);
    for (size_t n = head; n < sizeof(text); n++)
        assert_int_equal(request_parse(text, n, &r), (int)head);
    assert_int_equal(r.method, METHOD_HEAD);
}

static void test_methods_and_targets(void **state)
{
    static const struct {
        const char *line;
        int method;
        const char *path, *query;
    } cases[] = {
        {"GET / HTTP/1.1", METHOD_GET, "/", ""},
        {"HEAD /x HTTP/1.1", METHOD_HEAD, "/x", ""},
        {"POST /x HTTP/1.1", METHOD_OTHER, "/x", ""},
        {"get / HTTP/1.1", METHOD_OTHER, "/", ""},
        {"OPTIONS * HTTP/1.1", METHOD_OTHER, "", ""},
        {"CONNECT a:80 HTTP/1.1", METHOD_OTHER, "", ""},
        {"GET http://a:80/x?y HTTP/1.1", METHOD_GET, "/x", "?y"},
        {"GET http://a HTTP/1.1", METHOD_GET, "/", ""},
        {"GET http://a?y/z HTTP/1.1", METHOD_GET, "/", "?y/z"},
        {"GET /x#y HTTP/1.9", METHOD_GET, "/x", ""},
        {"GET /x?y?z#w?v HTTP/1.1", METHOD_GET, "/x", "?y?z"},
        {"GET /x#y?z HTTP/1.1", METHOD_GET, "/x", ""},
        {"GET /\xc3\xa9 HTTP/1.1", METHOD_GET, "/\xc3\xa9", ""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        char text[200];
        struct request r;
        (void)snprintf(text, sizeof(text), "%s\r\n" HOST "\r\n", cases[i].line);
        assert_int_equal(parse(text, &r), (int)strlen(text));
        assert_int_equal(r.method, cases[i].method);
        assert_text(r.path, cases[i].path);
        assert_text(r.query, cases[i].query);
    }
}

static void test_refused(void **state)
{
    static const struct {
        const char *text;
        int status;
    } cases[] = {
        {"GET / HTTP/1.1\r\n\r\n", 400},                            /* no Host */
        {"GET / HTTP/1.1\r\n" HOST HOST "\r\n", 400},               /* two */
        {"GET / HTTP/1.1\r\n" HOST "A : b\r\n\r\n", 400},           /* a space before the colon */
        {"GET / HTTP/1.1\r\n" HOST "A: b\r\n c\r\n\r\n", 400},      /* a folded line */
        {"GET / HTTP/1.1\r\n" HOST ": b\r\n\r\n", 400},             /* no name */
        {"GET / HTTP/1.1\r\n" HOST "A\r\n\r\n", 400},               /* no colon */
        {"GET / HTTP/1.1\r\n" HOST "A: b\x01\r\n\r\n", 400},        /* a control character */
        {"GET / HTTP/1.1\r\n" HOST "A: b\rc\r\n\r\n", 400},         /* CR alone */
        {"GET / HTTP/1.1\r\n" HOST "A: b\nB: c\r\n\r\n", 400},      /* LF alone */
        {"GET / HTTP/1.1\nHost: a\n\nGET / HTTP/1.1\r\n\r\n", 400}, /* the same */
        {"GET  / HTTP/1.1\r\n" HOST "\r\n", 400},                   /* two spaces */
        {"GET / HTTP/1.1 \r\n" HOST "\r\n", 400},                   /* one too many */
        {" GET / HTTP/1.1\r\n" HOST "\r\n", 400},                   /* the same */
        {"GET /\r\n" HOST "\r\n", 400},                             /* HTTP/0.9 */
        {"GET / HTTP/11\r\n" HOST "\r\n", 400},
        {"GET / http/1.1\r\n" HOST "\r\n", 400},
        {"GET x HTTP/1.1\r\n" HOST "\r\n", 400},
        {"GET * HTTP/1.1\r\n" HOST "\r\n", 400},
        {"GET /\x7f HTTP/1.1\r\n" HOST "\r\n", 400},
        {"G@T / HTTP/1.1\r\n" HOST "\r\n", 400},
        {"\x16\x03\x01\x02", 400}, /* TLS: no line will come */
        {"\r\n\r\n\x01", 400},
        {"\n", 400},
        {"GET / HTTP/2.0\r\n" HOST "\r\n", 505},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct request r;
        assert_int_equal(parse(cases[i].text, &r), -cases[i].status);
    }
}

static void test_too_long(void **state)
{
    char text[REQUEST_MAX + 1] = "GET / HTTP/1.1\r\n" HOST "A: ";
    size_t used = strlen(text);
    memset(text + used, 'x', sizeof(text) - used);
    struct request r;
    assert_int_equal(request_parse(text, REQUEST_MAX - 1, &r), 0);
    assert_int_equal(request_parse(text, REQUEST_MAX, &r), -431);
    memcpy(text + REQUEST_MAX - 4, "\r\n\r\n", 4);
    assert_int_equal(request_parse(text, REQUEST_MAX, &r), REQUEST_MAX);
    memset(text + 5, 'x', sizeof(text) - 5);
    assert_int_equal(request_parse(text, REQUEST_MAX - 1, &r), 0);
    assert_int_equal(request_parse(text, REQUEST_MAX, &r), -414);
    memset(text, '\r', sizeof(text));
    assert_int_equal(request_parse(text, REQUEST_MAX, &r), -414);
}

static void test_keep_alive(void **state)
{
    static const struct {
        const char *text;
        bool keep_alive;
    } cases[] = {
        {"GET / HTTP/1.1\r\n" HOST "\r\n", true},
        {"GET / HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n", false},
        {"GET / HTTP/1.1\r\n" HOST "Connection: x, CLOSE ,y\r\n\r\n", false},
        {"GET / HTTP/1.1\r\n" HOST "Connection: closed\r\n\r\n", true},
        {"GET / HTTP/1.0\r\n\r\n", false},
        {"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", true},
        {"GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n", false},
        {"GET / HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n", true},
        {"GET / HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\n", false},
        {"GET / HTTP/1.1\r\n" HOST "Content-Length: 0\r\nContent-Length: 5\r\n\r\n", false},
        {"GET / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n", false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct request r;
        assert_true(parse(cases[i].text, &r) > 0);
        assert_int_equal(r.keep_alive, cases[i].keep_alive);
    }
}

/* RFC 9110, section 5.6.2, character by character. */
static void test_names_of_fields_are_tokens(void **state)
{
    for (int c = 1; c < 256; c++) {
        char text[64];
        struct request r;
        bool token =
            (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || strchr("!#$%&'*+-.^_`|~", c);
        (void)snprintf(text, sizeof(text), "GET / HTTP/1.1\r\n" HOST "a%c: b\r\n\r\n", c);
        if (c != ':' && c != '\r' && c != '\n')
            assert_int_equal(parse(text, &r) > 0, token);
    }
}

static void test_lists(void **state)
{
    struct text list = TEXT(" a,, b\t,"), element;
    assert_true(request_next_element(&list, &element));
    assert_text(element, "a");
    assert_true(request_next_element(&list, &element));
    assert_text(element, "");
    assert_true(request_next_element(&list, &element));
    assert_text(element, "b");
    assert_false(request_next_element(&list, &element));
}

static void test_file(void **state)
{
    static const struct {
        const char *path, *file;
        int status;
    } cases[] = {
        {"/", "index.html", 0},
        {"//", "index.html", 0},
        {"/a", "a", 0},
        {"///a/b", "a/b", 0},
        {"/a/", "a/index.html", 0},
        {"/a%20b%2fc%C3%a9", "a b/c\xc3\xa9", 0},
        {"/a%2f", "a/index.html", 0},
        {"/%2fetc/passwd", "/etc/passwd", 0}, /* absolute, and refused by RESOLVE_BENEATH */
        {"/../x", "../x", 0},                 /* the same */
        {"/%2525", "%25", 0},
        {"/%", NULL, 400},
        {"/%4", NULL, 400},
        {"/%4x", NULL, 400},
        {"/%00", NULL, 400},
        {"/a%00b", NULL, 400},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct request r = {.path = {cases[i].path, strlen(cases[i].path)}};
        char file[PATH_SIZE];
        assert_int_equal(request_file(&r, file), -cases[i].status);
        if (cases[i].file)
            assert_string_equal(file, cases[i].file);
    }
}

static void test_long_files(void **state)
{
    char path[PATH_SIZE + 2], file[PATH_SIZE];
    memset(path, 'a', sizeof(path));
    path[0] = '/';
    struct request r = {.path = {path, PATH_SIZE}};
    assert_int_equal(request_file(&r, file), 0);
    assert_int_equal(strlen(file), PATH_SIZE - 1);
    r.path.n++;
    assert_int_equal(request_file(&r, file), -414);
    path[PATH_SIZE - 5] = '/';
    r.path.n = PATH_SIZE - 4;
    assert_int_equal(request_file(&r, file), -414); /* no place for index.html */
}

static void test_ranges(void **state)
{
    static const struct {
        const char *range;
        enum range kind;
        uint64_t first, length;
    } cases[] = {
        {"", RANGE_WHOLE, 0, 100},
        {"bytes=0-0", RANGE_PART, 0, 1},
        {"bytes=5-9", RANGE_PART, 5, 5},
        {"Bytes=5-", RANGE_PART, 5, 95},
        {"bytes=-5", RANGE_PART, 95, 5},
        {"bytes=-500", RANGE_PART, 0, 100},
        {"bytes=99-500", RANGE_PART, 99, 1},
        {"bytes=0-99999999999999999999999", RANGE_PART, 0, 100},
        {"bytes=0-18446744073709551615", RANGE_PART, 0, 100},
        {"bytes=100-", RANGE_UNSATISFIABLE, 0, 100},
        {"bytes=99999999999999999999999-", RANGE_UNSATISFIABLE, 0, 100},
        {"bytes=-0", RANGE_UNSATISFIABLE, 0, 100},
        {"bytes=9-5", RANGE_WHOLE, 0, 100},
        {"bytes=5-9,11-12", RANGE_WHOLE, 0, 100},
        {"bytes=-", RANGE_WHOLE, 0, 100},
        {"bytes=", RANGE_WHOLE, 0, 100},
        {"bytes= 5-9", RANGE_WHOLE, 0, 100},
        {"lines=5-9", RANGE_WHOLE, 0, 100},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        uint64_t first, length;
        struct text range = {cases[i].range, strlen(cases[i].range)};
        assert_int_equal(request_range(range, 100, &first, &length), cases[i].kind);
        assert_int_equal(first, cases[i].first);
        assert_int_equal(length, cases[i].length);
    }
    uint64_t first, length;
    assert_int_equal(request_range(TEXT("bytes=0-"), 0, &first, &length), RANGE_UNSATISFIABLE);
    assert_int_equal(request_range(TEXT("bytes=-5"), 0, &first, &length), RANGE_UNSATISFIABLE);
}

TEST_MAIN(cmocka_unit_test(test_a_request), cmocka_unit_test(test_every_prefix_is_incomplete),
          cmocka_unit_test(test_methods_and_targets), cmocka_unit_test(test_refused), cmocka_unit_test(test_too_long),
          cmocka_unit_test(test_keep_alive), cmocka_unit_test(test_names_of_fields_are_tokens),
          cmocka_unit_test(test_lists), cmocka_unit_test(test_file), cmocka_unit_test(test_long_files),
          cmocka_unit_test(test_ranges))
