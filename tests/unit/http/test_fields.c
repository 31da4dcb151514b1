#include "http/fields.h"

#include "test.h"

static const struct http_fields headers = {
    .items =
        (struct http_field[]){
            {"Accept", "a/b"}, {"Connection", "keep-alive , Upgrade"}, {"connection", "x"}, {"Empty", ""}},
    .count = 4,
};

static void test_names_of_headers_have_no_case(void **state)
{
    assert_string_equal(http_header(&headers, "ACCEPT"), "a/b");
    assert_string_equal(http_header(&headers, "empty"), "");
    assert_null(http_header(&headers, "Accep"));
    assert_int_equal(http_header_count(&headers, "Connection"), 2);
}

static void test_lists(void **state)
{
    assert_true(http_header_has(&headers, "Connection", "upgrade"));
    assert_true(http_header_has(&headers, "Connection", "keep-alive"));
    assert_true(http_header_has(&headers, "Connection", "X"));
    assert_false(http_header_has(&headers, "Connection", "keep"));
    assert_false(http_header_has(&headers, "Connection", "close"));
    assert_false(http_header_has(&headers, "Empty", "a"));
}

static void test_names_of_parameters_have_case(void **state)
{
    assert_string_equal(http_field(&headers, "connection"), "x");
    assert_null(http_field(&headers, "ACCEPT"));
}

TEST_MAIN(cmocka_unit_test(test_names_of_headers_have_no_case), cmocka_unit_test(test_lists),
          cmocka_unit_test(test_names_of_parameters_have_case))
