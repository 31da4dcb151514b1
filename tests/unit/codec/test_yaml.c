#include "base/cleanup.h"
#include "base/str.h"
#include "codec/yaml_tree.h"
#include "test.h"

#define LONG_TEXT (64 * 1024)

static struct arena arena;
static struct err err;

static int teardown(void **state)
{
    arena_done(&arena);
    return 0;
}

static struct yaml *parse(const char *text)
{
    struct yaml_documents docs;
    if (yaml_parse(&arena, text, strlen(text), "t.yaml", &docs, &err) < 0)
        fail_msg("%s", err.message);
    assert_int_equal(docs.count, 1);
    return docs.items[0];
}

static void assert_refused(const char *text, const char *message)
{
    struct yaml_documents docs;
    err = (struct err){0};
    assert_true(yaml_parse(&arena, text, strlen(text), "t.yaml", &docs, &err) < 0);
    if (!strstr(err.message, message))
        fail_msg("expected '%s' in '%s'", message, err.message);
}

static void test_scalars(void **state)
{
    static const struct {
        const char *text;
        enum yaml_kind kind;
        const char *value;
    } cases[] = {
        {"", YAML_NULL, ""},
        {"~", YAML_NULL, ""},
        {"null", YAML_NULL, ""},
        {"true", YAML_BOOL, "true"},
        {"FALSE", YAML_BOOL, "false"},
        {"yes", YAML_STRING, "yes"},
        {"on", YAML_STRING, "on"},
        {"12", YAML_INT, "12"},
        {"-7", YAML_INT, "-7"},
        {"0x1F", YAML_INT, "31"},
        {"0o17", YAML_INT, "15"},
        {"0644", YAML_INT, "420"},
        {"0b101", YAML_INT, "5"},
        {"1_000", YAML_INT, "1000"},
        {"08", YAML_FLOAT, "8"},
        {"1.50", YAML_FLOAT, "1.5"},
        {"1e6", YAML_FLOAT, "1e+06"},
        {".5", YAML_FLOAT, "0.5"},
        {"'12'", YAML_STRING, "12"},
        {"\"\"", YAML_STRING, ""},
        {"!!str 12", YAML_STRING, "12"},
        {"1.2.3", YAML_STRING, "1.2.3"},
        {"22:22", YAML_STRING, "22:22"},
        {"0x", YAML_STRING, "0x"},
        {"+", YAML_STRING, "+"},
        {"!!int '5'", YAML_INT, "5"},
        {"2024-01-01", YAML_STRING, "2024-01-01"},
        {"9223372036854775807", YAML_INT, "9223372036854775807"},
        {"0.1", YAML_FLOAT, "0.1"},
        {"-9223372036854775808", YAML_INT, "-9223372036854775808"},
        {"123456789.0", YAML_FLOAT, "1.23456789e+08"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct yaml *node = yaml_get(parse(arena_printf(&arena, "a: %s", cases[i].text)), "a");
        assert_non_null(node);
        if (node->kind != cases[i].kind)
            fail_msg("%s is %s", cases[i].text, yaml_kind_name(node->kind));
        assert_string_equal(yaml_text(&arena, node), cases[i].value);
    }
}

static void test_positions(void **state)
{
    struct yaml *root = parse("services:\n  web:\n    ports:\n      - 80\n      - [1,  2]\n");
    struct yaml *ports = yaml_get(yaml_get(yaml_get(root, "services"), "web"), "ports");
    assert_int_equal(ports->list.items[0]->line, 4);
    assert_int_equal(ports->list.items[0]->column, 9);
    assert_int_equal(ports->list.items[1]->list.items[1]->column, 14);
    assert_string_equal(ports->file, "t.yaml");
    assert_int_equal(root->map.items[0].line, 1);
}

static void test_merge_keys(void **state)
{
    struct yaml *root = parse("a: &a {x: 1, y: 1}\nb: &b {y: 2, z: 2}\n"
                              "c: {<<: *a, y: 3}\nd: {<<: [*a, *b]}\ne: {y: 4, <<: *b}\nf: {'<<': 5}\n");
    assert_true(yaml_equal(yaml_get(root, "c"), parse("{x: 1, y: 3}")));
    assert_true(yaml_equal(yaml_get(root, "d"), parse("{x: 1, y: 1, z: 2}")));
    assert_true(yaml_equal(yaml_get(root, "e"), parse("{y: 4, z: 2}")));
    assert_int_equal(yaml_get(yaml_get(root, "f"), "<<")->integer, 5);
}

/* An alias is a copy: changing it leaves the anchor alone. */
static void test_aliases_are_copies(void **state)
{
    struct yaml *root = parse("a: &a {x: 1}\nb: *a\n");
    yaml_remove(yaml_get(root, "b"), "x");
    assert_non_null(yaml_get(yaml_get(root, "a"), "x"));
}

static void test_marks(void **state)
{
    struct yaml *root = parse("a: !reset null\nb: !override [1]\nc: !reset\n");
    assert_int_equal(yaml_get(root, "a")->mark, YAML_RESET);
    assert_int_equal(yaml_get(root, "b")->mark, YAML_OVERRIDE);
    assert_int_equal(yaml_get(root, "b")->kind, YAML_LIST);
    assert_int_equal(yaml_get(root, "c")->mark, YAML_RESET);
}

static void test_documents(void **state)
{
    struct yaml_documents docs;
    assert_int_equal(yaml_parse(&arena, "", 0, "t.yaml", &docs, &err), 0);
    assert_int_equal(docs.count, 0);
    const char *text = "a: 1\n---\nb: 2\n";
    assert_int_equal(yaml_parse(&arena, text, strlen(text), "t.yaml", &docs, &err), 0);
    assert_int_equal(docs.count, 2);
}

static void test_refused(void **state)
{
    assert_refused("a: 1\nb: 2\na: 3\n", "t.yaml:3:1: the key a stands already in line 1");
    assert_refused("a: {1: x}\n", "t.yaml:1:5: the key is a number, expected text");
    assert_refused("a: {[b]: x}\n", "the key is a list");
    assert_refused("a: *b\n", "t.yaml:1:4: alias *b: no anchor");
    assert_refused("a: &a [*a]\n", "alias *a: no anchor");
    assert_refused("a: {<<: 5}\n", "<< is a number, expected a mapping");
    assert_refused("a: &x {b: 1}\nc: {<<: *x, <<: *x}\n", "a second <<");
    assert_refused("a: !!int x\n", "tagged as a number, but it is a text");
    assert_refused("a: !vault x\n", "unknown tag !vault");
    assert_refused("a: [1\n", "t.yaml:2:1");
    assert_refused("a:\n\t- b\n", "t.yaml:2:1: found character that cannot start any token");
    assert_refused("a: \xff\n", "t.yaml: ");
    assert_refused("a: \"x\\0y\"\n", "NUL");
    assert_refused("---\na: &x 1\n---\nb: *x\n", "no anchor &x");
}

static void test_budgets(void **state)
{
    char deep[2 * (YAML_DEPTH_MAX + 2)];
    memset(deep, '[', sizeof(deep));
    deep[sizeof(deep) - 1] = 0;
    assert_refused(deep, "nested deeper than 128 levels");
    assert_refused("a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\n"
                   "d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\n"
                   "f: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e]\ng: &g [*f,*f,*f,*f,*f,*f,*f,*f,*f]\n",
                   "more than 200000 values");
    struct yaml_documents docs;
    assert_true(yaml_parse(&arena, "a: 1", YAML_BYTES_MAX + 1, "t.yaml", &docs, &err) < 0);
    assert_int_equal(err.kind, ERR_LIMIT);
}

/* What is printed reads back as the same tree. */
static void test_print(void **state)
{
    static const char *const texts[] = {
        "a: 1\nb: [x, {c: d, e: [1, 2]}, [], {}]\nf: {}\ng:\n",
        "a: ['yes', 'no', '1', '1.5', '~', '', ' x', 'x ', 'a: b', 'a #b', '-', '- x', '*a', '22:22', '<<', 'true']",
        "a: \"line\\nline two\\n\"\nb: \"x\\n\\n\"\nc: \"\\n\"\nd: \"no end\\nhere\"\ne: \" lead\\nx\"\nf: \"t "
        "\\nx\"\n",
        "a: \"\\t\\x01\\e\\x7f\\u0085\\u2028\\ufeff é ü 漢 😀 \\\"q\\\" \\\\\"\n",
        "'a b': 1\n'': 2\n'x: y': 3\n? \"m\\nn\"\n: 4\n",
        "a: [1.0, 0.1, 1e300, -2.5e-9, .inf, 100000000000000000000.0]\n",
        "- [[1, [2]], {a: [b]}]\n- x\n",
        "x",
        "[]",
        "{}",
        "a: 'x:'\nb: http://x/y#z\nc: 'a,b'\nd: {x: 'k: |'}\n",
        "x: \"a\\nb:\\n  c\\n\"\nl: [\"p\\nq\\n\"]\n",
        "\"... x\"",
        "\"--- x\"",
    };
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        struct buf out cleanup(buf_done) = BUF(LONG_TEXT);
        struct yaml *tree = parse(texts[i]);
        yaml_print(&out, tree);
        struct yaml *again = parse(buf_str(&out));
        if (!yaml_equal(tree, again))
            fail_msg("%s\nwas printed as\n%s", texts[i], buf_str(&out));
    }
}

