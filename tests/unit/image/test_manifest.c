#include "image/manifest.h"

#include "base/cleanup.h"
#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#define D      "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define CONFIG "{\"mediaType\":\"application/vnd.oci.image.config.v1+json\",\"digest\":\"" D "\",\"size\":10}"
#define IMAGE  "application/vnd.oci.image.manifest.v1+json"
#define LIST   "application/vnd.oci.image.index.v1+json"
#define MEMBER(os, architecture, variant, size)                                                                        \
    "{\"mediaType\":\"" IMAGE "\",\"digest\":\"" D "\",\"size\":" size ",\"platform\":{\"os\":\"" os                   \
    "\",\"architecture\":\"" architecture "\"" variant "}}"

static int read_manifest(const char *text, const char *type, struct arena *arena, struct manifest *ret, struct err *err)
{
    return manifest_read(text, strlen(text), type, arena, ret, "x", err);
}

static void test_an_image(void **state)
{
    static const char *const types[] = {"application/vnd.oci.image.layer.v1.tar+gzip",
                                        "application/vnd.oci.image.layer.v1.tar+zstd",
                                        "application/vnd.docker.image.rootfs.diff.tar.gzip"};
    for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
        struct arena arena cleanup(arena_done) = {0};
        struct manifest m;
        struct err err;
        char text[1000];
        (void)snprintf(text, sizeof(text),
                       "{\"schemaVersion\":2,\"config\":" CONFIG ",\"layers\":[{\"mediaType\":\"%s\",\"digest\":\"" D
                       "\",\"size\":7}],\"annotations\":{\"a\":\"b\"}}",
                       types[i]);
        if (read_manifest(text, IMAGE "; charset=utf-8", &arena, &m, &err) < 0)
            fail_msg("%s", err.message);
        assert_false(m.is_list);
        assert_int_equal(m.layers.count, 1);
        assert_int_equal(m.layers.items[0].size, 7);
        assert_string_equal(m.config.digest, D);
    }
}

static void test_what_is_refused(void **state)
{
    static const struct {
        const char *text, *type;
        enum err_kind kind;
    } cases[] = {
        {"", NULL, ERR_INVALID},
        {"[]", NULL, ERR_INVALID},
        {"{\"schemaVersion\":1,\"fsLayers\":[]}", NULL, ERR_UNSUPPORTED},
        {"{}", "application/vnd.docker.distribution.manifest.v1+prettyjws", ERR_UNSUPPORTED},
        {"{\"schemaVersion\":2,\"config\":" CONFIG ",\"layers\":[],\"manifests\":[]}", NULL, ERR_INVALID},
        {"{\"schemaVersion\":2,\"config\":" CONFIG ",\"layers\":[]}", LIST, ERR_INVALID},
        {"{\"schemaVersion\":2,\"mediaType\":\"" IMAGE "\",\"manifests\":[]}", NULL, ERR_INVALID},
        {"{\"schemaVersion\":2,\"config\":{\"digest\":\"md5:00\",\"size\":1},\"layers\":[]}", NULL, ERR_INVALID},
        {"{\"schemaVersion\":2,\"config\":{\"digest\":\"" D "\",\"size\":-1},\"layers\":[]}", NULL, ERR_INVALID},
        {"{\"schemaVersion\":2,\"config\":{\"digest\":\"" D "\",\"size\":99999999},\"layers\":[]}", NULL, ERR_LIMIT},
        {"{\"schemaVersion\":2,\"config\":{\"digest\":\"" D "\",\"size\":1,\"mediaType\":\"a/b\"},\"layers\":[]}", NULL,
         ERR_UNSUPPORTED},
        {"{\"schemaVersion\":2,\"config\":" CONFIG ",\"layers\":[{\"digest\":\"" D
         "\",\"size\":1,\"mediaType\":\"a/b\"}]}",
         NULL, ERR_UNSUPPORTED},
        {"{\"schemaVersion\":2,\"manifests\":[{\"size\":1}]}", NULL, ERR_INVALID},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct arena arena cleanup(arena_done) = {0};
        struct manifest m;
        struct err err;
        if (read_manifest(cases[i].text, cases[i].type, &arena, &m, &err) >= 0)
            fail_msg("%s was taken", cases[i].text);
        if (err.kind != cases[i].kind)
            fail_msg("%s: another kind of error: %s", cases[i].text, err.message);
    }
}

static void test_choosing(void **state)
{
    static const char text[] =
        "{\"schemaVersion\":2,\"mediaType\":\"" LIST "\",\"manifests\":["
        "{\"digest\":\"" D "\",\"size\":0,\"annotations\":{\"vnd.docker.reference.type\":\"attestation-manifest\"},"
        "\"platform\":{\"os\":\"linux\",\"architecture\":\"amd64\"}}," MEMBER(
            "linux", "arm", ",\"variant\":\"v6\"",
            "6") "," MEMBER("linux", "arm", ",\"variant\":\"v7\"",
                            "7") "," MEMBER("windows", "amd64", "", "1") "," MEMBER("linux", "amd64", "", "64") "]}";
    static const struct {
        const char *platform;
        int64_t size;
    } cases[] = {{"linux/amd64", 64}, {"linux/arm/v7", 7},  {"linux/arm/v6", 6},
                 {"linux/arm64", 7},  {"linux/arm/v5", -1}, {"linux/s390x", -1}};
    struct arena arena cleanup(arena_done) = {0};
    struct manifest m;
    struct err err;
    assert_int_equal(read_manifest(text, LIST, &arena, &m, &err), 0);
    assert_true(m.is_list);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct platform platform;
        assert_int_equal(platform_parse(cases[i].platform, &platform, &err), 0);
        const struct descriptor *chosen = manifest_choose(&m, &platform, &err);
        assert_int_equal(chosen ? chosen->size : -1, cases[i].size);
        if (!chosen)
            assert_non_null(strstr(err.message, "there are: linux/arm/v6, linux/arm/v7, windows/amd64, linux/amd64"));
    }
}

static void test_a_list_of_one_without_platform(void **state)
{
    static const char text[] = "{\"schemaVersion\":2,\"manifests\":[{\"digest\":\"" D "\",\"size\":5}]}";
    struct arena arena cleanup(arena_done) = {0};
    struct manifest m;
    struct platform host;
    struct err err;
    platform_host(&host);
    assert_int_equal(read_manifest(text, NULL, &arena, &m, &err), 0);
    assert_non_null(manifest_choose(&m, &host, &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_image),
        cmocka_unit_test(test_what_is_refused),
        cmocka_unit_test(test_choosing),
        cmocka_unit_test(test_a_list_of_one_without_platform),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
