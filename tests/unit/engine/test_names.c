#include "engine/names.h"

#include "engine/private.h"

#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void test_check(void **state)
{
    static const char *const good[] = {"ab", "a1", "0x", "a_b.c-d"}, *const bad[] = {"", "a", "-a", ".a", "a/b", "a b"};
    char longest[257];
    struct err err;
    for (size_t i = 0; i < ARRAY_SIZE(good); i++)
        assert_int_equal(name_check(good[i], "volume", &err), 0);
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        assert_int_equal(name_check(bad[i], "volume", &err), -1);
    memset(longest, 'a', sizeof(longest));
    longest[256] = '\0';
    assert_int_equal(name_check(longest, "volume", &err), -1);
    assert_int_equal(name_check(longest + 1, "volume", &err), 0);
}

static void test_chosen_names_are_names(void **state)
{
    struct engine engine = {0};
    struct err err;
    for (int i = 0; i < 100; i++) {
        char *name cleanup(freep) = name_choose(&engine);
        assert_int_equal(name_check(name, "container", &err), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_check), cmocka_unit_test(test_chosen_names_are_names)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
