#include "image/config.h"

#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define DIFF "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static int read_config(const char *text, struct arena *arena, struct image_config *config, struct err *err)
{
    return image_config_read(text, strlen(text), arena, config, "config", err);
}

static void test_all_that_a_container_takes_over(void **state)
{
    static const char text[] =
        "{\"architecture\":\"arm64\",\"variant\":\"v8\",\"os\":\"linux\",\"created\":\"2024-05-06T07:08:09.5Z\","
        "\"something.new\":{\"a\":1},"
        "\"config\":{\"User\":\"1000\",\"ExposedPorts\":{\"80/tcp\":{},\"53/udp\":{}},\"Env\":[\"A=b\"],"
        "\"Entrypoint\":[\"/init\"],\"Cmd\":[\"run\",\"x\"],\"Volumes\":{\"/data\":{}},\"WorkingDir\":\"/srv\","
        "\"Labels\":{\"k\":\"v\"},\"StopSignal\":\"SIGQUIT\",\"Shell\":[\"/bin/bash\"],\"OnBuild\":null,"
        "\"Healthcheck\":{\"Test\":[\"CMD\",\"true\"],\"Interval\":5000000000,\"Retries\":3},\"Unknown\":1},"
        "\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"" DIFF "\"]},"
        "\"history\":[{\"created_by\":\"ADD x\"},{\"empty_layer\":true}]}";
    struct arena arena cleanup(arena_done) = {0};
    struct image_config config;
    struct err err;
    if (read_config(text, &arena, &config, &err) < 0)
        fail_msg("%s", err.message);
    assert_string_equal(config.run.user, "1000");
    assert_int_equal(config.run.exposed_ports.count, 2);
    assert_string_equal(config.run.entrypoint.items[0], "/init");
    assert_int_equal(config.run.cmd.count, 2);
    assert_string_equal(config.run.volumes.items[0], "/data");
    assert_string_equal(config.run.working_dir, "/srv");
    assert_string_equal(pairs_get(&config.run.labels, "k"), "v");
    assert_string_equal(config.run.stop_signal, "SIGQUIT");
    assert_string_equal(config.run.shell.items[0], "/bin/bash");
    assert_null(config.run.on_build.items);
    assert_int_equal(config.run.health_check->retries, 3);
    assert_int_equal(config.run.health_check->interval_ns, 5000000000);
    assert_int_equal(config.history.count, 2);
    assert_true(config.history.items[1].empty_layer);
    assert_int_equal(image_config_created_ns(&config), 1714979289500000000);
    struct platform platform;
    image_config_platform(&config, &platform);
    assert_string_equal(platform.architecture, "arm64");
    assert_string_equal(platform.variant, "");
}

static void test_what_is_refused(void **state)
{
    static const char *const wrong[] = {
        "",
        "[]",
        "{}",
        "{\"rootfs\":{\"type\":\"tree\"}}",
        "{\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"sha256:../../x\"]}}",
        "{\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[null]}}",
        "{\"rootfs\":{\"type\":\"layers\",\"diff_ids\":\"x\"}}",
        "{\"rootfs\":{\"type\":\"layers\"},\"config\":{\"Env\":{}}}",
    };
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        struct arena arena cleanup(arena_done) = {0};
        struct image_config config;
        struct err err;
        if (read_config(wrong[i], &arena, &config, &err) >= 0)
            fail_msg("%s was taken for an image configuration", wrong[i]);
        assert_int_equal(err.kind, ERR_INVALID);
    }
}

/* The example of the OCI image specification: ChainID(L0|L1) = Digest(ChainID(L0) + " " + DiffID(L1)). */
static void test_chain_ids(void **state)
{
    char chain[DIGEST_SIZE], second[DIGEST_SIZE], expected[DIGEST_SHA256_SIZE];
    image_chain_id("", DIFF, chain);
    assert_string_equal(chain, DIFF);
    image_chain_id(chain, DIFF, second);
    digest_of(DIFF " " DIFF, 2 * strlen(DIFF) + 1, expected);
    assert_string_equal(second, expected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_that_a_container_takes_over),
        cmocka_unit_test(test_what_is_refused),
        cmocka_unit_test(test_chain_ids),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
