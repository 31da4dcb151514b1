#include "api/version.h"

#include "base/str.h"
#include "test.h"

static void test_check(void **state)
{
    static const struct {
        int major, minor;
        const char *said; /* NULL: taken */
    } cases[] = {
        {0, 0, NULL},
        {1, API_VERSION_MINOR, NULL},
        {1, API_VERSION_MINOR_MIN, NULL},
        {1, API_VERSION_MINOR + 1, "client version 1.45 is too new. Maximum supported API version is 1.44"},
        {2, 0, "client version 2.0 is too new. Maximum supported API version is 1.44"},
        {1, 23,
         "client version 1.23 is too old. Minimum supported API version is 1.24, please upgrade your client to a newer "
         "version"},
        {0, 99,
         "client version 0.99 is too old. Minimum supported API version is 1.24, please upgrade your client to a newer "
         "version"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct err err;
        int r = api_version_check((struct http_api_version){cases[i].major, cases[i].minor}, &err);
        assert_int_equal(r < 0, cases[i].said != NULL);
        if (cases[i].said) {
            assert_int_equal(err.kind, ERR_INVALID);
            assert_string_equal(err.message, cases[i].said);
        }
    }
}

static void test_speaks(void **state)
{
    struct http_request none = {0}, old = {.version = {1, 41}};
    assert_true(api_speaks(&none, API_VERSION_MINOR));
    assert_true(api_speaks(&old, 41));
    assert_false(api_speaks(&old, 42));
}

TEST_MAIN(cmocka_unit_test(test_check), cmocka_unit_test(test_speaks))
