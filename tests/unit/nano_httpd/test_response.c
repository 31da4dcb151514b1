#include "response.h"

#include "test.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

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
    expect(
        (struct response){
            .status = 200, .keep_alive = true, .type = "text/css", .length = 7, .size = 7, .modified = {SOME - 1, 255}},
        "HTTP/1.1 200 OK\r\n" DATE "Last-Modified: Sun, 06 Nov 1994 08:49:36 GMT\r\nETag: \"2ebc98a0-ff-7\"\r\n"
        "Content-Type: text/css\r\nContent-Length: 7\r\nAccept-Ranges: bytes\r\nConnection: keep-alive\r\n\r\n");
    expect((struct response){.status = 206, .type = "image/png", .first = 5, .length = 7, .size = 100},
           "HTTP/1.1 206 Partial Content\r\n" DATE "Content-Range: bytes 5-11/100\r\n"
           "Last-Modified: Thu, 01 Jan 1970 00:00:00 GMT\r\nETag: \"0-0-64\"\r\nContent-Type: image/png\r\n"
           "Content-Length: 7\r\nAccept-Ranges: bytes\r\nConnection: close\r\n\r\n");
    expect((struct response){.status = 304, .keep_alive = true, .modified = {SOME, 0}},
           "HTTP/1.1 304 Not Modified\r\n" DATE "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
           "ETag: \"2ebc98a1-0-0\"\r\nConnection: keep-alive\r\n\r\n");
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

static void test_numbers(void **state)
{
    static const uint64_t numbers[] = {0, 9, 10, 4294967295, 4294967296, 18446744073709551615u};
    for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
        char text[64] = "", expected[64];
        struct out out = {text, 0, sizeof(text) - 1};
        out_number(&out, numbers[i]);
        out_char(&out, ' ');
        out_hex(&out, numbers[i]);
        (void)snprintf(expected, sizeof(expected), "%" PRIu64 " %" PRIx64, numbers[i], numbers[i]);
        assert_string_equal(text, expected);
    }
}

static void test_the_longest_tag_fits(void **state)
{
    char text[TAG_MAX];
    struct out out = {text, 0, sizeof(text)};
    response_tag(&(struct response){.modified = {-1, UINT32_MAX}, .size = UINT64_MAX}, &out);
    assert_int_equal(out.n, strlen("\"ffffffffffffffff-ffffffff-ffffffffffffffff\""));
}

static void test_redirects_stay_on_this_host(void **state)
{
    expect((struct response){.status = 301, .directory = TEXT_INIT("//evil.example/x"), .query = TEXT_INIT("?a=b")},
           "HTTP/1.1 301 Moved Permanently\r\n" DATE "Location: /evil.example/x/?a=b\r\nContent-Type: text/plain\r\n"
           "Content-Length: 18\r\nConnection: close\r\n\r\nMoved Permanently\n");
}

static void test_the_longest_fits(void **state)
{
    static char target[REQUEST_MAX];
    char text[RESPONSE_MAX];
    memset(target, 'a', sizeof(target));
    struct response response = {
        .status = 301, .keep_alive = true, .directory = {target, 1000}, .query = {target, REQUEST_MAX - 1000}};
    size_t size = response_head(&response, text);
    assert_true(size < RESPONSE_MAX);
    assert_memory_equal(text + size - 22, "\r\n\r\nMoved Permanently\n", 22);
}

static void test_types(void **state)
{
    assert_string_equal(response_type("index.html"), "text/html; charset=utf-8");
    assert_string_equal(response_type("a/b.c.PNG"), "image/png");
    assert_string_equal(response_type("html"), "application/octet-stream");
    assert_string_equal(response_type(".png"), "application/octet-stream");
    assert_string_equal(response_type("a/.png"), "application/octet-stream");
    assert_string_equal(response_type("a.png/b"), "application/octet-stream");
    assert_string_equal(response_type("a."), "application/octet-stream");
    assert_string_equal(response_type("a.longerthananyend"), "application/octet-stream");
    assert_string_equal(response_type("a.WOFF2"), "font/woff2");
    assert_string_equal(response_type(""), "application/octet-stream");
}

TEST_MAIN(cmocka_unit_test(test_a_file), cmocka_unit_test(test_refusals), cmocka_unit_test(test_numbers),
          cmocka_unit_test(test_the_longest_tag_fits), cmocka_unit_test(test_redirects_stay_on_this_host),
          cmocka_unit_test(test_the_longest_fits), cmocka_unit_test(test_types))
