#include "bench/memory.h"

#include "base/mem.h"
#include "test.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char text[] = "MemTotal:       24683656 kB\n"
                           "MemFree:        20000000 kB\n"
                           "MemAvailable:   23000000 kB\n"
                           "Buffers:           50000 kB\n"
                           "Cached:          3000000 kB\n"
                           "SwapCached:            0 kB\n"
                           "AnonPages:        100000 kB\n"
                           "Shmem:              2000 kB\n"
                           "Slab:             300000 kB\n"
                           "SReclaimable:     200000 kB\n"
                           "SUnreclaim:       100000 kB\n"
                           "KernelStack:        3000 kB\n"
                           "PageTables:         5000 kB\n"
                           "SecPageTables:       100 kB\n"
                           "Percpu:             1000 kB\n";

static const char zoneinfo[] =
    "Node 0, zone      DMA\n  pages free     3840\n  pagesets\n    cpu: 0\n              count: 10\n"
    "              high:  50\n              batch: 63\n    cpu: 1\n              count:    20\n";

static void test_parts_and_their_sum(void **state)
{
    struct memory m;
    struct err err;
    assert_return_code(memory_parse(text, zoneinfo, &m, &err), 0);
    assert_int_equal(m.used, 24683656 - 20000000 - 50000 - 3000000 + 2000 - 30 * (sysconf(_SC_PAGESIZE) / 1024));
    assert_int_equal(m.unavailable, 24683656 - 23000000);
    assert_int_equal(m.slab, 300000);
    assert_int_equal(m.page_tables, 5100);
    assert_int_equal(m.private, 100000);
    assert_int_equal(m.slab + m.kernel_stack + m.page_tables + m.private + m.shared + m.percpu + m.other, m.used);
}

static void test_what_is_missing_is_named(void **state)
{
    struct memory m;
    struct err err;
    char *without = mem_strdup(text);
    memcpy(strstr(without, "Percpu"), "percpu", 6);
    assert_int_equal(memory_parse(without, zoneinfo, &m, &err), -1);
    assert_string_equal(err.message, "/proc/meminfo of this kernel has no Percpu");
    free(without);
    without = mem_strdup(text);
    memcpy(strstr(without, "Sec"), "sec", 3); /* before Linux 6.1 */
    assert_return_code(memory_parse(without, zoneinfo, &m, &err), 0);
    assert_int_equal(m.page_tables, 5000);
    free(without);
    assert_int_equal(memory_parse("", "", &m, &err), -1);
}

static void test_of_each(void **state)
{
    struct memory before = {.used = 1000, .slab = 10}, after = {.used = 1500, .slab = 5, .other = 7};
    struct memory difference = memory_difference(&after, &before);
    struct memory_each each = memory_share(&difference, 4);
    assert_true(each.used == 125.0);
    assert_true(each.slab == -1.25);
    assert_true(each.other == 1.75);
    assert_true(each.percpu == 0.0);
}

static void test_this_machine(void **state)
{
    struct memory m;
    struct err err;
    assert_return_code(memory_look(&m, &err), 0);
    assert_true(m.used > 0 && m.slab > 0 && m.kernel_stack > 0);
}

TEST_MAIN(cmocka_unit_test(test_parts_and_their_sum), cmocka_unit_test(test_what_is_missing_is_named),
          cmocka_unit_test(test_of_each), cmocka_unit_test(test_this_machine))
