#include "bench/report.h"

#include "codec/json.h"
#include "test.h"

static const struct bench_engine engine = {.name = "Shoal 0"};

static json_value *json_of(const struct result *results, size_t count)
{
    const struct bench_options options = {.n = 10, .clients = 4, .image = "i", .idle = 5};
    const struct report report = {"density", &options, results, count};
    struct buf text cleanup(buf_done) = BUF(1 << 20);
    struct err err;
    report_json(&report, &text);
    json_value *value = json_parse(buf_str(&text), text.size, "the report", &err);
    assert_non_null(value);
    return value;
}

static double number(const json_value *object, const char *key)
{
    assert_non_null(json_get(object, key));
    return json_as_double(json_get(object, key), -1);
}

static void test_what_follows_from_the_floor(void **state)
{
    const struct result results[] = {
        {.count = 10, .dense = true, .starts_per_second = 1000, .memory.used = 70},
        {.engine = &engine,
         .class = &bench_classes[0],
         .count = 10,
         .dense = true,
         .starts_per_second = 250,
         .memory = {.used = 100, .slab = 40},
         .before.sum.pss_kib = 1000,
         .after = {.processes = 4, .sum = {.threads = 4, .pss_kib = 1040}}},
    };
    json_value *value cleanup(json_freep) = json_of(results, 2);
    const json_value *floor = json_at(json_get(value, "results"), 0), *lean = json_at(json_get(value, "results"), 1);
    assert_string_equal(json_get_text(value, "scenario"), "density");
    assert_string_equal(json_get_text(floor, "engine"), "plain processes");
    assert_null(json_get_text(floor, "class"));
    assert_null(json_get(floor, "over_plain_kib_each"));
    assert_string_equal(json_get_text(lean, "class"), "lean");
    assert_true(number(lean, "starts_ratio") == 0.25);
    assert_true(number(lean, "over_plain_kib_each") == 30);
    assert_true(number(lean, "engine_pss_kib_each") == 4);
    assert_true(number(json_get(lean, "memory_kib_each"), "slab") == 40);
    assert_int_equal(json_as_int(json_get(json_get(lean, "engine_after"), "threads"), 0), 4);
}

static void test_times_alone(void **state)
{
    const struct result results[] = {{.count = 10, .starts_per_second = 1000},
                                     {.engine = &engine, .class = &bench_classes[2], .starts_per_second = 100}};
    json_value *value cleanup(json_freep) = json_of(results, 2);
    const json_value *result = json_at(json_get(value, "results"), 1);
    assert_null(json_get(result, "memory_kib_each"));
    assert_non_null(json_get(json_get(result, "create"), "median_ms"));
}

TEST_MAIN(cmocka_unit_test(test_what_follows_from_the_floor), cmocka_unit_test(test_times_alone))
