#include "compose/dotenv.h"

#include "base/str.h"
#include "test.h"

static struct arena arena;
static struct env env;

static int setup(void **state)
{
    env_init(&env, &arena);
    return 0;
}

static int teardown(void **state)
{
    env_done(&env);
    arena_done(&arena);
    return 0;
}

static const char *around(void *data, const char *name)
{
    return str_eq(name, "OUTER") ? "outer" : NULL;
}

static const struct dotenv file = {.file = "t.env", .lookup = around};

static void test_values(void **state)
{
    static const struct {
        const char *text, *value; /* of X; NULL: not set */
    } cases[] = {
        {"X=1", "1"},
        {"X=1\n", "1"},
        {"X = 1", "1"},
        {"X: 1", "1"},
        {"  X=1", "1"},
        {"export X=1", "1"},
        {"export\tX=1", "1"},
        {"X=", ""},
        {"X=a b  ", "a b"},
        {"X=a # comment", "a"},
        {"X=a#b", "a#b"},
        {"X=a\r\nY=b\r\n", "a"},
        {"\xef\xbb\xbfX=1", "1"},
        {"# X=1", NULL},
        {"X", NULL},
        {"OUTER\nX=$OUTER", "outer"},
        {"Y=1\nX=$Y", "1"},
        {"OUTER=inner\nX=$OUTER", "outer"},
        {"X=\"a b\" # c", "a b"},
        {"X='a $OUTER \\n'", "a $OUTER \\n"},
        {"X='it\\'s'", "it's"},
        {"X=\"$OUTER\"", "outer"},
        {"X=\"\\$OUTER\"", "$OUTER"},
        {"X=$$OUTER", "$OUTER"},
        {"X=\"a\\tb\\nc\\\\d\\q\"", "a\tb\nc\\d\\q"},
        {"X=\"\\0101\"", "A"},
        {"X=\"a\nb\"\nY=2", "a\nb"},
        {"X=\"a\" Y=2", "a"},
        {"X=1\nX=2", "2"},
        {"X=${UNSET:-d}", "d"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct err err;
        teardown(state);
        setup(state);
        if (dotenv_parse(&file, cases[i].text, strlen(cases[i].text), &env, &err) < 0)
            fail_msg("%s: %s", cases[i].text, err.message);
        const char *value = env_get(&env, "X");
        if (!str_same(value, cases[i].value))
            fail_msg("%s gave %s", cases[i].text, value ? value : "nothing");
    }
}

static void test_errors(void **state)
{
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"A=1\nB C=2", "t.env:2: \"B C\" is not a variable's name"},
        {"A!=1", "t.env:1: A!: the character !"},
        {"\n\nX=\"open\nY=2", "t.env:3: no \" closes"},
        {"X=${", "t.env:1: "},
        {"=1", "t.env:1: \"\" is not a variable's name"},
        {"X=${Y?needed}", "the variable Y is required: needed"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct err err = {0};
        assert_true(dotenv_parse(&file, cases[i].text, strlen(cases[i].text), &env, &err) < 0);
        if (!strstr(err.message, cases[i].message))
            fail_msg("expected '%s' in '%s'", cases[i].message, err.message);
    }
}

static void test_raw(void **state)
{
    struct err err;
    const char *text = "# c\nA=\"x\" # y\nB=$OUTER\r\n\nOUTER\nC=\n";
    assert_int_equal(dotenv_parse_raw(&file, text, strlen(text), &env, &err), 0);
    assert_string_equal(env_get(&env, "A"), "\"x\" # y");
    assert_string_equal(env_get(&env, "B"), "$OUTER");
    assert_string_equal(env_get(&env, "OUTER"), "outer");
    assert_string_equal(env_get(&env, "C"), "");
    assert_true(dotenv_parse_raw(&file, "A B=1", 5, &env, &err) < 0);
}

static void test_nul_and_size(void **state)
{
    struct err err;
    assert_true(dotenv_parse(&file, "A=1\0B=2", 7, &env, &err) < 0);
    assert_true(dotenv_parse(&file, "A=1", DOTENV_BYTES_MAX + 1, &env, &err) < 0);
    assert_int_equal(err.kind, ERR_LIMIT);
    assert_int_equal(dotenv_parse(&file, NULL, 0, &env, &err), 0);
}

TEST_MAIN(cmocka_unit_test_setup_teardown(test_values, setup, teardown),
          cmocka_unit_test_setup_teardown(test_errors, setup, teardown),
          cmocka_unit_test_setup_teardown(test_raw, setup, teardown),
          cmocka_unit_test_setup_teardown(test_nul_and_size, setup, teardown))
