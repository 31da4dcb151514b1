#include "cluster/internal.h"

#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct service_spec service(const char *name)
{
    return (struct service_spec){.name = (char *)name, .container = {.image = (char *)"x"}, .replicas = 1};
}

static void check(struct service_spec *services, size_t count, const char *expected)
{
    struct stack_spec stack = {.name = (char *)"shop"};
    struct err err = {0};
    stack.services.items = services;
    stack.services.count = count;
    int r = stack_check(&stack, &err);
    assert_int_equal(r, expected ? -1 : 0);
    if (expected)
        assert_string_equal(err.message, expected);
}

static void test_names(void **state)
{
    static const char *const good[] = {"a", "shop", "shop-2", "Shop_2.x"};
    static const char *const bad[] = {"", ".", "..", "a/b", "-a", "a b", "caf\xc3\xa9"};
    struct err err;
    for (size_t i = 0; i < ARRAY_SIZE(good); i++)
        assert_int_equal(stack_check_name(good[i], &err), 0);
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        assert_int_equal(stack_check_name(bad[i], &err), -1);
    assert_int_equal(stack_check_name(NULL, &err), -1);
}

static void test_services(void **state)
{
    struct service_spec one = service("web"), two[] = {service("web"), service("db")};
    check(&one, 1, NULL);
    check(two, 2, NULL);
    two[1].name = (char *)"web";
    check(two, 2, "service web is there twice");
    one.container.image = NULL;
    check(&one, 1, "service web has no image");
    one = service("a/b");
    check(&one, 1, "invalid service name 'a/b'");
}

static void test_numbers(void **state)
{
    struct service_spec two[] = {service("web"), service("db")};
    two[0].replicas = -1;
    check(two, 2, "service web: -1 replicas: expected 0 to 100000");
    two[0].replicas = two[1].replicas = 60000;
    check(two, 2, "120000 replicas: 100000 at most");
    two[0].replicas = two[1].replicas = 2;
    two[0].container_name = (char *)"one";
    check(two, 2, "service web has a container_name, so it cannot have 2 replicas: take the name away");
}

static void test_networks_and_volumes_have_names(void **state)
{
    struct stack_spec stack = {.name = (char *)"shop"};
    struct stack_network network = {.key = (char *)"front"};
    struct stack_volume volume = {.key = (char *)"data"};
    struct err err;
    stack.networks.items = &network;
    stack.networks.count = 1;
    assert_int_equal(stack_check(&stack, &err), -1);
    assert_string_equal(err.message, "network front has no name");
    network.network.name = (char *)"shop_front";
    stack.volumes.items = &volume;
    stack.volumes.count = 1;
    assert_int_equal(stack_check(&stack, &err), -1);
    assert_string_equal(err.message, "volume data has no name");
    volume.volume.name = (char *)"shop_data";
    assert_int_equal(stack_check(&stack, &err), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_services),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_networks_and_volumes_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
