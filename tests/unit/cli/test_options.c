#include "base/str.h"
#include "cli/cli.h"
#include "test.h"

struct values {
    bool flag, other;
    const char *text;
    struct strings texts;
    int64_t number;
};

static const struct cli_option options[] = {
    CLI_OPTION(struct values, flag, "flag", 'f', FLAG, NULL, "A flag"),
    CLI_OPTION(struct values, other, "other", 'o', FLAG, NULL, "Another"),
    CLI_OPTION(struct values, text, "text", 't', TEXT, "TEXT", "A text"),
    CLI_OPTION(struct values, texts, "item", 'i', TEXTS, "ITEM", "Items"),
    CLI_OPTION(struct values, number, "number", 0, NUMBER, "N", "A number"),
    {0},
};

static struct arena arena;
static struct err err;

static int teardown(void **state)
{
    arena_done(&arena);
    return 0;
}

/* Splits words at blanks and parses them; the arguments that are left, or -1. */
static int parse(const char *line, bool stop, struct values *values, char **rest)
{
    size_t count = 0, left = 0;
    char *text = arena_strdup(&arena, line);
    for (char *word; (word = str_split(&text, ' '));) {
        if (*word)
            rest[count++] = word;
    }
    *values = (struct values){0};
    return cli_parse(&arena, options, rest, count, stop, values, &left, &err) < 0 ? -1 : (int)left;
}

static void test_forms(void **state)
{
    struct values v;
    char *rest[20];
    assert_int_equal(parse("--flag --text x --item=a -ib -i c --number -5", false, &v, rest), 0);
    assert_true(v.flag);
    assert_false(v.other);
    assert_string_equal(v.text, "x");
    assert_int_equal(v.texts.count, 3);
    assert_string_equal(v.texts.items[1], "b");
    assert_int_equal(v.number, -5);
    assert_int_equal(parse("-fot=x", false, &v, rest), 0);
    assert_true(v.flag && v.other);
    assert_string_equal(v.text, "x");
    assert_int_equal(parse("--flag --flag=false --text=", false, &v, rest), 0);
    assert_false(v.flag);
    assert_string_equal(v.text, "");
}

static void test_arguments(void **state)
{
    struct values v;
    char *rest[20];
    assert_int_equal(parse("a --flag b - -- --other", false, &v, rest), 4);
    assert_string_equal(rest[0], "a");
    assert_string_equal(rest[1], "b");
    assert_string_equal(rest[2], "-");
    assert_string_equal(rest[3], "--other");
    assert_false(v.other);
    assert_int_equal(parse("-f sh -o --flag", true, &v, rest), 3);
    assert_false(v.other);
    assert_string_equal(rest[1], "-o");
}

static void test_errors(void **state)
{
    static const struct {
        const char *line, *message;
    } cases[] = {
        {"--unknown", "unknown option --unknown"},
        {"-x", "unknown option -x"},
        {"--text", "--text: expected TEXT after it"},
        {"-ft", "--text: expected TEXT after it"},
        {"--number x", "--number x: expected a whole number"},
        {"--flag=maybe", "--flag=maybe: expected true or false"},
        {"--fla", "unknown option --fla"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct values v;
        char *rest[20];
        assert_int_equal(parse(cases[i].line, false, &v, rest), -1);
        assert_string_equal(err.message, cases[i].message);
    }
}

TEST_MAIN(cmocka_unit_test_teardown(test_forms, teardown), cmocka_unit_test_teardown(test_arguments, teardown),
          cmocka_unit_test_teardown(test_errors, teardown))
