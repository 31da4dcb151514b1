#include "codec/platform.h"

#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct platform parse(const char *text)
{
    struct err err;
    struct platform platform;
    if (platform_parse(text, &platform, &err) < 0)
        fail_msg("%s: %s", text, err.message);
    return platform;
}

static void test_canonical_words(void **state)
{
    static const struct {
        const char *text, *canonical;
    } cases[] = {
        {"linux/amd64", "linux/amd64"},       {"amd64", "linux/amd64"},
        {"Linux/X86_64", "linux/amd64"},      {"linux/amd64/v1", "linux/amd64"},
        {"linux/amd64/v3", "linux/amd64/v3"}, {"aarch64", "linux/arm64"},
        {"linux/arm64/v8", "linux/arm64"},    {"linux/arm", "linux/arm/v7"},
        {"linux/arm/6", "linux/arm/v6"},      {"armhf", "linux/arm/v7"},
        {"linux/armel", "linux/arm/v6"},      {"windows/amd64", "windows/amd64"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char text[PLATFORM_MAX];
        struct platform platform = parse(cases[i].text);
        platform_format(&platform, text);
        assert_string_equal(text, cases[i].canonical);
    }
}

static void test_what_is_no_platform(void **state)
{
    static const char *const wrong[] = {"",
                                        "/",
                                        "linux/",
                                        "/amd64",
                                        "a/b/c/d",
                                        "linux/amd 64",
                                        "linux/../etc",
                                        "linux/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        struct err err;
        struct platform platform;
        assert_int_equal(platform_parse(wrong[i], &platform, &err), -1);
        assert_int_equal(err.kind, ERR_INVALID);
    }
}

/* Each line: the wish, and candidates from best to worst; then those that do not run at all. */
static void test_ranking(void **state)
{
    static const struct {
        const char *wanted, *better, *worse;
    } order[] = {
        {"linux/arm/v7", "linux/arm/v7", "linux/arm/v6"},    {"linux/arm/v7", "linux/arm/v6", "linux/arm/v5"},
        {"linux/arm64", "linux/arm64", "linux/arm/v7"},      {"linux/arm64", "linux/arm/v7", "linux/arm/v6"},
        {"linux/amd64/v3", "linux/amd64/v3", "linux/amd64"}, {"linux/amd64", "linux/amd64", "linux/386"},
    };
    static const char *const never[][2] = {
        {"linux/arm/v6", "linux/arm/v7"}, {"linux/arm/v7", "linux/arm64"}, {"linux/amd64", "linux/amd64/v2"},
        {"linux/386", "linux/amd64"},     {"linux/amd64", "linux/arm64"},  {"linux/amd64", "windows/amd64"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(order); i++) {
        struct platform wanted = parse(order[i].wanted), better = parse(order[i].better), worse = parse(order[i].worse);
        assert_true(platform_rank(&wanted, &better) >= 0);
        assert_true(platform_rank(&wanted, &better) < platform_rank(&wanted, &worse));
    }
    for (size_t i = 0; i < ARRAY_SIZE(never); i++) {
        struct platform wanted = parse(never[i][0]), candidate = parse(never[i][1]);
        assert_int_equal(platform_rank(&wanted, &candidate), -1);
    }
}

static void test_the_host_runs_itself(void **state)
{
    struct platform host;
    platform_host(&host);
    assert_string_equal(host.os, "linux");
    assert_int_equal(platform_rank(&host, &host), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_canonical_words),
        cmocka_unit_test(test_what_is_no_platform),
        cmocka_unit_test(test_ranking),
        cmocka_unit_test(test_the_host_runs_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