/* Keys beyond what stands before a colon by itself (1,024 characters). */
static void test_print_long_keys(void **state)
{
    struct buf text cleanup(buf_done) = BUF(LONG_TEXT), out cleanup(buf_done) = BUF(LONG_TEXT);
    buf_adds(&text, "- ? ");
    for (int i = 0; i < 3000; i++)
        buf_addc(&text, i % 100 ? 'k' : '.');
    buf_adds(&text, "\n  : {a: 1}\n  b: 2\n");
    struct yaml *tree = parse(buf_str(&text));
    yaml_print(&out, tree);
    assert_true(yaml_equal(tree, parse(buf_str(&out))));
}

static void test_print_form(void **state)
{
    struct buf out cleanup(buf_done) = BUF(LONG_TEXT);
    yaml_print(&out, parse("b: [x, {c: d, e: f}]\na: \"l1\\nl2\\n\"\ns: 'yes'\n"));
    assert_string_equal(buf_str(&out), "b:\n  - x\n  - c: d\n    e: f\na: |\n  l1\n  l2\ns: \"yes\"\n");
}

static void test_changing(void **state)
{
    struct yaml *map = parse("c: 1\na: 2\n");
    yaml_set(&arena, map, "b", yaml_new_bool(&arena, true, map));
    yaml_set(&arena, map, "c", yaml_new_string(&arena, "x", NULL));
    yaml_sort(map);
    assert_true(yaml_equal(map, parse("{a: 2, b: true, c: x}")));
    assert_string_equal(map->map.items[0].key, "a");
    assert_true(yaml_get_bool(map, "b"));
    assert_string_equal(yaml_get_string(map, "c"), "x");
    assert_null(yaml_get_string(map, "a"));
    assert_null(yaml_get(NULL, "a"));
}

TEST_MAIN(cmocka_unit_test_teardown(test_scalars, teardown), cmocka_unit_test_teardown(test_positions, teardown),
          cmocka_unit_test_teardown(test_merge_keys, teardown),
          cmocka_unit_test_teardown(test_aliases_are_copies, teardown), cmocka_unit_test_teardown(test_marks, teardown),
          cmocka_unit_test_teardown(test_documents, teardown), cmocka_unit_test_teardown(test_refused, teardown),
          cmocka_unit_test_teardown(test_budgets, teardown), cmocka_unit_test_teardown(test_print, teardown),
          cmocka_unit_test_teardown(test_print_long_keys, teardown),
          cmocka_unit_test_teardown(test_print_form, teardown), cmocka_unit_test_teardown(test_changing, teardown))
