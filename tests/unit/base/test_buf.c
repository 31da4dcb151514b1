#include "base/buf.h"

#include "base/cleanup.h"
#include "test.h"

#include <stdlib.h>
#include <string.h>

static void test_empty(void **state)
{
    struct buf b cleanup(buf_done) = BUF(16);
    assert_string_equal(buf_str(&b), "");
    assert_null(b.data);
    cleanup_free char *text = buf_take(&b);
    assert_string_equal(text, "");
}

/* Memory may be there before there is any text: it reads as "" then. */
static void test_nothing_added(void **state)
{
    struct buf added cleanup(buf_done) = BUF(16), reserved cleanup(buf_done) = BUF(16);
    buf_adds(&added, "");
    assert_string_equal(buf_str(&added), "");
    assert_non_null(buf_reserve(&reserved, 8));
    assert_string_equal(buf_str(&reserved), "");
}

static void test_appends(void **state)
{
    struct buf b cleanup(buf_done) = BUF(1024);
    buf_adds(&b, "one");
    buf_addc(&b, ' ');
    buf_add(&b, "two\0three", 9);
    buf_add(&b, NULL, 0);
    buf_printf(&b, " %d", 4);
    assert_int_equal(b.size, 4 + 9 + 2);
    assert_memory_equal(b.data, "one two\0three 4", b.size + 1);
    assert_false(buf_failed(&b));
}

static void test_maximum_is_exact(void **state)
{
    struct buf b cleanup(buf_done) = BUF(5);
    buf_adds(&b, "12345");
    assert_false(buf_failed(&b));
    assert_string_equal(buf_str(&b), "12345");
    buf_add(&b, "", 0);
    assert_false(buf_failed(&b));
    buf_addc(&b, '6');
    assert_true(buf_failed(&b));
    assert_string_equal(buf_str(&b), "12345");
}

static void test_failure_stays_until_reset(void **state)
{
    struct buf b cleanup(buf_done) = BUF(5);
    buf_printf(&b, "%s", "123456");
    buf_adds(&b, "1");
    assert_true(buf_failed(&b));
    assert_int_equal(b.size, 0);
    buf_reset(&b);
    buf_adds(&b, "12345");
    assert_false(buf_failed(&b));
    assert_string_equal(buf_str(&b), "12345");
}

static void test_no_maximum(void **state)
{
    struct buf b cleanup(buf_done) = BUF(SIZE_MAX);
    for (int i = 0; i < 1000; i++)
        buf_adds(&b, "0123456789");
    assert_int_equal(b.size, 10000);
    assert_false(buf_failed(&b));
    assert_null(buf_reserve(&b, SIZE_MAX));
    assert_true(buf_failed(&b));
    assert_int_equal(b.size, 10000);
}

static void test_size_that_overflows(void **state)
{
    struct buf b cleanup(buf_done) = BUF(100);
    buf_adds(&b, "abc");
    assert_null(buf_reserve(&b, SIZE_MAX - 1));
    assert_true(buf_failed(&b));
    assert_string_equal(buf_str(&b), "abc");
}

static void test_reserve_and_consume(void **state)
{
    struct buf b cleanup(buf_done) = BUF(100);
    memcpy(buf_reserve(&b, 10), "hello", 5);
    buf_claim(&b, 5);
    assert_string_equal(buf_str(&b), "hello");
    buf_consume(&b, 0);
    buf_consume(&b, 2);
    assert_string_equal(buf_str(&b), "llo");
    buf_consume(&b, 3);
    assert_int_equal(b.size, 0);
    assert_string_equal(buf_str(&b), "");
}

/* Nothing was read, nothing is claimed: a call that must be harmless on a buffer that is still empty. */
static void test_claim_and_consume_of_nothing(void **state)
{
    struct buf b cleanup(buf_done) = BUF(100);
    buf_consume(&b, 0);
    buf_claim(&b, 0);
    assert_string_equal(buf_str(&b), "");
}

static void test_take_moves(void **state)
{
    struct buf b cleanup(buf_done) = BUF(100);
    buf_adds(&b, "mine");
    cleanup_free char *text = buf_take(&b);
    assert_string_equal(text, "mine");
    assert_null(b.data);
    buf_adds(&b, "next");
    assert_string_equal(text, "mine");
    assert_string_equal(buf_str(&b), "next");
    assert_int_equal(b.max, 100);
}

/* What was cut is not handed out as if it were whole, in a buffer that is used again. */
static void test_take_clears_the_failure(void **state)
{
    struct buf b cleanup(buf_done) = BUF(4);
    buf_adds(&b, "12345");
    assert_true(buf_failed(&b));
    free(buf_take(&b));
    assert_false(buf_failed(&b));
}

TEST_MAIN(cmocka_unit_test(test_empty), cmocka_unit_test(test_nothing_added), cmocka_unit_test(test_appends),
          cmocka_unit_test(test_maximum_is_exact), cmocka_unit_test(test_failure_stays_until_reset),
          cmocka_unit_test(test_no_maximum), cmocka_unit_test(test_size_that_overflows),
          cmocka_unit_test(test_reserve_and_consume), cmocka_unit_test(test_claim_and_consume_of_nothing),
          cmocka_unit_test(test_take_moves), cmocka_unit_test(test_take_clears_the_failure))
