#include "image/challenge.h"

#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static bool read_value(const char *text, struct challenge *ret)
{
    *ret = (struct challenge){0};
    return challenge_read(text, strlen(text), ret);
}

static void test_docker_hub(void **state)
{
    struct challenge c;
    assert_true(read_value("Bearer realm=\"https://auth.docker.io/token\",service=\"registry.docker.io\","
                           "scope=\"repository:library/nginx:pull\"",
                           &c));
    assert_true(c.bearer);
    assert_false(c.basic);
    assert_string_equal(c.realm, "https://auth.docker.io/token");
    assert_string_equal(c.service, "registry.docker.io");
    assert_string_equal(c.scope, "repository:library/nginx:pull");
}

static void test_forms(void **state)
{
    struct challenge c;
    assert_true(read_value("Basic realm=\"a \\\"quoted\\\" realm, with a comma\"", &c));
    assert_true(c.basic);
    assert_string_equal(c.realm, "");
    assert_true(read_value("bearer REALM = https://a.example/t , service = x", &c));
    assert_true(c.bearer);
    assert_string_equal(c.realm, "https://a.example/t");
    assert_string_equal(c.service, "x");
    assert_true(read_value("Negotiate, Basic realm=x, Bearer realm=\"r\",error=\"invalid_token\"", &c));
    assert_true(c.basic && c.bearer);
    assert_string_equal(c.realm, "r");
    assert_true(read_value("", &c));
    assert_false(c.basic || c.bearer);
}

static void test_the_last_bearer_counts(void **state)
{
    struct challenge c;
    assert_true(read_value("Bearer realm=a,scope=s, Bearer realm=b", &c));
    assert_string_equal(c.realm, "b");
    assert_string_equal(c.scope, "");
}

static void test_what_cannot_be_read(void **state)
{
    static const char *const wrong[] = {
        "realm=\"before the scheme\"",  "Bearer realm=\"not closed", "Bearer realm=", "Bearer realm=,x", "\"quoted\"",
        "Bearer realm=\"line\nbreak\"",
    };
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        struct challenge c;
        if (read_value(wrong[i], &c))
            fail_msg("%s was read", wrong[i]);
    }
    char huge[CHALLENGE_VALUE_MAX + 100];
    struct challenge c = {0};
    memset(huge, 'a', sizeof(huge));
    memcpy(huge, "Bearer realm=\"", 14);
    assert_false(challenge_read(huge, sizeof(huge), &c));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_docker_hub),
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_the_last_bearer_counts),
        cmocka_unit_test(test_what_cannot_be_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
