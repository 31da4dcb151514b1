#include "bench/classes.h"

#include "base/str.h"
#include "codec/json.h"
#include "test.h"

static void find(const char *first, const char *second, const struct bench_class **ret)
{
    char *names[] = {(char *)first, (char *)second};
    struct strings list = {.items = names, .count = !first ? 0 : second ? 2 : 1};
    struct err err;
    assert_return_code(bench_classes_find(&list, ret, &err), 0);
}

static void test_names(void **state)
{
    const struct bench_class *found[BENCH_CLASSES_MAX + 1];
    find(NULL, NULL, found);
    assert_string_equal(found[0]->name, "default");
    assert_null(found[1]);
    find("logged", "lean", found);
    assert_string_equal(found[0]->name, "lean");
    assert_string_equal(found[1]->name, "logged");
    assert_null(found[2]);
    find("all", "lean", found);
    assert_non_null(found[3]);
    assert_null(found[4]);
}

static void test_unknown_name(void **state)
{
    const struct bench_class *found[BENCH_CLASSES_MAX + 1];
    char *names[] = {(char *)"thin"};
    struct strings list = {.items = names, .count = 1};
    struct err err;
    assert_int_equal(bench_classes_find(&list, found, &err), -1);
    assert_int_equal(err.kind, ERR_INVALID);
}

static void test_bodies(void **state)
{
    for (const struct bench_class *c = bench_classes; c->name; c++) {
        struct buf body cleanup(buf_done) = BUF(4096);
        struct err err;
        bench_class_body(c, "an/image", 3001, &body);
        json_value *value cleanup(json_freep) = json_parse(body.data, body.size, "the body", &err);
        const json_value *host = json_get(value, "HostConfig");
        assert_string_equal(json_get_text(value, "Image"), "an/image");
        assert_string_equal(json_as_text(json_at(json_get(value, "Cmd"), 1)), "3001");
        assert_string_equal(json_get_text(json_get(value, "Labels"), BENCH_LABEL), c->name);
        assert_string_equal(json_get_text(host, "NetworkMode"), "host");
        assert_true(str_same(json_get_text(host, "Runtime"), str_eq(c->name, "lean") ? "lean" : NULL));
        assert_int_equal(json_as_bool(json_get(host, "ReadonlyRootfs"), false), str_eq(c->name, "read-only"));
        assert_string_equal(json_get_text(json_get(host, "LogConfig"), "Type"),
                            str_eq(c->name, "logged") ? "json-file" : "none");
    }
}

TEST_MAIN(cmocka_unit_test(test_names), cmocka_unit_test(test_unknown_name), cmocka_unit_test(test_bodies))
