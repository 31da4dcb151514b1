#include "cli/table.h"

#include "base/cleanup.h"
#include "test.h"

static void test_columns_are_as_wide_as_their_widest_cell(void **state)
{
    char *text cleanup_free = NULL;
    size_t size;
    struct table table cleanup(table_done) = {.columns = 3};
    table_row(&table, "NAME", "STATE", "X");
    table_row(&table, "a-long-name", NULL, "1");
    table_row(&table, "\303\244", "up\033[2J", "");
    FILE *out = open_memstream(&text, &size);
    table_print(&table, out);
    (void)fclose(out);
    assert_string_equal(text, "NAME          STATE    X\n"
                              "a-long-name            1\n"
                              "\303\244             up?[2J   \n");
}

static void test_width(void **state)
{
    assert_int_equal(text_width(""), 0);
    assert_int_equal(text_width("abc"), 3);
    assert_int_equal(text_width("\303\244\342\202\254"), 2);
    assert_int_equal(text_width("\377x"), 2);
}

TEST_MAIN(cmocka_unit_test(test_columns_are_as_wide_as_their_widest_cell), cmocka_unit_test(test_width))
