#include "cli/human.h"

#include "base/clock.h"
#include "base/str.h"
#include "test.h"

static void test_sizes(void **state)
{
    static const struct {
        int64_t bytes;
        const char *text;
    } cases[] = {
        {0, "0B"},           {999, "999B"},        {1000, "1.00kB"},      {12345, "12.3kB"},
        {99949, "99.9kB"},   {99960, "100kB"},     {999499, "999kB"},     {999500, "1.00MB"},
        {7650000, "7.65MB"}, {187000000, "187MB"}, {INT64_MAX, "9.22EB"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char text[SIZE_TEXT_MAX];
        size_text(cases[i].bytes, text);
        assert_string_equal(text, cases[i].text);
    }
}

static void test_ages(void **state)
{
    static const struct {
        int64_t seconds;
        const char *text;
    } cases[] = {
        {-5, "0 seconds ago"},        {1, "1 second ago"},          {59, "59 seconds ago"},
        {60, "1 minute ago"},         {3599, "59 minutes ago"},     {3600, "1 hour ago"},
        {47 * 3600, "47 hours ago"},  {48 * 3600, "2 days ago"},    {14 * 86400, "2 weeks ago"},
        {60 * 86400, "2 months ago"}, {800 * 86400, "2 years ago"},
    };
    int64_t now = 2000000000 * NS_PER_S;
    char text[AGE_TEXT_MAX];
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        age_text(now - cases[i].seconds * NS_PER_S, now, text);
        assert_string_equal(text, cases[i].text);
    }
    age_text(0, now, text);
    assert_string_equal(text, "");
}

TEST_MAIN(cmocka_unit_test(test_sizes), cmocka_unit_test(test_ages))
