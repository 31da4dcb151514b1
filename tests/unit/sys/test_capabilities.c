#include "sys/capabilities.h"

#include "test.h"

#include <sys/wait.h>
#include <unistd.h>

static void test_names(void **state)
{
    assert_int_equal(capability_by_name("CAP_CHOWN"), CAP_CHOWN);
    assert_int_equal(capability_by_name("chown"), CAP_CHOWN);
    assert_int_equal(capability_by_name("cap_Net_Admin"), CAP_NET_ADMIN);
    assert_int_equal(capability_by_name("CHECKPOINT_RESTORE"), CAP_CHECKPOINT_RESTORE);
    assert_int_equal(capability_by_name("CAP_"), -1);
    assert_int_equal(capability_by_name("nothing"), -1);
    assert_string_equal(capability_name(CAP_SYS_ADMIN), "CAP_SYS_ADMIN");
    assert_null(capability_name(CAP_LAST_CAP + 1));
    for (unsigned i = 0; i <= CAP_LAST_CAP; i++)
        assert_int_equal(capability_by_name(capability_name(i)), i);
}

/* What is taken away is gone. Without privileges there is nothing to take away, and the sets stay as they are. */
static void test_sets(void **state)
{
    struct capability_sets before, after;
    assert_int_equal(capability_get(&before), 0);
    assert_true(before.bounding == capability_all());
    pid_t pid = fork();
    if (pid == 0) {
        struct capability_sets less = {.permitted = before.permitted & CAPABILITY(CAP_KILL), .inheritable = 0};
        less.effective = less.permitted;
        _exit(capability_set(&less) < 0 || capability_get(&after) < 0 || after.permitted != less.permitted ||
              after.effective != less.effective || after.bounding != before.bounding);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

TEST_MAIN(cmocka_unit_test(test_names), cmocka_unit_test(test_sets))
