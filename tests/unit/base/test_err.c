#include "base/err.h"

#include "base/str.h"
#include "test.h"

#include <errno.h>

static void test_set(void **state)
{
    struct err err;
    assert_int_equal(err_set(&err, ERR_NOT_FOUND, "no such container: %s", "web"), -1);
    assert_int_equal(err.kind, ERR_NOT_FOUND);
    assert_int_equal(err.errnum, 0);
    assert_string_equal(err.message, "no such container: web");
}

static void test_errno_takes_both_signs(void **state)
{
    struct err plus, minus;
    assert_int_equal(err_errno(&plus, ENOENT, "cannot open '%s'", "/x"), -1);
    assert_int_equal(err_errno(&minus, -ENOENT, "cannot open '%s'", "/x"), -1);
    assert_string_equal(plus.message, "cannot open '/x': No such file or directory");
    assert_string_equal(minus.message, plus.message);
    assert_int_equal(minus.errnum, ENOENT);
}

static void test_kind_follows_errno(void **state)
{
    static const struct {
        int errnum;
        enum err_kind kind;
    } cases[] = {
        {ENOENT, ERR_NOT_FOUND},         {EACCES, ERR_DENIED},      {EPERM, ERR_DENIED},
        {ENOSPC, ERR_NO_SPACE},          {EDQUOT, ERR_NO_SPACE},    {EEXIST, ERR_CONFLICT},
        {ETIMEDOUT, ERR_TIMEOUT},        {ENOSYS, ERR_UNSUPPORTED}, {EMFILE, ERR_LIMIT},
        {ECONNREFUSED, ERR_UNAVAILABLE}, {EFAULT, ERR_INTERNAL},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct err err;
        (void)err_errno(&err, cases[i].errnum, "x");
        assert_int_equal(err.kind, cases[i].kind);
    }
}

static void test_wrap_keeps_the_kind(void **state)
{
    struct err err;
    (void)err_errno(&err, EACCES, "cannot open '%s'", "/x");
    assert_int_equal(err_wrap(&err, "service %s", "web"), -1);
    assert_string_equal(err.message, "service web: cannot open '/x': Permission denied");
    assert_int_equal(err.kind, ERR_DENIED);
    assert_int_equal(err.errnum, EACCES);
}

/* A message from outside may be long: it is cut, never overrun. */
static void test_long_messages_are_cut(void **state)
{
    char text[3 * ERR_MESSAGE_MAX];
    memset(text, 'a', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    struct err err;
    (void)err_errno(&err, EACCES, "%s", text);
    assert_int_equal(strlen(err.message), ERR_MESSAGE_MAX - 1);
    (void)err_wrap(&err, "context");
    assert_true(str_starts(err.message, "context: aaa"));
    assert_int_equal(strlen(err.message), ERR_MESSAGE_MAX - 1);
    (void)err_wrap(&err, "%s", text);
    assert_int_equal(strlen(err.message), ERR_MESSAGE_MAX - 1);
}

static void test_every_kind_has_a_name(void **state)
{
    for (int kind = ERR_INTERNAL; kind < ERR_KIND_COUNT; kind++)
        assert_string_not_equal(err_kind_name((enum err_kind)kind), "unknown");
    assert_string_equal(err_kind_name(ERR_NOT_FOUND), "not found");
    assert_string_equal(err_kind_name((enum err_kind)0), "unknown");
    assert_string_equal(err_kind_name(ERR_KIND_COUNT), "unknown");
}

TEST_MAIN(cmocka_unit_test(test_set), cmocka_unit_test(test_errno_takes_both_signs),
          cmocka_unit_test(test_kind_follows_errno), cmocka_unit_test(test_wrap_keeps_the_kind),
          cmocka_unit_test(test_long_messages_are_cut), cmocka_unit_test(test_every_kind_has_a_name))
