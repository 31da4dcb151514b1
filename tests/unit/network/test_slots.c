#include "network/slots.h"

#include "base/cleanup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct ip_port backend(size_t n)
{
    return (struct ip_port){.ip = ip_v4(10, 0, (uint8_t)(n >> 8), (uint8_t)n), .port = 80};
}

/* Deals to backends first … first + count - 1, checks the shares, and says how many slots changed hands. */
static size_t deal(struct slots *slots, size_t first, size_t count)
{
    struct ip_port backends[SLOTS_MANY];
    struct slots after;
    size_t changed = 0, have[SLOTS_MANY] = {0};
    for (size_t i = 0; i < count; i++)
        backends[i] = backend(first + i);
    slots_deal(slots, backends, count, true, &after);
    for (size_t i = 0; i < after.count; i++) {
        size_t n = (size_t)(after.items[i].ip.bytes[2] << 8 | after.items[i].ip.bytes[3]) - first;
        assert_true(n < count);
        have[n]++;
        changed += slots->count != after.count || !ip_port_equal(&slots->items[i], &after.items[i]);
    }
    for (size_t i = 0; i < count; i++)
        assert_in_range(have[i], after.count / count, (after.count + count - 1) / count);
    slots_done(slots);
    *slots = after;
    return changed;
}

static void test_shares(void **state)
{
    struct slots slots cleanup(slots_done) = {0};
    deal(&slots, 0, 1);
    assert_int_equal(slots.count, 1);
    deal(&slots, 0, 2);
    assert_int_equal(slots.count, SLOTS_FEW);
    for (size_t count = 3; count <= SLOTS_FEW; count++)
        assert_true(deal(&slots, 0, count) <= SLOTS_FEW / count + 1);
    deal(&slots, 0, SLOTS_FEW + 1);
    assert_int_equal(slots.count, SLOTS_MANY);
    for (size_t count = SLOTS_FEW + 2; count <= SLOTS_MANY; count += 31)
        deal(&slots, 0, count);
    deal(&slots, 0, 0);
    assert_int_equal(slots.count, 0);
}

static void test_little_changes(void **state)
{
    struct slots slots cleanup(slots_done) = {0};
    deal(&slots, 0, 100);
    assert_int_equal(deal(&slots, 0, 100), 0);
    /* One goes, one comes: its slots and hardly another. */
    assert_true(deal(&slots, 1, 100) <= 12);
    assert_true(deal(&slots, 1, 101) <= 12);
    assert_true(deal(&slots, 1, 100) <= 12);
}

static void test_one_address(void **state)
{
    struct slots before = {0}, slots cleanup(slots_done);
    struct ip_port one = backend(1);
    slots_deal(&before, &one, 1, false, &slots);
    assert_int_equal(slots.count, SLOTS_FEW);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shares),
        cmocka_unit_test(test_little_changes),
        cmocka_unit_test(test_one_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
