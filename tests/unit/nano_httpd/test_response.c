#include "response.h"

#include "request.h"
#include "test.h"

#include <string.h>
#include <time.h>

#define DATE "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
#define SOME 784111777

static void expect(struct response response, const char *expected)
{
    char text[RESPONSE_MAX + 1];
    response.date = SOME;
    text[response_head(&response, text)] = '\0';
    assert_string_equal(text, expected);
}

static void test_a_file(void **state)
{
    expect((struct response){.status = 200, .keep_alive = true, .type = "text/css", .length = 7, .modified = SOME - 1},
           "HTTP/1.1 200 OK\r\n" DATE "Last-Modified: Sun, 06 Nov 1994 08:49:36 GMT\r\nContent-Type: text/css\r\n"
           "Content-Length: 7\r\nAccept-Ranges: bytes\r\nConnection: keep-alive\r\n\r\n");
    expect((struct response){.status = 206, .type = "image/png", .first = 5, .length = 7, .size = 100},
           "HTTP/1.1 206 Partial Content\r\n" DATE "Content-Range: bytes 5-11/100\r\n"
           "Last-Modified: Thu, 01 Jan 1970 00:00:00 GMT\r\nContent-Type: image/png\r\n"
           "Content-Length: 7\r\nAccept-Ranges: bytes\r\nConnection: close\r\n\r\n");
    expect((struct response){.status = 304, .keep_alive = true, .modified = SOME},
           "HTTP/1.1 304 Not Modified\r\n" DATE "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
           "Connection: keep-alive\r\n\r\n");
}

static void test_refusals(void **state)
{
    expect((struct response){.status = 404},
           "HTTP/1.1 404 Not Found\r\n" DATE "Content-Type: text/plain\r\nContent-Length: 10\r\n"
           "Connection: close\r\n\r\nNot Found\n");
    expect((struct response){.status = 404, .head_only = true},
           "HTTP/1.1 404 Not Found\r\n" DATE "Content-Type: text/plain\r\nContent-Length: 10\r\n"
           "Connection: close\r\n\r\n");
    expect((struct response){.status = 405},
           "HTTP/1.1 405 Method Not Allowed\r\n" DATE "Allow: GET, HEAD\r\nContent-Type: text/plain\r\n"
           "Content-Length: 19\r\nConnection: close\r\n\r\nMethod Not Allowed\n");
    expect((struct response){.status = 416, .size = 100},
           "HTTP/1.1 416 Range Not Satisfiable\r\n" DATE "Content-Range: bytes */100\r\nContent-Type: text/plain\r\n"
           "Content-Length: 22\r\nConnection: close\r\n\r\nRange Not Satisfiable\n");
}

static void test_redirects_stay_on_this_host(void **state)
{
    expect((struct response){.status = 301, .directory = TEXT_INIT("//evil.example/x")},
           "HTTP/1.1 301 Moved Permanently\r\n" DATE "Location: /evil.example/x/\r\nContent-Type: text/plain\r\n"
           "Content-Length: 18\r\nConnection: close\r\n\r\nMoved Permanently\n");
}

static void test_the_longest_fits(void **state)
{
    char path[PATH_SIZE], text[RESPONSE_MAX];
    memset(path, 'a', sizeof(path));
    struct response response = {.status = 301, .keep_alive = true, .directory = {path, sizeof(path)}};
    size_t size = response_head(&response, text);
    assert_true(size < RESPONSE_MAX);
    assert_memory_equal(text + size - 22, "\r\n\r\nMoved Permanently\n", 22);
}

/* Against the C library, day by day over four centuries and more. */
static void test_dates(void **state)
{
    for (int64_t seconds = 0; seconds < 20000000000; seconds += 86399) {
        char text[DATE_SIZE + 1] = "", expected[64];
        struct out out = {text, 0, DATE_SIZE};
        struct tm tm;
        time_t t = seconds;
        response_date(seconds, &out);
        assert_int_equal(out.n, DATE_SIZE);
        (void)strftime(expected, sizeof(expected), "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&t, &tm));
        assert_string_equal(text, expected);
    }
    char text[DATE_SIZE + 1] = "";
    struct out out = {text, 0, DATE_SIZE};
    response_date(-1, &out);
    assert_string_equal(text, "Thu, 01 Jan 1970 00:00:00 GMT");
    out.n = 0;
    response_date(253402300799, &out);
    assert_string_equal(text, "Fri, 31 Dec 9999 23:59:59 GMT");
    out.n = 0;
    response_date(INT64_MAX, &out);
    assert_string_equal(text, "Thu, 01 Jan 1970 00:00:00 GMT");
}

static void test_types(void **state)
{
    assert_string_equal(response_type("index.html"), "text/html; charset=utf-8");
    assert_string_equal(response_type("a/b.c.PNG"), "image/png");
    assert_string_equal(response_type("html"), "application/octet-stream");
    assert_string_equal(response_type(".png"), "application/octet-stream");
    assert_string_equal(response_type(""), "application/octet-stream");
}

TEST_MAIN(cmocka_unit_test(test_a_file), cmocka_unit_test(test_refusals),
          cmocka_unit_test(test_redirects_stay_on_this_host), cmocka_unit_test(test_the_longest_fits),
          cmocka_unit_test(test_dates), cmocka_unit_test(test_types))
