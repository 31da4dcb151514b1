#include "base/str.h"

#include "test.h"

static void test_compare(void **state)
{
    assert_true(str_same(NULL, NULL));
    assert_false(str_same(NULL, ""));
    assert_false(str_same("", NULL));
    assert_true(str_same("a", "a"));
    assert_true(str_empty(NULL) && str_empty("") && !str_empty("a"));
    assert_string_equal(str_after("unix:///run", "unix://"), "/run");
    assert_null(str_after("uni", "unix"));
    assert_string_equal(str_after("a", ""), "a");
    assert_true(str_ends("a.tar", ".tar") && str_ends("a", "") && !str_ends("tar", ".tar"));
    static const char *const list[] = {"a", "b", NULL};
    assert_true(str_in("b", list) && !str_in("", list) && !str_in("c", list));
}

static void test_i64(void **state)
{
    static const struct {
        const char *text;
        bool ok;
        int64_t value;
    } cases[] = {
        {"0", true, 0},
        {"-0", true, 0},
        {"+7", true, 7},
        {"007", true, 7},
        {"9223372036854775807", true, INT64_MAX},
        {"-9223372036854775808", true, INT64_MIN},
        {"9223372036854775808", false, 0},
        {"-9223372036854775809", false, 0},
        {"", false, 0},
        {"-", false, 0},
        {"--1", false, 0},
        {" 1", false, 0},
        {"1 ", false, 0},
        {"1x", false, 0},
        {"0x10", false, 0},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        int64_t value = 4711;
        assert_int_equal(str_to_i64(cases[i].text, &value), cases[i].ok);
        assert_true(value == (cases[i].ok ? cases[i].value : 4711));
    }
}

static void test_u64(void **state)
{
    uint64_t value = 4711;
    assert_true(str_to_u64("18446744073709551615", &value));
    assert_true(value == UINT64_MAX);
    static const char *const wrong[] = {"18446744073709551616", "-1", "+1", "", " 1", "1 ", "1.0"};
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        assert_false(str_to_u64(wrong[i], &value));
        assert_true(value == UINT64_MAX);
    }
}

static void test_int(void **state)
{
    int value = 5;
    assert_true(str_to_int("65535", 1, 65535, &value));
    assert_int_equal(value, 65535);
    assert_false(str_to_int("65536", 1, 65535, &value));
    assert_false(str_to_int("0", 1, 65535, &value));
    assert_false(str_to_int("4294967297", 1, 65535, &value));
    assert_int_equal(value, 65535);
}

static void test_split(void **state)
{
    char text[] = "a,,b,";
    static const char *const pieces[] = {"a", "", "b", ""};
    char *rest = text;
    for (size_t i = 0; i < ARRAY_SIZE(pieces); i++)
        assert_string_equal(str_split(&rest, ','), pieces[i]);
    assert_null(str_split(&rest, ','));
    assert_null(str_split(&rest, ','));
}

static void test_trim(void **state)
{
    char text[] = " \t a b\r\n", blank[] = "  ", empty[] = "";
    assert_string_equal(str_trim(text), "a b");
    assert_string_equal(str_trim(blank), "");
    assert_string_equal(str_trim(empty), "");
}

static void test_utf8(void **state)
{
    assert_int_equal(str_utf8_length("a", 1), 1);
    assert_int_equal(str_utf8_length("\0", 1), 1);
    assert_int_equal(str_utf8_length("\xc3\xa9", 2), 2);
    assert_int_equal(str_utf8_length("\xe2\x82\xac", 3), 3);
    assert_int_equal(str_utf8_length("\xf0\x9f\x90\x9f", 4), 4);
    assert_int_equal(str_utf8_length("\xf4\x8f\xbf\xbf", 4), 4); /* U+10FFFF, the last */
    static const struct {
        const char *bytes;
        size_t size;
    } wrong[] = {
        {"", 0},
        {"\x80", 1},             /* a continuation alone */
        {"\xc3", 1},             /* cut */
        {"\xe2\x82", 2},         /* cut */
        {"\xf0\x9f\x90", 3},     /* cut */
        {"\xc3z", 2},            /* no continuation */
        {"\xc0\xaf", 2},         /* '/' written too long */
        {"\xe0\x80\xaf", 3},     /* the same */
        {"\xf0\x80\x80\xaf", 4}, /* the same */
        {"\xed\xa0\x80", 3},     /* a surrogate */
        {"\xf4\x90\x80\x80", 4}, /* above U+10FFFF */
        {"\xf8\x88\x80\x80", 4}, /* five bytes */
        {"\xff", 1},
    };
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
        assert_int_equal(str_utf8_length(wrong[i].bytes, wrong[i].size), 0);
    assert_true(str_is_utf8("", 0));
    assert_true(str_is_utf8("a\xc3\xa9\xe2\x82\xac", 6));
    assert_false(str_is_utf8("a\xc3\xa9\xe2\x82", 5));
}

static void test_glob(void **state)
{
    static const struct {
        const char *pattern, *text;
        bool match;
    } cases[] = {
        {"", "", true},           {"", "a", false},           {"*", "", true},     {"*", "abc", true},
        {"a*c", "abbc", true},    {"a*c", "abb", false},      {"?", "a", true},    {"?", "", false},
        {"a?c", "abc", true},     {"*b*", "abc", true},       {"**", "x", true},   {"a*b*c", "aXbYbZc", true},
        {"*.tar", "a.tar", true}, {"*.tar", "a.tarr", false}, {"[a]", "a", false}, {"[a]", "[a]", true},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        assert_int_equal(str_glob(cases[i].pattern, cases[i].text), cases[i].match);
}

/* A pattern of many stars against a text that almost matches must not take exponential time. */
static void test_glob_is_not_exponential(void **state)
{
    char text[2001];
    memset(text, 'a', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    assert_false(str_glob("a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b", text));
}

TEST_MAIN(cmocka_unit_test(test_compare), cmocka_unit_test(test_i64), cmocka_unit_test(test_u64),
          cmocka_unit_test(test_int), cmocka_unit_test(test_split), cmocka_unit_test(test_trim),
          cmocka_unit_test(test_utf8), cmocka_unit_test(test_glob), cmocka_unit_test(test_glob_is_not_exponential))
