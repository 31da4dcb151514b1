#include "compose/interpolate.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/str.h"
#include "test.h"

static struct arena arena;
static struct buf unset_names = BUF(200);

static int teardown(void **state)
{
    arena_done(&arena);
    buf_done(&unset_names);
    return 0;
}

static const char *look_up(void *data, const char *name)
{
    return str_eq(name, "SET") ? "value" : str_eq(name, "EMPTY") ? "" : str_eq(name, "_x9") ? "under" : NULL;
}

static void note_unset(void *data, const char *name)
{
    buf_printf(&unset_names, "%s ", name);
}

static const char *expand(const char *text, struct err *err)
{
    struct interpolation in = {&arena, look_up, NULL, note_unset, err};
    return interpolate_text(&in, text);
}

static void test_forms(void **state)
{
    static const struct {
        const char *text, *result;
    } cases[] = {
        {"", ""},
        {"plain", "plain"},
        {"$SET", "value"},
        {"${SET}", "value"},
        {"a$SET-b", "avalue-b"},
        {"$_x9.", "under."},
        {"$SETX", ""},
        {"$$", "$"},
        {"$$SET $${SET}", "$SET ${SET}"},
        {"$", "$"},
        {"$ $1 $(x)", "$ $1 $(x)"},
        {"${UNSET:-d}${EMPTY:-d}${SET:-d}", "ddvalue"},
        {"${UNSET-d}${EMPTY-d}${SET-d}", "dvalue"},
        {"${UNSET:+d}${EMPTY:+d}${SET:+d}", "d"},
        {"${UNSET+d}${EMPTY+e}${SET+f}", "ef"},
        {"${UNSET:-${UNSET:-$SET}}", "value"},
        {"${UNSET:-{}}", "{}"},
        {"${UNSET:-a:b-c?d}", "a:b-c?d"},
        {"${UNSET:-}", ""},
        {"${SET?no}${SET:?no}${EMPTY?no}", "valuevalue"},
        {"${UNSET:-$$x}", "$x"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct err err;
        const char *result = expand(cases[i].text, &err);
        if (!result)
            fail_msg("%s: %s", cases[i].text, err.message);
        assert_string_equal(result, cases[i].result);
    }
}

static void test_unset_is_told(void **state)
{
    struct err err;
    assert_non_null(expand("$A ${B} ${C:-c} $SET ${EMPTY} $$D ${E+e}", &err));
    assert_string_equal(buf_str(&unset_names), "A B ");
}

static void test_errors(void **state)
{
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"${", "no } closes"},
        {"a ${SET", "no } closes"},
        {"${SET:-\n}", "no } closes"},
        {"${}", "is not a variable"},
        {"${1}", "is not a variable"},
        {"${A B}", "is not a variable"},
        {"${SET:}", "is not a variable"},
        {"${SET/a/b}", "is not a variable"},
        {"${UNSET?}", "the variable UNSET is required"},
        {"${EMPTY:?say it, $SET}", "the variable EMPTY is required: say it, value"},
        {"${UNSET:-${OTHER?deep}}", "the variable OTHER is required: deep"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct err err = {0};
        assert_null(expand(cases[i].text, &err));
        if (!strstr(err.message, cases[i].message))
            fail_msg("%s: expected '%s' in '%s'", cases[i].text, cases[i].message, err.message);
    }
}

/* A default that is not used is not looked at. */
static void test_lazy(void **state)
{
    struct err err;
    assert_string_equal(expand("${SET:-${UNSET?never}}", &err), "value");
}

static void test_depth(void **state)
{
    struct buf text cleanup(buf_done) = BUF(INTERPOLATE_DEPTH_MAX * 10);
    struct err err = {0};
    for (int i = 0; i < INTERPOLATE_DEPTH_MAX + 1; i++)
        buf_adds(&text, "${U-");
    for (int i = 0; i < INTERPOLATE_DEPTH_MAX + 1; i++)
        buf_addc(&text, '}');
    assert_null(expand(buf_str(&text), &err));
    assert_int_equal(err.kind, ERR_LIMIT);
}

TEST_MAIN(cmocka_unit_test_teardown(test_forms, teardown), cmocka_unit_test_teardown(test_unset_is_told, teardown),
          cmocka_unit_test_teardown(test_errors, teardown), cmocka_unit_test_teardown(test_lazy, teardown),
          cmocka_unit_test_teardown(test_depth, teardown))
