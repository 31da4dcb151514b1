#include "base/clock.h"

#include "base/str.h"
#include "test.h"

static void test_format(void **state)
{
    static const struct {
        int64_t ns;
        const char *text;
    } cases[] = {
        {0, "0001-01-01T00:00:00Z"},
        {1, "1970-01-01T00:00:00.000000001Z"},
        {1795357805123456789LL, "2026-11-22T14:30:05.123456789Z"},
        {951782400LL * NS_PER_S, "2000-02-29T00:00:00.000000000Z"},
        {-1, "1969-12-31T23:59:59.999999999Z"},
        {-NS_PER_S, "1969-12-31T23:59:59.000000000Z"},
        {INT64_MAX, "2262-04-11T23:47:16.854775807Z"},
        {INT64_MIN, "1677-09-21T00:12:43.145224192Z"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char text[CLOCK_TEXT_MAX];
        clock_format(cases[i].ns, text);
        assert_string_equal(text, cases[i].text);
    }
}

static void test_parse(void **state)
{
    static const struct {
        const char *text;
        int64_t ns;
    } cases[] = {
        {"2026-11-22T14:30:05.123456789Z", 1795357805123456789LL},
        {"2026-11-22T14:30:05.1234567899Z", 1795357805123456789LL},
        {"2026-11-22T14:30:05.5Z", 1795357805500000000LL},
        {"2026-11-22t14:30:05z", 1795357805000000000LL},
        {"2026-11-22 14:30:05", 1795357805000000000LL},
        {"2026-11-22T16:30:05+02:00", 1795357805000000000LL},
        {"2026-11-22T09:00:05.25-05:30", 1795357805250000000LL},
        {"2026-11-22", 1795305600000000000LL},
        {"1795357805", 1795357805000000000LL},
        {"1795357805.000000001", 1795357805000000001LL},
        {"0", 0},
        {"1969-12-31T23:59:59.5Z", -500000000LL},
        {"0001-01-01T00:00:00Z", 0},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        int64_t ns = 4711;
        if (!clock_parse(cases[i].text, &ns) || ns != cases[i].ns)
            fail_msg("'%s' gave %lld", cases[i].text, (long long)ns);
    }
}

static void test_parse_refuses(void **state)
{
    static const char *const wrong[] = {
        "",
        " ",
        "yesterday",
        "-1",
        "1.",
        "1.x",
        "1e3",
        ".5",
        "2026-11",
        "2026-11-22T",
        "2026-11-22T14:30",
        "2026-11-22T14:30:05.",
        "2026-11-22T14:30:05Zx",
        "2026-11-22T14:30:05+2",
        "2026-11-22T14:30:05+02:00x",
        "2026-11-22T14:30:05+02:-5",
        "2026-11-22T14:30:05+-2:05",
        "2026-11-22T14:30:05+99:99",
        "2026-13-01",
        "2026-02-30",
        "2026-11-22T24:30:05Z",
        "2026-11-22x",
        "9223372036854775808",
        "9223372037",
        "9223372036.999999999",
        "9999-12-31T00:00:00Z",
        "2026- 1-22",
    };
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        int64_t ns = 4711;
        if (clock_parse(wrong[i], &ns))
            fail_msg("'%s' was taken for %lld", wrong[i], (long long)ns);
        assert_int_equal(ns, 4711);
    }
}

static void test_round_trip(void **state)
{
    uint64_t random = 1;
    for (int i = 0; i < 1000; i++) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        int64_t ns = (int64_t)(random >> 1), again;
        char text[CLOCK_TEXT_MAX];
        clock_format(ns, text);
        assert_true(clock_parse(text, &again));
        assert_true(again == ns);
    }
}

static void test_clocks_move(void **state)
{
    int64_t first = clock_monotonic_ms();
    assert_true(first > 0);
    assert_true(clock_monotonic_ms() >= first);
    assert_true(clock_realtime_ns() > 1700000000LL * NS_PER_S);
}

TEST_MAIN(cmocka_unit_test(test_format), cmocka_unit_test(test_parse), cmocka_unit_test(test_parse_refuses),
          cmocka_unit_test(test_round_trip), cmocka_unit_test(test_clocks_move))
