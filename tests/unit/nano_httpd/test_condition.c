#include "condition.h"

#include "test.h"

#include <stdio.h>
#include <string.h>

/* A file of 100 bytes, of Sun, 06 Nov 1994 08:49:37 GMT and 255 ns. */
#define TAG    "\"2ebc98a1-ff-64\""
#define THEN   "Sun, 06 Nov 1994 08:49:37 GMT"
#define BEFORE "Sun, 06 Nov 1994 08:49:36 GMT"
#define AFTER  "Sun, 06 Nov 1994 08:49:38 GMT"

static int status_of(const char *fields, bool head, struct response *response)
{
    char text[500];
    struct request request;
    (void)snprintf(text, sizeof(text), "GET / HTTP/1.1\r\nHost: a\r\n%s%s\r\n", fields, *fields ? "\r\n" : "");
    assert_true(request_parse(text, strlen(text), &request) > 0);
    if (head)
        request.method = METHOD_HEAD;
    *response = (struct response){.size = 100, .modified = {784111777, 255}};
    return condition_status(&request, response);
}

static void test_conditions(void **state)
{
    static const struct {
        const char *fields;
        int status;
    } cases[] = {
        {"", 200},
        {"If-Modified-Since: " THEN, 304},
        {"If-Modified-Since: " AFTER, 304},
        {"If-Modified-Since: " BEFORE, 200},
        {"If-Modified-Since: yesterday", 200},
        {"If-None-Match: " TAG, 304},
        {"If-None-Match: W/" TAG, 304},
        {"If-None-Match: \"a\", " TAG " ,\"b\"", 304},
        {"If-None-Match: *", 304},
        {"If-None-Match: \"a\"", 200},
        {"If-None-Match: 2ebc98a1-ff-64", 200},
        {"If-None-Match: \"a\"\r\nIf-Modified-Since: " AFTER, 200}, /* the tag counts, the date does not */
        {"If-Match: " TAG, 200},
        {"If-Match: *", 200},
        {"If-Match: \"a\", " TAG, 200},
        {"If-Match: W/" TAG, 412},
        {"If-Match: \"a\"", 412},
        {"If-Match: \"a\"\r\nIf-None-Match: " TAG, 412},
        {"If-Match: " TAG "\r\nIf-Unmodified-Since: " BEFORE, 200},
        {"If-Unmodified-Since: " THEN, 200},
        {"If-Unmodified-Since: " BEFORE, 412},
        {"If-Unmodified-Since: tomorrow", 200},
        {"Range: bytes=200-", 416},
        {"Range: bytes=200-\r\nIf-Range: \"a\"", 200},
        {"Range: bytes=5-9\r\nIf-None-Match: " TAG, 304},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct response response;
        assert_int_equal(status_of(cases[i].fields, false, &response), cases[i].status);
        if (cases[i].status == 200)
            assert_true(response.first == 0 && response.length == 100);
    }
}

static void test_ranges_of_the_same_file_only(void **state)
{
    static const struct {
        const char *fields;
        bool part;
    } cases[] = {
        {"Range: bytes=5-9", true},
        {"Range: bytes=5-9\r\nIf-Range: " TAG, true},
        {"Range: bytes=5-9\r\nIf-Range: " THEN, true},
        {"Range: bytes=5-9\r\nIf-Range: W/" TAG, false},
        {"Range: bytes=5-9\r\nIf-Range: \"a\"", false},
        {"Range: bytes=5-9\r\nIf-Range: " AFTER, false},
        {"Range: bytes=5-9\r\nIf-Range: " BEFORE, false},
        {"Range: bytes=5-9,11-12", false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct response response;
        assert_int_equal(status_of(cases[i].fields, false, &response), cases[i].part ? 206 : 200);
        assert_int_equal(response.first, cases[i].part ? 5 : 0);
        assert_int_equal(response.length, cases[i].part ? 5 : 100);
        assert_int_equal(status_of(cases[i].fields, true, &response), 200); /* a range is of a body; HEAD has none */
    }
}

TEST_MAIN(cmocka_unit_test(test_conditions), cmocka_unit_test(test_ranges_of_the_same_file_only))
