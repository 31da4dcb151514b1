#include "date.h"

#include "test.h"

#include <string.h>
#include <time.h>

/* Against the C library, day by day over four centuries and more. */
static void test_dates(void **state)
{
    for (int64_t seconds = 0; seconds < 20000000000; seconds += 86399) {
        char text[DATE_SIZE + 1] = "", expected[64];
        struct out out = {text, 0, DATE_SIZE};
        struct tm tm;
        time_t t = seconds;
        date_write(seconds, &out);
        assert_int_equal(out.n, DATE_SIZE);
        (void)strftime(expected, sizeof(expected), "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&t, &tm));
        assert_string_equal(text, expected);
        int64_t again = -1;
        assert_true(date_read((struct text){text, DATE_SIZE}, &again));
        assert_int_equal(again, seconds);
    }
    char text[DATE_SIZE + 1] = "";
    struct out out = {text, 0, DATE_SIZE};
    date_write(-1, &out);
    assert_string_equal(text, "Thu, 01 Jan 1970 00:00:00 GMT");
    out.n = 0;
    date_write(253402300799, &out);
    assert_string_equal(text, "Fri, 31 Dec 9999 23:59:59 GMT");
    out.n = 0;
    date_write(INT64_MAX, &out);
    assert_string_equal(text, "Thu, 01 Jan 1970 00:00:00 GMT");
}

static void test_no_dates(void **state)
{
    static const char *const texts[] = {
        "",
        "now",
        "Sunday, 06-Nov-94 08:49:37 GMT", /* obsolete */
        "Sun Nov  6 08:49:37 1994",       /* the same */
        "Mon, 06 Nov 1994 08:49:37 GMT",  /* it was a Sunday */
        "Sun, 06 Nov 1994 08:49:37 UTC",  /* the only zone is GMT */
        "Sun, 06 nov 1994 08:49:37 GMT",  /* names have their case */
        "Sun, 00 Nov 1994 08:49:37 GMT",  /* days */
        "Fri, 31 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:00:00 GMT",
        "Sun, 06 Nov 1994 08:60:37 GMT",
        "Sun, 06 Nov 1994 08:49:61 GMT",
        "Sun, 06 Nov 1994 08:49:3a GMT",
        "Sun, 06 Nov 1969 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 GMT ",
        "Sun, 06 Nov 1994 08 49 37 GMT",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        int64_t seconds;
        assert_false(date_read((struct text){texts[i], strlen(texts[i])}, &seconds));
    }
}

TEST_MAIN(cmocka_unit_test(test_dates), cmocka_unit_test(test_no_dates))
