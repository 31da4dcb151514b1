#include "api/filters.h"

#include "base/clock.h"
#include "base/str.h"
#include "test.h"

#define NOW_NS (1700000000 * NS_PER_S)

static struct arena arena;

static struct filters parse(const char *text)
{
    struct filters filters;
    struct err err;
    if (filters_parse(text, "id name label label! status dangling until", &arena, &filters, &err) < 0)
        fail_msg("%s: %s", text, err.message);
    return filters;
}

static int release(void **state)
{
    arena_done(&arena);
    return 0;
}

static void test_both_forms(void **state)
{
    static const char *const texts[] = {
        "{\"status\":[\"running\",\"exited\"]}",
        "{\"status\":{\"running\":true,\"exited\":true,\"paused\":false}}",
    };
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        struct filters filters = parse(texts[i]);
        assert_int_equal(filters_get(&filters, "status")->count, 2);
        assert_true(filters_match(&filters, "status", "running"));
        assert_true(filters_match(&filters, "status", "exited"));
        assert_false(filters_match(&filters, "status", "paused"));
        assert_true(filters_match(&filters, "name", "whatever"));
    }
}

static void test_nothing_asked(void **state)
{
    static const char *const texts[] = {NULL, "", "{}", "{\"status\":[]}", "{\"status\":{}}"};
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        struct filters filters = parse(texts[i]);
        assert_null(filters_get(&filters, "status"));
        assert_true(filters_match(&filters, "status", "running"));
    }
}

static void test_refused(void **state)
{
    static const struct {
        const char *text, *said;
    } cases[] = {
        {"{\"colour\":[\"red\"]}", "invalid filter 'colour'"},
        {"{\"sta\":[\"red\"]}", "invalid filter 'sta'"},
        {"{\"\":[\"red\"]}", "invalid filter ''"},
        {"{\"status\":\"running\"}", "expected a list, found a string"},
        {"{\"status\":[1]}", "its values are texts"},
        {"[]", "expected an object, found a list"},
        {"{\"status\":[\"running\"", "the filters"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct filters filters;
        struct err err;
        assert_true(filters_parse(cases[i].text, "status name", &arena, &filters, &err) < 0);
        assert_int_equal(err.kind, ERR_INVALID);
        assert_non_null(strstr(err.message, cases[i].said));
    }
}

static void test_names_are_patterns(void **state)
{
    static const struct {
        const char *pattern, *name;
        bool fits;
    } cases[] = {
        {"web", "my-web-1", true}, {"^web$", "my-web-1", false}, {"^/?web$", "web", true}, {"^/web$", "/web", true},
        {"web|db", "db", true},    {"w.b", "web", true},         {"w\\.b", "web", false},  {"w\\.b", "w.b", true},
        {"(", "a(b", true},        {"(a)\\1", "aa", false},      {"a{1,9}", "aaa", false}, {"web", "we", false},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char *values[] = {(char *)cases[i].pattern};
        struct filter filter = {.name = (char *)"name", .values = {values, 1, 1}};
        struct filters filters = {.list = {&filter, 1, 1}};
        if (filters_match_pattern(&filters, "name", cases[i].name) != cases[i].fits)
            fail_msg("%s on %s", cases[i].pattern, cases[i].name);
    }
}

static void test_ids_are_prefixes(void **state)
{
    struct filters filters = parse("{\"id\":[\"ab\",\"cd\"]}");
    assert_true(filters_match_prefix(&filters, "id", "abcdef"));
    assert_true(filters_match_prefix(&filters, "id", "cdef"));
    assert_false(filters_match_prefix(&filters, "id", "bcd"));
}

static void test_labels(void **state)
{
    struct pair items[] = {{(char *)"a", (char *)"1"}, {(char *)"b", (char *)""}};
    struct pairs labels = {items, ARRAY_SIZE(items), ARRAY_SIZE(items)};
    static const struct {
        const char *text;
        bool fits;
    } cases[] = {
        {"{\"label\":[\"a\"]}", true},        {"{\"label\":[\"a=1\"]}", true},
        {"{\"label\":[\"a=2\"]}", false},     {"{\"label\":[\"a=1\",\"b\"]}", true},
        {"{\"label\":[\"a\",\"c\"]}", false}, {"{\"label\":[\"b=\"]}", true},
        {"{\"label!\":[\"c\"]}", true},       {"{\"label!\":[\"a=1\"]}", false},
        {"{\"label!\":[\"a=2\"]}", true},     {"{\"label\":[\"a\"],\"label!\":[\"b\"]}", false},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct filters filters = parse(cases[i].text);
        if (filters_keep_labels(&filters, &labels) != cases[i].fits)
            fail_msg("%s", cases[i].text);
    }
}

static void test_truth(void **state)
{
    struct err err;
    bool value;
    struct filters yes = parse("{\"dangling\":[\"true\"]}"), no = parse("{\"dangling\":{\"0\":true}}");
    struct filters bad = parse("{\"dangling\":[\"maybe\"]}"), none = parse(NULL);
    assert_true(filters_bool(&yes, "dangling", false, &value, &err) >= 0 && value);
    assert_true(filters_bool(&no, "dangling", true, &value, &err) >= 0 && !value);
    assert_true(filters_bool(&none, "dangling", true, &value, &err) >= 0 && value);
    assert_true(filters_bool(&bad, "dangling", true, &value, &err) < 0);
    assert_string_equal(err.message, "invalid filter 'dangling=[maybe]'");
}

static void test_times(void **state)
{
    struct err err;
    int64_t ns;
    struct filters at = parse("{\"until\":[\"1600000000\"]}"), back = parse("{\"until\":[\"1h\"]}");
    struct filters bad = parse("{\"until\":[\"soon\"]}"), two = parse("{\"until\":[\"1h\",\"2h\"]}"),
                   none = parse(NULL);
    assert_true(filters_time(&at, "until", NOW_NS, &ns, &err) >= 0);
    assert_int_equal(ns, 1600000000 * NS_PER_S);
    assert_true(filters_time(&back, "until", NOW_NS, &ns, &err) >= 0);
    assert_int_equal(ns, NOW_NS - 3600 * NS_PER_S);
    assert_true(filters_time(&none, "until", NOW_NS, &ns, &err) >= 0);
    assert_int_equal(ns, 0);
    assert_true(filters_time(&bad, "until", NOW_NS, &ns, &err) < 0);
    assert_true(filters_time(&two, "until", NOW_NS, &ns, &err) < 0);
}

TEST_MAIN(cmocka_unit_test_teardown(test_both_forms, release), cmocka_unit_test_teardown(test_nothing_asked, release),
          cmocka_unit_test_teardown(test_refused, release), cmocka_unit_test(test_names_are_patterns),
          cmocka_unit_test_teardown(test_ids_are_prefixes, release), cmocka_unit_test_teardown(test_labels, release),
          cmocka_unit_test_teardown(test_truth, release), cmocka_unit_test_teardown(test_times, release))
