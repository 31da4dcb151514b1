#include "cli/print.h"

#include "base/cleanup.h"
#include "test.h"

static void test_filters(void **state)
{
    char a[] = "name=a", status[] = "status=running", b[] = "name=b=c", *texts[] = {a, status, b};
    struct arena arena cleanup(arena_done) = {0};
    struct strings filters = {texts, 3, 3};
    const char *json;
    struct err err;
    assert_return_code(filters_json(&arena, &filters, &json, &err), 0);
    assert_string_equal(json, "{\"name\":[\"a\",\"b=c\"],\"status\":[\"running\"]}");
    filters.count = 0;
    assert_return_code(filters_json(&arena, &filters, &json, &err), 0);
    assert_null(json);
}

static void test_a_filter_without_value_is_refused(void **state)
{
    char name[] = "name", *texts[] = {name};
    struct arena arena cleanup(arena_done) = {0};
    struct strings filters = {texts, 1, 1};
    const char *json;
    struct err err;
    assert_int_equal(filters_json(&arena, &filters, &json, &err), -1);
    assert_int_equal(err.kind, ERR_INVALID);
}

TEST_MAIN(cmocka_unit_test(test_filters), cmocka_unit_test(test_a_filter_without_value_is_refused))
