#include "http/uri.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "test.h"

static void test_decode(void **state)
{
    static const struct {
        const char *text, *plain, *plus; /* NULL: refused */
    } cases[] = {
        {"", "", ""},          {"abc", "abc", "abc"},        {"a%20b", "a b", "a b"},
        {"a+b", "a+b", "a b"}, {"%2Fx%2fy", "/x/y", "/x/y"}, {"%C3%A4", "\303\244", "\303\244"},
        {"%", NULL, NULL},     {"%4", NULL, NULL},           {"%4g", NULL, NULL},
        {"%g4", NULL, NULL},   {"a%00b", NULL, NULL},        {"%%41", NULL, NULL},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct arena arena cleanup(arena_done) = {0};
        const char *out;
        struct err err;
        for (int plus = 0; plus < 2; plus++) {
            const char *expected = plus ? cases[i].plus : cases[i].plain;
            int result = http_percent_decode(&arena, cases[i].text, strlen(cases[i].text), plus, &out, &err);
            assert_int_equal(result, expected ? 0 : -1);
            if (expected)
                assert_string_equal(out, expected);
        }
    }
}

/* The size counts, not a NUL: "%41" cut after "%4" is broken. */
static void test_decode_a_part(void **state)
{
    struct arena arena cleanup(arena_done) = {0};
    const char *out;
    struct err err;
    assert_int_equal(http_percent_decode(&arena, "%41", 2, false, &out, &err), -1);
    assert_return_code(http_percent_decode(&arena, "%41%", 3, false, &out, &err), 0);
    assert_string_equal(out, "A");
}

static void test_query(void **state)
{
    static const char *const expected[][2] = {{"a", "1"}, {"b", ""}, {"a", "x y"}, {"c d", "="}, {"", "v"}};
    struct arena arena cleanup(arena_done) = {0};
    struct http_fields fields = {0};
    struct err err;
    assert_return_code(http_query_parse(&arena, "a=1&b&&a=x+y&c%20d=%3D&=v&", &fields, &err), 0);
    assert_int_equal(fields.count, ARRAY_SIZE(expected));
    for (size_t i = 0; i < fields.count; i++) {
        assert_string_equal(fields.items[i].name, expected[i][0]);
        assert_string_equal(fields.items[i].value, expected[i][1]);
    }
}

static void test_a_query_has_a_maximum(void **state)
{
    struct arena arena cleanup(arena_done) = {0};
    struct http_fields fields = {0};
    struct err err;
    char text[2 * HTTP_QUERY_MAX + 3];
    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = i % 2 ? '&' : 'a';
    text[sizeof(text) - 1] = '\0';
    assert_int_equal(http_query_parse(&arena, text, &fields, &err), -1);
    assert_int_equal(err.kind, ERR_LIMIT);
}

static void test_encode(void **state)
{
    struct buf b cleanup(buf_done) = BUF(1000);
    http_percent_encode(&b, "a-b_c.d~e/f g\303\244");
    assert_string_equal(buf_str(&b), "a-b_c.d~e%2Ff%20g%C3%A4");
    buf_reset(&b);
    http_path_encode(&b, "reg:5000/a b@x?");
    assert_string_equal(buf_str(&b), "reg:5000/a%20b@x%3F");
    buf_reset(&b);
    buf_adds(&b, "/x");
    http_query_add(&b, "a", "1&2");
    http_query_add(&b, "none", NULL);
    http_query_add(&b, "b", "");
    assert_string_equal(buf_str(&b), "/x?a=1%262&b=");
}

TEST_MAIN(cmocka_unit_test(test_decode), cmocka_unit_test(test_decode_a_part), cmocka_unit_test(test_query),
          cmocka_unit_test(test_a_query_has_a_maximum), cmocka_unit_test(test_encode))
