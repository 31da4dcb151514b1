#include "codec/fields.h"

#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

struct binding {
    char *ip;
    int port;
};

struct port {
    char *key;
    VEC(struct binding) bindings;
};

struct thing {
    char *name;
    bool on;
    int64_t size;
    double share;
    struct opt_bool maybe;
    struct opt_i64 limit;
    int mode;
    struct strings command, entry, exposed;
    struct pairs labels;
    struct binding first;
    struct binding *second;
    VEC(struct port) ports;
};

static const struct field binding_fields[] = {
    FIELD(struct binding, ip, "Ip", STRING),
    FIELD(struct binding, port, "Port", INT, .flags = FIELD_REQUIRED),
    {0},
};
static const struct fields binding_table = {"binding", sizeof(struct binding), binding_fields};

static const struct field port_fields[] = {FIELD(struct port, bindings, "", LIST, .of = &binding_table), {0}};
static const struct fields port_table = {"port", sizeof(struct port), port_fields, .bare = true};

static const char *const modes[] = {"none", "some", NULL};

static const struct field thing_fields[] = {
    FIELD(struct thing, name, "Name", STRING, .flags = FIELD_ALWAYS),
    FIELD(struct thing, on, "On", BOOL),
    FIELD(struct thing, size, "Size", I64),
    FIELD(struct thing, share, "Share", DOUBLE),
    FIELD(struct thing, maybe, "Maybe", OPT_BOOL),
    FIELD(struct thing, limit, "Limit", OPT_I64),
    FIELD(struct thing, mode, "Mode", ENUM, .names = modes),
    FIELD(struct thing, command, "Command", STRINGS),
    FIELD(struct thing, entry, "Entry", VARIANT),
    FIELD(struct thing, exposed, "Exposed", SET),
    FIELD(struct thing, labels, "Labels", PAIRS),
    FIELD(struct thing, first, "First", OBJECT, .of = &binding_table),
    FIELD(struct thing, second, "Second", POINTER, .of = &binding_table),
    FIELD(struct thing, ports, "Ports", MAP, .of = &port_table),
    {0},
};
static const struct fields thing_table = {"thing", sizeof(struct thing), thing_fields};

static int read_thing(const char *text, struct arena *arena, struct thing *thing, struct err *err)
{
    json_value *value cleanup(json_freep) = json_parse(text, strlen(text), "input", err);
    assert_non_null(value);
    return fields_read(&thing_table, value, arena, thing, "", fields_refuse, NULL, err);
}

static void test_round_trip(void **state)
{
    static const char *const texts[] = {
        "{\"Name\":\"\"}",
        "{\"Name\":\"x\",\"On\":true,\"Size\":-5,\"Share\":1.5,\"Maybe\":false,\"Limit\":0,\"Mode\":\"some\","
        "\"Command\":[],"
        "\"Entry\":[\"a\",\"b\"],\"Exposed\":{\"80/tcp\":{}},\"Labels\":{\"a\":\"1\",\"b\":null},"
        "\"First\":{\"Ip\":\"::\",\"Port\":1},\"Second\":{\"Port\":2},\"Ports\":{\"80/"
        "tcp\":[{\"Port\":8080},{\"Port\":8081}],"
        "\"90/udp\":[]}}",
    };
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        struct arena arena cleanup(arena_done) = {0};
        struct err err;
        struct thing thing;
        assert_int_equal(read_thing(texts[i], &arena, &thing, &err), 0);
        assert_string_equal(fields_to_text(&thing_table, &thing, &arena), texts[i]);
    }
}

static void test_null_and_empty_lists_differ(void **state)
{
    struct arena arena cleanup(arena_done) = {0};
    struct err err;
    struct thing thing;
    assert_int_equal(read_thing("{\"Command\":null}", &arena, &thing, &err), 0);
    assert_null(thing.command.items);
    assert_int_equal(read_thing("{\"Command\":[]}", &arena, &thing, &err), 0);
    assert_non_null(thing.command.items);
    assert_int_equal(thing.command.count, 0);
}

static void test_leniency_of_go(void **state)
{
    struct arena arena cleanup(arena_done) = {0};
    struct err err;
    struct thing thing;
    assert_int_equal(read_thing("{\"nAmE\":\"x\",\"Size\":2.0,\"Entry\":\"one\"}", &arena, &thing, &err), 0);
    assert_string_equal(thing.name, "x");
    assert_int_equal(thing.size, 2);
    assert_string_equal(thing.entry.items[0], "one");
}

/* Keys that differ in case alone are one field: the last one counts, and nothing is left of the others. */
static void test_fields_that_come_twice(void **state)
{
    struct arena arena cleanup(arena_done) = {0};
    struct err err;
    struct thing thing;
    static const char text[] = "{\"Command\":[\"a\",\"b\",\"c\"],\"command\":[\"d\"],"
                               "\"Entry\":[\"a\",\"b\"],\"entry\":\"c\","
                               "\"Exposed\":{\"1/tcp\":{},\"2/tcp\":{}},\"exposed\":{\"3/tcp\":{}},"
                               "\"Labels\":{\"a\":\"1\"},\"labels\":{\"b\":\"2\"},"
                               "\"Ports\":{\"1/tcp\":[],\"2/tcp\":[]},\"ports\":{\"3/tcp\":[{\"Port\":1}]}}";
    assert_int_equal(read_thing(text, &arena, &thing, &err), 0);
    assert_string_equal(fields_to_text(&thing_table, &thing, &arena),
                        "{\"Name\":\"\",\"Command\":[\"d\"],\"Entry\":[\"c\"],\"Exposed\":{\"3/tcp\":{}},"
                        "\"Labels\":{\"b\":\"2\"},\"Ports\":{\"3/tcp\":[{\"Port\":1}]}}");
}

static void test_errors_name_the_path(void **state)
{
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"[]", "the document: expected an object, found a list"},
        {"{\"Name\":1}", "Name: expected a string, found a number"},
        {"{\"Command\":[\"a\",2]}", "Command[1]: expected a string, found a number"},
        {"{\"Ports\":{\"80/tcp\":[{\"Port\":\"x\"}]}}",
         "Ports.80/tcp[0].Port: expected a whole number, found a string"},
        {"{\"First\":{\"Port\":4294967296}}", "First.Port: 4294967296 is out of range"},
        {"{\"First\":{}}", "First.Port is missing"},
        {"{\"Mode\":\"all\"}", "Mode: expected one of none, some; found 'all'"},
        {"{\"Second\":{\"Port\":1,\"Prot\":2}}", "unknown field: Second.Prot"},
        {"{\"Size\":1.5}", "Size: expected a whole number, found a number"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct arena arena cleanup(arena_done) = {0};
        struct err err;
        struct thing thing;
        assert_int_equal(read_thing(cases[i].text, &arena, &thing, &err), -1);
        assert_string_equal(err.message, cases[i].message);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),           cmocka_unit_test(test_null_and_empty_lists_differ),
        cmocka_unit_test(test_leniency_of_go),       cmocka_unit_test(test_fields_that_come_twice),
        cmocka_unit_test(test_errors_name_the_path),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
