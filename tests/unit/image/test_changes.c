#include "image/changes.h"

#include "base/cleanup.h"
#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* The configuration after the changes, as JSON. */
static const char *after(struct arena *arena, const char *const *changes)
{
    struct image_run_config run = {0};
    struct err err;
    for (; *changes; changes++)
        if (image_change(&run, *changes, arena, &err) < 0)
            fail_msg("%s", err.message);
    return fields_to_text(&image_run_config_table, &run, arena);
}

#define CHANGES(...) ((const char *const[]){__VA_ARGS__, NULL})

static void test_instructions(void **state)
{
    const struct {
        const char *const *changes;
        const char *json;
    } cases[] = {
        {CHANGES("CMD [\"a\", \"b c\"]"), "{\"Cmd\":[\"a\",\"b c\"]}"},
        {CHANGES("cmd a b"), "{\"Cmd\":[\"/bin/sh\",\"-c\",\"a b\"]}"},
        {CHANGES("CMD []"), "{\"Cmd\":[]}"},
        {CHANGES("ENTRYPOINT [\"/init\"]"), "{\"Entrypoint\":[\"/init\"]}"},
        {CHANGES("ENV A=1 B=\"2 3\" C='4 5' D=6\\ 7"), "{\"Env\":[\"A=1\",\"B=2 3\",\"C=4 5\",\"D=6 7\"]}"},
        {CHANGES("ENV A the whole rest", "ENV A=new"), "{\"Env\":[\"A=new\"]}"},
        {CHANGES("LABEL k=v k2=\"v 2\"", "LABEL k=w"), "{\"Labels\":{\"k\":\"w\",\"k2\":\"v 2\"}}"},
        {CHANGES("EXPOSE 80 53/udp", "EXPOSE 80/tcp 7000-7001"),
         "{\"ExposedPorts\":{\"80/tcp\":{},\"53/udp\":{},\"7000/tcp\":{},\"7001/tcp\":{}}}"},
        {CHANGES("VOLUME /a /b", "VOLUME [\"/a\", \"/c d\"]"), "{\"Volumes\":{\"/a\":{},\"/b\":{},\"/c d\":{}}}"},
        {CHANGES("WORKDIR /a", "WORKDIR b"), "{\"WorkingDir\":\"/a/b\"}"},
        {CHANGES("USER 1000:1000"), "{\"User\":\"1000:1000\"}"},
        {CHANGES("STOPSIGNAL SIGINT"), "{\"StopSignal\":\"SIGINT\"}"},
        {CHANGES("ONBUILD RUN x"), "{\"OnBuild\":[\"RUN x\"]}"},
        {CHANGES("HEALTHCHECK NONE"), "{\"Healthcheck\":{\"Test\":[\"NONE\"]}}"},
        {CHANGES("HEALTHCHECK --interval=5s --retries=3 CMD curl -f x"),
         "{\"Healthcheck\":{\"Test\":[\"CMD-SHELL\",\"curl -f x\"],\"Interval\":5000000000,\"Retries\":3}}"},
        {CHANGES("HEALTHCHECK CMD [\"true\"]"), "{\"Healthcheck\":{\"Test\":[\"CMD\",\"true\"]}}"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct arena arena cleanup(arena_done) = {0};
        assert_string_equal(after(&arena, cases[i].changes), cases[i].json);
    }
}

static void test_what_is_refused(void **state)
{
    static const char *const wrong[] = {
        "",
        "RUN x",
        "FROM y",
        "CMD",
        "ENV A",
        "ENV =x",
        "ENV A=\"",
        "EXPOSE 0",
        "EXPOSE 80/icmp",
        "EXPOSE x",
        "EXPOSE 9-8",
        "HEALTHCHECK x",
        "LABEL",
        "EXPOSE 70000",
        "HEALTHCHECK --x=1 CMD y",
        "HEALTHCHECK --interval=x CMD y",
    };
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        struct arena arena cleanup(arena_done) = {0};
        struct image_run_config run = {0};
        struct err err;
        if (image_change(&run, wrong[i], &arena, &err) >= 0)
            fail_msg("\"%s\" was taken", wrong[i]);
        assert_int_equal(err.kind, ERR_INVALID);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_instructions),
        cmocka_unit_test(test_what_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
