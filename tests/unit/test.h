#pragma once
/*
 * What every unit test includes: cmocka with what it needs before it.
 *
 *     static void test_empty(void **state)
 *     {
 *         assert_int_equal(…);
 *     }
 *
 *     TEST_MAIN(cmocka_unit_test(test_empty), …)
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define TEST_MAIN(...)                                                                                                 \
    int main(void)                                                                                                     \
    {                                                                                                                  \
        const struct CMUnitTest tests[] = {__VA_ARGS__};                                                               \
        return cmocka_run_group_tests(tests, NULL, NULL);                                                              \
    }
