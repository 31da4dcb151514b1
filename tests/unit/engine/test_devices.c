#include "engine/devices.h"

#include "base/str.h"
#include "sys/device_filter.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static int check(const char *rule, struct err *err)
{
    struct host_config host = {0};
    char *items[] = {(char *)rule};
    host.device_cgroup_rules = (struct strings){items, 1, 1};
    return devices_check(&host, err);
}

static void test_rules(void **state)
{
    static const char *const good[] = {"c 1:3 rwm", "b *:* m", "a *:* rwm", "c 10:* r"};
    static const char *const bad[] = {"",        "c",        "c 1:3",    "c 1:3 ", "c 1:3 x",
                                      "d 1:3 r", "cc 1:3 r", "c -1:3 r", "c 1 3 r"};
    struct err err;
    for (size_t i = 0; i < ARRAY_SIZE(good); i++)
        assert_int_equal(check(good[i], &err), 0);
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        assert_int_equal(check(bad[i], &err), -1);
}

static void test_number_is_limited(void **state)
{
    struct host_config host = {0};
    char *items[DEVICE_RULES_MAX + 1];
    struct err err;
    for (size_t i = 0; i < ARRAY_SIZE(items); i++)
        items[i] = (char *)"c 1:3 r";
    host.device_cgroup_rules = (struct strings){items, ARRAY_SIZE(items), ARRAY_SIZE(items)};
    assert_int_equal(devices_check(&host, &err), -1);
    assert_int_equal(err.kind, ERR_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_rules), cmocka_unit_test(test_number_is_limited)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
