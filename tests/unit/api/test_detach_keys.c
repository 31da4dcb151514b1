#include "api/detach_keys.h"

#include "base/str.h"
#include "test.h"

static void test_parse(void **state)
{
    static const struct {
        const char *text, *keys;
        size_t count;
    } cases[] = {
        {NULL, "\x10\x11", 2}, {"", "\x10\x11", 2},      {"ctrl-a", "\x01", 1}, {"a", "a", 1},
        {"ctrl-@", "\0", 1},   {"ctrl-[,x", "\x1bx", 2}, {"ctrl-_", "\x1f", 1}, {"ctrl-\\", "\x1c", 1},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct detach_keys keys;
        struct err err;
        assert_true(detach_keys_parse(cases[i].text, &keys, &err) >= 0);
        assert_int_equal(keys.count, cases[i].count);
        assert_memory_equal(keys.keys, cases[i].keys, cases[i].count);
    }
}

static void test_refused(void **state)
{
    static const char *const texts[] = {
        "ctrl-", "ctrl-A", "ctrl-1", "ctrl-ab", "shift-a", "a,", ",a", "ab", "a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a"};
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        struct detach_keys keys;
        struct err err;
        if (detach_keys_parse(texts[i], &keys, &err) >= 0)
            fail_msg("taken: %s", texts[i]);
        assert_non_null(strstr(err.message, "Invalid escape keys"));
    }
}

static void test_feed(void **state)
{
    struct detach_keys keys;
    struct err err;
    bool detach;
    assert_true(detach_keys_parse(NULL, &keys, &err) >= 0);
    assert_int_equal(detach_keys_feed(&keys, "ls\n", 3, &detach), 3);
    assert_false(detach);
    assert_int_equal(detach_keys_feed(&keys, "a\x10", 2, &detach), 2);
    assert_false(detach);
    assert_int_equal(detach_keys_feed(&keys, "b\x10\x10\x11zz", 6, &detach), 3); /* the b began anew */
    assert_true(detach);
}

static void test_feed_in_pieces(void **state)
{
    struct detach_keys keys;
    struct err err;
    bool detach;
    assert_true(detach_keys_parse(NULL, &keys, &err) >= 0);
    assert_int_equal(detach_keys_feed(&keys, "\x10", 1, &detach), 1);
    assert_false(detach);
    assert_int_equal(detach_keys_feed(&keys, "\x11", 1, &detach), 0);
    assert_true(detach);
}

TEST_MAIN(cmocka_unit_test(test_parse), cmocka_unit_test(test_refused), cmocka_unit_test(test_feed),
          cmocka_unit_test(test_feed_in_pieces))
