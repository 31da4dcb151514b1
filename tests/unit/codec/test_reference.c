#include "codec/reference.h"

#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define HEX    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define DIGEST "sha256:" HEX

/* What is written, what it means in full, and how Docker shows it. */
static const struct {
    const char *text, *full, *familiar;
} valid[] = {
    {"nginx", "docker.io/library/nginx", "nginx"},
    {"nginx:1.25", "docker.io/library/nginx:1.25", "nginx:1.25"},
    {"team/app", "docker.io/team/app", "team/app"},
    {"library/nginx", "docker.io/library/nginx", "nginx"},
    {"docker.io/nginx", "docker.io/library/nginx", "nginx"},
    {"docker.io/a.b/c", "docker.io/a.b/c", "docker.io/a.b/c"},
    {"docker.io/localhost/c", "docker.io/localhost/c", "docker.io/localhost/c"},
    {"docker.io/library/a/b", "docker.io/library/a/b", "library/a/b"},
    {"index.docker.io/nginx", "docker.io/library/nginx", "nginx"},
    {"index.docker.io/library/nginx:x", "docker.io/library/nginx:x", "nginx:x"},
    {"localhost/app", "localhost/app", "localhost/app"},
    {"localhost:5000/app:1", "localhost:5000/app:1", "localhost:5000/app:1"},
    {"localhost:5000", "docker.io/library/localhost:5000", "localhost:5000"},
    {"registry.example/a/b/c@" DIGEST, "registry.example/a/b/c@" DIGEST, "registry.example/a/b/c@" DIGEST},
    {"nginx:1@" DIGEST, "docker.io/library/nginx:1@" DIGEST, "nginx:1@" DIGEST},
    {"127.0.0.1:5000/x", "127.0.0.1:5000/x", "127.0.0.1:5000/x"},
    {"[::1]:5000/x:t", "[::1]:5000/x:t", "[::1]:5000/x:t"},
    {"[fd00:1:2::3]/x", "[fd00:1:2::3]/x", "[fd00:1:2::3]/x"},
    {"Upper/app", "Upper/app", "Upper/app"},
    {"EXAMPLE.com/app", "EXAMPLE.com/app", "EXAMPLE.com/app"},
    {"a__b/c--d/e.f", "docker.io/a__b/c--d/e.f", "a__b/c--d/e.f"},
    {"x:_tag.With-all_9", "docker.io/library/x:_tag.With-all_9", "x:_tag.With-all_9"},
    {"xn--n3h.com/app", "xn--n3h.com/app", "xn--n3h.com/app"},
    {"e3b0c44298fc", "docker.io/library/e3b0c44298fc", "e3b0c44298fc"},
};

static const char *const invalid[] = {
    "",
    ":tag",
    "Nginx",
    "app/Nginx",
    "nginx:",
    "nginx:-x",
    "nginx:a b",
    "nginx@",
    "nginx@sha256:123",
    "nginx@sha256:E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855",
    "@" DIGEST,
    HEX,
    "/nginx",
    "nginx/",
    "a//b",
    "a/../b",
    "a/.b",
    "a/b_",
    "a___b",
    "a..b",
    "-a",
    "-a.example/x",
    "a-.example/x",
    "a..example/x",
    "[::1/x",
    "[]:5/x",
    "host:port/x",
    "host:/x",
    "http://host/x",
    "user@host/x",
    "ngin\xc3\xa9x",
    "nginx\n",
    "a b",
};

static void test_valid_references(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(valid); i++) {
        struct err err;
        struct reference reference, again;
        char text[REFERENCE_MAX];
        if (reference_parse(valid[i].text, &reference, &err) < 0)
            fail_msg("%s: %s", valid[i].text, err.message);
        reference_format(&reference, text);
        assert_string_equal(text, valid[i].full);
        assert_int_equal(reference_parse(text, &again, &err), 0);
        assert_memory_equal(&reference, &again, sizeof(again));
        reference_familiar(&reference, text);
        assert_string_equal(text, valid[i].familiar);
    }
}

static void test_invalid_references(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(invalid); i++) {
        struct err err;
        struct reference reference;
        if (reference_parse(invalid[i], &reference, &err) >= 0)
            fail_msg("\"%s\" was taken for a reference", invalid[i]);
        assert_int_equal(err.kind, ERR_INVALID);
    }
}

static void test_limits(void **state)
{
    struct err err;
    struct reference reference;
    char text[REFERENCE_MAX + 10];
    memset(text, 'a', sizeof(text));
    text[REFERENCE_PATH_MAX - 8] = '\0'; /* "library/" comes in front */
    assert_int_equal(reference_parse(text, &reference, &err), 0);
    memcpy(text + REFERENCE_PATH_MAX - 8, "a", 2);
    assert_int_equal(reference_parse(text, &reference, &err), -1);
    memset(text, 'a', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    assert_int_equal(reference_parse(text, &reference, &err), -1);
    memcpy(text, "x:", 2);
    text[2 + REFERENCE_TAG_MAX] = '\0';
    assert_int_equal(reference_parse(text, &reference, &err), 0);
    memcpy(text + 2 + REFERENCE_TAG_MAX, "a", 2);
    assert_int_equal(reference_parse(text, &reference, &err), -1);
}

static void test_default_tag(void **state)
{
    struct err err;
    struct reference reference;
    assert_int_equal(reference_parse("nginx", &reference, &err), 0);
    reference_default_tag(&reference);
    assert_string_equal(reference.tag, "latest");
    assert_int_equal(reference_parse("nginx@" DIGEST, &reference, &err), 0);
    reference_default_tag(&reference);
    assert_string_equal(reference.tag, "");
    assert_int_equal(reference_parse("nginx:1", &reference, &err), 0);
    reference_default_tag(&reference);
    assert_string_equal(reference.tag, "1");
}

static void test_registry_host(void **state)
{
    struct err err;
    struct reference reference;
    assert_int_equal(reference_parse("nginx", &reference, &err), 0);
    assert_string_equal(reference_registry_host(&reference), "registry-1.docker.io");
    assert_int_equal(reference_parse("localhost:5000/x", &reference, &err), 0);
    assert_string_equal(reference_registry_host(&reference), "localhost:5000");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_valid_references), cmocka_unit_test(test_invalid_references),
        cmocka_unit_test(test_limits),           cmocka_unit_test(test_default_tag),
        cmocka_unit_test(test_registry_host),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
