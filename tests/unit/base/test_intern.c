#include "base/intern.h"

#include "test.h"

#include <stdio.h>
#include <string.h>

static void test_one_copy_of_each(void **state)
{
    struct interned texts = {0};
    char other[] = "web";
    char *first = intern(&texts, "web"), *second = intern(&texts, other), *third = intern(&texts, "db");
    assert_ptr_equal(first, second);
    assert_ptr_not_equal(first, other);
    assert_string_equal(first, "web");
    assert_string_equal(third, "db");
    assert_null(intern(&texts, NULL));
    assert_int_equal(texts.holders.count, 2);
    interned_done(&texts);
}

static void test_gone_with_its_last_holder(void **state)
{
    struct interned texts = {0};
    char *text = intern(&texts, "web");
    (void)intern(&texts, "web");
    intern_drop(&texts, text);
    assert_string_equal(text, "web");
    assert_int_equal(texts.holders.count, 1);
    intern_drop(&texts, text);
    assert_int_equal(texts.holders.count, 0);
    intern_drop(&texts, NULL);
    interned_done(&texts);
}

/* A copy stays where it is while others come and go. */
static void test_texts_do_not_move(void **state)
{
    struct interned texts = {0};
    char *kept = intern(&texts, "kept"), number[16], *many[500];
    for (int i = 0; i < 500; i++) {
        (void)snprintf(number, sizeof(number), "%d", i);
        many[i] = intern(&texts, number);
    }
    assert_ptr_equal(intern(&texts, "kept"), kept);
    for (int i = 0; i < 500; i++) {
        (void)snprintf(number, sizeof(number), "%d", i);
        assert_string_equal(many[i], number);
        intern_drop(&texts, many[i]);
    }
    assert_int_equal(texts.holders.count, 1);
    assert_string_equal(kept, "kept");
    interned_done(&texts);
}

TEST_MAIN(cmocka_unit_test(test_one_copy_of_each), cmocka_unit_test(test_gone_with_its_last_holder),
          cmocka_unit_test(test_texts_do_not_move))
