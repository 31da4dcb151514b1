#include "engine/defaults.h"

#include "base/str.h"
#include "engine/describe.h"
#include "engine/limits.h"
#include "engine/mount_points.h"
#include "engine/signals.h"
#include "engine/validate.h"
#include "sys/cgroup.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>

#include <cmocka.h>

static struct strings list(struct arena *arena, const char *text)
{
    struct strings ret = {0};
    char *rest = arena_strdup(arena, text), *word;
    if (!*text)
        return (struct strings){.items = arena_alloc(arena, sizeof(char *))};
    while ((word = str_split(&rest, ' ')))
        vec_push_in(arena, &ret, word);
    return ret;
}

static const char *joined(struct arena *arena, const struct strings *strings)
{
    const char *text = "";
    vec_foreach (s, strings)
        text = arena_printf(arena, "%s%s%s", text, *text ? " " : "", *s);
    return text;
}

static void test_environment(void **state)
{
    struct arena arena cleanup(arena_done) = {0};
    struct err err;
    struct container_spec spec = {.cmd = list(&arena, "x"), .env = list(&arena, "A=own B C=1")};
    struct image_run_config image = {.env = list(&arena, "A=image B=image D=image AA=image")};
    assert_int_equal(defaults_from_image(&spec, &image, &arena, &err), 0);
    assert_string_equal(joined(&arena, &spec.env), "D=image AA=image A=own C=1");
}

static void test_command_and_entrypoint(void **state)
{
    static const struct {
        const char *entry, *cmd, *image_entry, *image_cmd, *want_entry, *want_cmd;
    } cases[] = {
        {NULL, NULL, "E", "C", "E", "C"}, {NULL, "c", "E", "C", "E", "c"},  {"e", NULL, "E", "C", "e", ""},
        {"e", "c", "E", "C", "e", "c"},   {NULL, NULL, NULL, "C", "", "C"}, {NULL, "", "E", "C", "E", "C"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct arena arena cleanup(arena_done) = {0};
        struct err err;
        struct container_spec spec = {0};
        struct image_run_config image = {0};
        if (cases[i].entry)
            spec.entrypoint = list(&arena, cases[i].entry);
        if (cases[i].cmd)
            spec.cmd = list(&arena, cases[i].cmd);
        if (cases[i].image_entry)
            image.entrypoint = list(&arena, cases[i].image_entry);
        image.cmd = list(&arena, cases[i].image_cmd);
        assert_int_equal(defaults_from_image(&spec, &image, &arena, &err), 0);
        assert_string_equal(joined(&arena, &spec.entrypoint), cases[i].want_entry);
        assert_string_equal(joined(&arena, &spec.cmd), cases[i].want_cmd);
    }
    struct arena arena cleanup(arena_done) = {0};
    struct err err;
    struct container_spec nothing = {.image = (char *)"void"};
    assert_int_equal(defaults_from_image(&nothing, &(struct image_run_config){0}, &arena, &err), -1);
    assert_non_null(strstr(err.message, "no command specified"));
}

static int validate(const struct container_spec *spec, unsigned controllers, const char **ret)
{
    static struct err err;
    struct arena arena cleanup(arena_done) = {0};
    struct strings warnings = {0};
    err.message[0] = '\0';
    int r = validate_spec(spec, controllers, &arena, &warnings, &err);
    *ret = err.message;
    return r;
}

static void test_what_is_not_offered_is_refused_by_name(void **state)
{
    struct arena arena cleanup(arena_done) = {0};
    struct container_spec isolation = {.host.isolation = (char *)"hyperv"}, runtime = {.host.runtime = (char *)"kata"};
    struct container_spec syslog = {.host.log.type = (char *)"syslog"}, compress = {0}, apparmor = {0}, gone = {0};
    struct pair option = {(char *)"compress", (char *)"true"};
    vec_push_in(&arena, &compress.host.log.options, option);
    apparmor.host.security_options = list(&arena, "apparmor=mine");
    gone.host.auto_remove = true;
    gone.host.restart.name = (char *)"always";
    const struct {
        const struct container_spec *spec;
        const char *says;
    } cases[] = {
        {&isolation, "Isolation \"hyperv\""},         {&runtime, "Runtime \"kata\""},
        {&syslog, "log driver \"syslog\""},           {&compress, "log option \"compress\""},
        {&apparmor, "SecurityOpt \"apparmor=mine\""}, {&gone, "can't create 'AutoRemove' container"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const char *message;
        assert_int_equal(validate(cases[i].spec, 0, &message), -1);
        assert_non_null(strstr(message, cases[i].says));
    }
}

static void test_limits_need_their_controllers(void **state)
{
    struct container_spec spec = {.host.memory = 64 << 20};
    const char *message;
    assert_int_equal(validate(&spec, 0, &message), -1);
    assert_non_null(strstr(message, "cgroup v2 controller \"memory\""));
    assert_int_equal(validate(&spec, CGROUP_MEMORY, &message), 0);
    spec = (struct container_spec){.host.pids_limit = {true, -1}};
    assert_int_equal(limits_controllers(&spec.host), 0);
    assert_int_equal(validate(&spec, 0, &message), 0);
}

static void test_capabilities(void **state)
{
    struct arena arena cleanup(arena_done) = {0};
    struct host_config host = {0};
    uint64_t usual = capabilities_of(&host);
    assert_true(usual & CAPABILITY(CAP_CHOWN));
    assert_false(usual & CAPABILITY(CAP_SYS_ADMIN));
    host.cap_drop = list(&arena, "ALL");
    host.cap_add = list(&arena, "NET_BIND_SERVICE");
    assert_int_equal(capabilities_of(&host), CAPABILITY(CAP_NET_BIND_SERVICE));
    host.cap_drop = list(&arena, "chown");
    host.cap_add = list(&arena, "all");
    assert_false(capabilities_of(&host) & CAPABILITY(CAP_CHOWN));
    assert_true(capabilities_of(&host) & CAPABILITY(CAP_SYS_ADMIN));
}

static void test_signals(void **state)
{
    struct err err;
    assert_int_equal(signal_by_name("SIGTERM", &err), SIGTERM);
    assert_int_equal(signal_by_name("hup", &err), SIGHUP);
    assert_int_equal(signal_by_name("9", &err), SIGKILL);
    assert_int_equal(signal_by_name("RTMIN+3", &err), SIGRTMIN + 3);
    assert_int_equal(signal_by_name("SIGNOT", &err), -1);
    assert_int_equal(signal_by_name("0", &err), -1);
}

static void test_mount_options(void **state)
{
    assert_true(mount_option("ro,rslave", "ro"));
    assert_true(mount_option("rslave,ro", "ro"));
    assert_false(mount_option("rox,rslave", "ro"));
    assert_false(mount_option("", "ro"));
    assert_false(mount_option(NULL, "ro"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_environment),
        cmocka_unit_test(test_command_and_entrypoint),
        cmocka_unit_test(test_what_is_not_offered_is_refused_by_name),
        cmocka_unit_test(test_limits_need_their_controllers),
        cmocka_unit_test(test_capabilities),
        cmocka_unit_test(test_signals),
        cmocka_unit_test(test_mount_options),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
