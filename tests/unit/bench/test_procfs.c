#include "bench/procfs.h"

#include "test.h"

#include <string.h>
#include <unistd.h>

static void test_stat(void **state)
{
    struct procfs_process process;
    int64_t ticks;
    assert_true(procfs_parse_stat("42 (a (b) c) S 7 42 42 0 -1 4194560 100 0 0 0 30 12 0 0 20 0 1 0 5 1000 200",
                                  &process, &ticks));
    assert_int_equal(process.pid, 42);
    assert_int_equal(process.parent, 7);
    assert_string_equal(process.comm, "a (b) c");
    assert_int_equal(ticks, 42);
    assert_false(procfs_parse_stat("42 (a", &process, &ticks));
    assert_false(procfs_parse_stat("42 (a) S 7", &process, &ticks));
    assert_false(procfs_parse_stat("", &process, &ticks));
}

static void test_arguments(void **state)
{
    assert_string_equal(procfs_argument("keeper\0--run-dir\0/run\0", "--run-dir"), "/run");
    assert_null(procfs_argument("keeper\0--run-dir\0", "--run-dir"));
    assert_null(procfs_argument("keeper\0", "--run-dir"));
    assert_null(procfs_argument("", "--run-dir"));
}

static void test_this_process(void **state)
{
    struct procfs_list list;
    struct procfs_usage usage = {0};
    bool found = false;
    procfs_all(&list);
    for (size_t i = 0; i < list.count; i++) {
        if (list.items[i].pid != getpid())
            continue;
        found = true;
        assert_int_equal(list.items[i].parent, getppid());
        procfs_read_command(&list.items[i]);
        assert_non_null(strstr(list.items[i].command, "test_bench_procfs"));
    }
    assert_true(found);
    procfs_list_done(&list);
    procfs_add_usage(getpid(), &usage);
    assert_int_equal(usage.threads, 1);
    assert_true(usage.pss_kib > 0);
}

TEST_MAIN(cmocka_unit_test(test_stat), cmocka_unit_test(test_arguments), cmocka_unit_test(test_this_process))
