#include "codec/json.h"

#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void test_writer(void **state)
{
    struct buf b cleanup(buf_done) = BUF(1000);
    struct json_out out = {.buf = &b};
    json_put_object(&out);
    json_key_string(&out, "name", "a\"b\\\n\x01\xff\xc3\xa9");
    json_key(&out, "list");
    json_put_array(&out);
    json_put_int(&out, INT64_MIN);
    json_put_bool(&out, true);
    json_put_null(&out);
    json_put_double(&out, 0.1);
    json_put_array(&out);
    json_put_array_end(&out);
    json_put_array_end(&out);
    json_key(&out, "empty");
    json_put_object(&out);
    json_put_object_end(&out);
    json_key_time(&out, "at", 1000000001);
    json_put_object_end(&out);
    assert_string_equal(buf_str(&b), "{\"name\":\"a\\\"b\\\\\\n\\u0001\xef\xbf\xbd\xc3\xa9\","
                                     "\"list\":[-9223372036854775808,true,null,0.1,[]],\"empty\":{},"
                                     "\"at\":\"1970-01-01T00:00:01.000000001Z\"}");
}

static void test_pretty(void **state)
{
    struct buf b cleanup(buf_done) = BUF(1000);
    struct json_out out = {.buf = &b, .indent = 2};
    json_put_object(&out);
    json_key(&out, "a");
    json_put_array(&out);
    json_put_int(&out, 1);
    json_put_int(&out, 2);
    json_put_array_end(&out);
    json_key(&out, "b");
    json_put_object(&out);
    json_put_object_end(&out);
    json_put_object_end(&out);
    assert_string_equal(buf_str(&b), "{\n  \"a\": [\n    1,\n    2\n  ],\n  \"b\": {}\n}");
}

static json_value *parse(const char *text, struct err *err)
{
    return json_parse(text, strlen(text), "input", err);
}

static void test_reads_and_writes_the_same(void **state)
{
    static const char *const texts[] = {"{\"a\":[1,-2,3.5,\"x\",true,false,null,{}],\"b\":9007199254740993}", "[]",
                                        "\"\"", "3"};
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        struct err err;
        json_value *value cleanup(json_freep) = parse(texts[i], &err);
        assert_non_null(value);
        struct buf b cleanup(buf_done) = BUF(1000);
        json_value_write(value, &(struct json_out){.buf = &b});
        assert_string_equal(buf_str(&b), texts[i]);
    }
}

static void test_refuses(void **state)
{
    struct err err;
    assert_null(parse("{\"a\": 1,\n \"a\": 2}", &err));
    assert_non_null(strstr(err.message, "input: line 2"));
    assert_null(parse("\"\xff\"", &err));
    assert_null(parse("{\"a\":", &err));
    assert_null(parse("1 2", &err));
    assert_null(parse("123456789012345678901234567890", &err));
    char deep[2 * 600 + 1] = {0};
    memset(deep, '[', 600);
    memset(deep + 600, ']', 600);
    assert_null(parse(deep, &err));
    assert_int_equal(err.kind, ERR_LIMIT);
}

static void test_getters_take_anything(void **state)
{
    struct err err;
    json_value *value cleanup(json_freep) = parse("{\"n\": 2.0, \"s\": \"x\", \"l\": [1]}", &err);
    assert_int_equal(json_as_int(json_get(value, "n"), -1), 2);
    assert_int_equal(json_as_int(json_get(value, "s"), -1), -1);
    assert_null(json_as_text(json_get(value, "n")));
    assert_null(json_get(json_get(value, "s"), "deeper"));
    assert_null(json_at(value, 0));
    assert_int_equal(json_count(json_get(value, "l")), 1);
    assert_int_equal(json_count(NULL), 0);
    assert_true(json_as_bool(NULL, true));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_writer),
        cmocka_unit_test(test_pretty),
        cmocka_unit_test(test_reads_and_writes_the_same),
        cmocka_unit_test(test_refuses),
        cmocka_unit_test(test_getters_take_anything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
