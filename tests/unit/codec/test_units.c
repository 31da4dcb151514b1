#include "base/str.h"
#include "codec/units.h"
#include "test.h"

static void test_durations(void **state)
{
    static const struct {
        const char *text;
        int64_t ns;
        const char *canonical;
    } cases[] = {
        {"10s", 10000000000, "10s"},
        {"1h5m30s20ms", 3930020000000, "1h5m30.02s"},
        {"90s", 90000000000, "1m30s"},
        {"1m", 60000000000, "1m0s"},
        {"1.5s", 1500000000, "1.5s"},
        {"500us", 500000, "500µs"},
        {"0", 0, "0s"},
        {"0s", 0, "0s"},
        {"1ns", 1, "1ns"},
        {"2d", 172800000000000, "48h0m0s"},
        {"-3s", -3000000000, "-3s"},
        {"1w", 604800000000000, "168h0m0s"},
        {"1500000ns", 1500000, "1.5ms"},
        {"5µs", 5000, "5µs"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        int64_t ns = -1;
        char text[DURATION_TEXT_MAX];
        assert_true(duration_parse(cases[i].text, &ns));
        assert_int_equal(ns, cases[i].ns);
        duration_format(ns, text);
        assert_string_equal(text, cases[i].canonical);
    }
}

static void test_no_durations(void **state)
{
    static const char *const cases[] = {"", "5", "s", "5x", "5s3", "1 s", ".s", "--5s", "300000w", "1e3s", "5S"};
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        int64_t ns = 42;
        assert_false(duration_parse(cases[i], &ns));
        assert_int_equal(ns, 42);
    }
}

static void test_sizes(void **state)
{
    static const struct {
        const char *text;
        int64_t bytes;
    } cases[] = {
        {"0", 0},
        {"42", 42},
        {"7b", 7},
        {"1k", 1024},
        {"1kb", 1024},
        {"1KiB", 1024},
        {"256M", 268435456},
        {"1.5g", 1610612736},
        {"2Gb", 2147483648},
        {"1t", 1099511627776},
        {"64 mb", 67108864},
        {"-1", -1},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        int64_t bytes = -7;
        assert_true(size_parse(cases[i].text, &bytes));
        assert_int_equal(bytes, cases[i].bytes);
    }
}

static void test_no_sizes(void **state)
{
    static const char *const cases[] = {"", "k", "5x", "5kk", "5ki", "-2", "1..5k", "8388608t", "0x10", "5 k b"};
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        int64_t bytes = 42;
        assert_false(size_parse(cases[i], &bytes));
        assert_int_equal(bytes, 42);
    }
}

TEST_MAIN(cmocka_unit_test(test_durations), cmocka_unit_test(test_no_durations), cmocka_unit_test(test_sizes),
          cmocka_unit_test(test_no_sizes))
