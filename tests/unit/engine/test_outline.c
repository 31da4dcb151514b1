#include "engine/outline.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "codec/fields.h"
#include "test.h"

#include <signal.h>

static struct container_outline take(struct interned *texts, const char *json)
{
    struct arena arena cleanup(arena_done) = {0};
    struct container_spec spec;
    struct container_outline outline;
    struct err err;
    assert_int_equal(fields_read_text(&container_spec_table, json, strlen(json), &arena, &spec, "container", &err), 0);
    outline_take(texts, &spec, &outline);
    return outline; /* the definition is gone */
}

static void test_what_it_keeps(void **state)
{
    struct interned texts = {0};
    struct container_outline o =
        take(&texts, "{\"Image\":\"shoal/hello\",\"Entrypoint\":[\"/bin/my sh\",\"-c\"],\"Cmd\":[\"echo hello\",\"x\"],"
                     "\"Labels\":{\"a\":\"1\",\"b\":\"\"},\"ExposedPorts\":{\"80/tcp\":{}},\"Tty\":true,"
                     "\"AttachStderr\":true,\"StopSignal\":\"SIGINT\",\"StopTimeout\":3,"
                     "\"Healthcheck\":{\"Test\":[\"CMD\",\"true\"]},"
                     "\"HostConfig\":{\"NetworkMode\":\"host\",\"LogConfig\":{\"Type\":\"none\"},\"Memory\":99999999,"
                     "\"RestartPolicy\":{\"Name\":\"on-failure\",\"MaximumRetryCount\":5}}}");
    assert_string_equal(o.image, "shoal/hello");
    assert_string_equal(o.command, "/bin/my sh -c 'echo hello' x");
    assert_string_equal(o.network_mode, "host");
    assert_string_equal(pairs_get(&o.labels, "a"), "1");
    assert_string_equal(pairs_get(&o.labels, "b"), "");
    assert_int_equal(o.exposed_ports.count, 1);
    assert_string_equal(o.exposed_ports.items[0], "80/tcp");
    assert_string_equal(o.restart.name, "on-failure");
    assert_int_equal(o.restart.maximum_retry_count, 5);
    assert_int_equal(o.stop_signal, SIGINT);
    assert_int_equal(o.stop_timeout_s, 3);
    assert_true(o.tty && o.attach_output && o.limited && o.health_check);
    assert_false(o.keeps_log || o.open_stdin || o.stdin_once || o.auto_remove);
    outline_drop(&texts, &o);
    assert_int_equal(texts.holders.count, 0);
    interned_done(&texts);
}

static void test_what_is_not_said(void **state)
{
    struct interned texts = {0};
    struct container_outline o = take(&texts, "{\"Healthcheck\":{\"Test\":[\"NONE\"]}}");
    assert_null(o.image);
    assert_string_equal(o.command, "");
    assert_int_equal(o.labels.count, 0);
    assert_int_equal(o.stop_signal, SIGTERM);
    assert_int_equal(o.stop_timeout_s, 10);
    assert_true(o.keeps_log);
    assert_false(o.limited || o.health_check || o.attach_output);
    outline_drop(&texts, &o);
    outline_drop(&texts, &(struct container_outline){0});
    interned_done(&texts);
}

/* What makes two thousand replicas cheap. */
static void test_replicas_share_their_texts(void **state)
{
    static const char web[] =
        "{\"Image\":\"web\",\"Cmd\":[\"serve\"],\"Labels\":{\"service\":\"web\",\"number\":\"1\"}}";
    struct interned texts = {0};
    struct container_outline first = take(&texts, web);
    size_t count = texts.holders.count;
    struct container_outline second = take(&texts, web);
    assert_int_equal(texts.holders.count, count);
    assert_ptr_equal(first.command, second.command);
    outline_drop(&texts, &first);
    assert_string_equal(pairs_get(&second.labels, "service"), "web");
    outline_drop(&texts, &second);
    assert_int_equal(texts.holders.count, 0);
    interned_done(&texts);
}

TEST_MAIN(cmocka_unit_test(test_what_it_keeps), cmocka_unit_test(test_what_is_not_said),
          cmocka_unit_test(test_replicas_share_their_texts))
