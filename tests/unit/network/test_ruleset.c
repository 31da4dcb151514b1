#include "network/ruleset.h"

#include "base/cleanup.h"
#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct instance instance_of(const char *data_dir)
{
    struct instance instance;
    struct err err;
    assert_int_equal(instance_init(&instance, data_dir, &err), 0);
    return instance;
}

static void test_names(void **state)
{
    struct instance a = instance_of("/nowhere/a"), b = instance_of("/nowhere/b");
    struct err err;
    char name[LINK_NAME_MAX];
    assert_string_not_equal(a.table, b.table);
    assert_string_equal(a.table + strlen("shoal-"), a.text);
    static const uint32_t serials[] = {0, 35, 36, 123456, INSTANCE_LINKS - 1};
    for (size_t i = 0; i < ARRAY_SIZE(serials); i++) {
        instance_link_name(&a, serials[i], name);
        assert_int_equal(strlen(name), LINK_NAME_MAX - 1);
        assert_int_equal(instance_link_serial(&a, name), serials[i]);
        assert_int_equal(instance_link_serial(&b, name), -1);
    }
    assert_int_equal(instance_link_serial(&a, "eth0"), -1);
    assert_true(instance_init(&a, "relative/nowhere", &err) < 0);
}

static void test_text(void **state)
{
    struct instance a = instance_of("/nowhere/a"), b = instance_of("/nowhere/b");
    struct buf text cleanup(buf_done) = BUF(65536), again cleanup(buf_done) = BUF(65536);
    char mark[RULESET_MARK_MAX], other[RULESET_MARK_MAX];
    ruleset_write(&a, &text, mark);
    assert_false(buf_failed(&text));
    /* It replaces what there is, in one transaction, and every placeholder is gone. */
    assert_non_null(strstr(text.data, "delete table inet shoal-"));
    assert_non_null(strstr(text.data, mark));
    assert_non_null(strstr(text.data, "map ports6 { type inet_proto . inet_service : ipv6_addr . inet_service; }"));
    assert_null(strstr(text.data, "@links"));
    assert_null(strstr(text.data, "@addr"));
    assert_null(strstr(text.data, "@4"));
    ruleset_write(&a, &again, other);
    assert_string_equal(text.data, again.data);
    assert_string_equal(mark, other);
    buf_reset(&again);
    ruleset_write(&b, &again, other);
    assert_null(strstr(again.data, a.link_prefix));
}

/* How many bytes of messages change a port's elements. */
static size_t change(const struct port *port, const struct slots *before, const struct slots *after)
{
    struct netlink_batch batch cleanup(netlink_batch_done) = {0};
    ruleset_port(&batch, port, before, after);
    return batch.size;
}

static void test_port_elements(void **state)
{
    struct networks networks = {.instance = instance_of("/nowhere/a")};
    struct port port = {.networks = &networks, .options = {.protocol = IPPROTO_TCP, .host_port = 80}};
    struct ip_port backends[] = {{.ip = ip_v4(172, 17, 0, 2), .port = 80}, {.ip = ip_v4(172, 17, 0, 3), .port = 80}};
    struct slots none = {0}, one cleanup(slots_done), two cleanup(slots_done), other cleanup(slots_done);
    slots_deal(&none, backends, 1, true, &one);
    slots_deal(&one, backends, 2, true, &two);
    slots_deal(&two, backends + 1, 1, false, &other);
    assert_int_equal(change(&port, &none, &none), 0);
    assert_int_equal(change(&port, &two, &two), 0);
    assert_true(change(&port, &none, &two) > 10 * change(&port, &none, &one));
    /* Half of the slots change hands: as many deleted, as many added. */
    assert_in_range(change(&port, &two, &other), change(&port, &none, &two), change(&port, &none, &two) + 200);
    assert_true(change(&port, &one, &two) > change(&port, &none, &two));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_port_elements),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
