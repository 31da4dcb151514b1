#include "network/ipam.h"

#include "base/cleanup.h"
#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct ip_prefix prefix(const char *text)
{
    struct ip_prefix prefix;
    assert_true(ip_prefix_parse(text, &prefix));
    return prefix;
}

static void open_pool(struct ipam *ipam, const char *subnet, const char *range)
{
    struct err err;
    struct ip_prefix s = prefix(subnet), r = {0};
    if (range)
        r = prefix(range);
    assert_int_equal(ipam_init(ipam, &s, &r, &err), 0);
}

static void expect_next(struct ipam *ipam, const char *expected)
{
    struct err err;
    struct ip ip;
    char text[IP_TEXT_MAX];
    assert_int_equal(ipam_take_any(ipam, &ip, &err), 0);
    assert_string_equal(ip_format(&ip, text), expected);
}

static int take(struct ipam *ipam, const char *text, struct err *err)
{
    struct ip ip;
    assert_true(ip_parse(text, &ip));
    return ipam_take(ipam, &ip, err);
}

static void give_back(struct ipam *ipam, const char *text)
{
    struct ip ip;
    assert_true(ip_parse(text, &ip));
    ipam_give_back(ipam, &ip);
}

static void test_in_turn(void **state)
{
    struct ipam ipam cleanup(ipam_done);
    struct err err;
    open_pool(&ipam, "172.18.0.0/29", NULL);
    assert_int_equal(take(&ipam, "172.18.0.1", &err), 0);
    expect_next(&ipam, "172.18.0.2");
    expect_next(&ipam, "172.18.0.3");
    give_back(&ipam, "172.18.0.2");
    /* Not the one just given back: it may still be in somebody's caches. */
    expect_next(&ipam, "172.18.0.4");
    expect_next(&ipam, "172.18.0.5");
    expect_next(&ipam, "172.18.0.6");
    /* Neither the broadcast .7 nor the network's .0. */
    expect_next(&ipam, "172.18.0.2");
    struct ip ip;
    assert_true(ipam_take_any(&ipam, &ip, &err) < 0);
    assert_int_equal(err.kind, ERR_LIMIT);
    assert_string_equal(err.message, "no free address is left in 172.18.0.0/29");
}

static void test_range(void **state)
{
    struct ipam ipam cleanup(ipam_done);
    struct err err;
    open_pool(&ipam, "10.0.0.0/24", "10.0.0.128/30");
    expect_next(&ipam, "10.0.0.128");
    expect_next(&ipam, "10.0.0.129");
    assert_int_equal(take(&ipam, "10.0.0.130", &err), 0);
    assert_int_equal(take(&ipam, "10.0.0.5", &err), 0);
    expect_next(&ipam, "10.0.0.131");
    struct ip ip;
    assert_true(ipam_take_any(&ipam, &ip, &err) < 0);
}

static void test_asked_for(void **state)
{
    struct ipam ipam cleanup(ipam_done);
    struct err err;
    open_pool(&ipam, "10.0.0.0/24", NULL);
    assert_int_equal(take(&ipam, "10.0.0.9", &err), 0);
    assert_true(take(&ipam, "10.0.0.9", &err) < 0);
    assert_int_equal(err.kind, ERR_CONFLICT);
    assert_string_equal(err.message, "address 10.0.0.9 is already in use");
    assert_true(take(&ipam, "10.0.1.9", &err) < 0);
    assert_string_equal(err.message, "address 10.0.1.9 is not of subnet 10.0.0.0/24");
    assert_true(take(&ipam, "10.0.0.255", &err) < 0);
    assert_string_equal(err.message,
                        "address 10.0.0.255 cannot be used: it is the broadcast address of subnet 10.0.0.0/24");
    assert_true(take(&ipam, "10.0.0.0", &err) < 0);
    assert_true(take(&ipam, "fd00::1", &err) < 0);
}

static void test_ipv6(void **state)
{
    struct ipam ipam cleanup(ipam_done);
    struct err err;
    open_pool(&ipam, "fd00:1::/64", NULL);
    assert_int_equal(take(&ipam, "fd00:1::1", &err), 0);
    expect_next(&ipam, "fd00:1::2");
    assert_int_equal(take(&ipam, "fd00:1::ffff:ffff:ffff:ffff", &err), 0);
}

static void test_refused(void **state)
{
    struct ipam ipam;
    struct err err;
    struct ip_prefix subnet = prefix("10.0.0.0/31"), none = {0}, range = prefix("10.1.0.0/24");
    assert_true(ipam_init(&ipam, &subnet, &none, &err) < 0);
    assert_string_equal(err.message,
                        "subnet 10.0.0.0/31 is too small: a network needs room for two hosts, a /30 at least");
    subnet = prefix("10.0.0.0/24");
    assert_true(ipam_init(&ipam, &subnet, &range, &err) < 0);
    assert_string_equal(err.message, "IP range 10.1.0.0/24 is not within subnet 10.0.0.0/24");
}

static void test_many(void **state)
{
    struct ipam ipam cleanup(ipam_done);
    struct err err;
    struct ip ip;
    open_pool(&ipam, "10.0.0.0/16", NULL);
    for (int i = 0; i < 65534; i++)
        assert_int_equal(ipam_take_any(&ipam, &ip, &err), 0);
    assert_true(ipam_take_any(&ipam, &ip, &err) < 0);
    give_back(&ipam, "10.0.77.7");
    expect_next(&ipam, "10.0.77.7");
}

static void expect_subnet(const char *const *taken, const char *expected)
{
    struct ip_prefix prefixes[8], chosen;
    struct err err;
    char text[IP_PREFIX_TEXT_MAX];
    size_t count = 0;
    while (taken[count]) {
        prefixes[count] = prefix(taken[count]);
        count++;
    }
    int r = subnet_choose(subnet_pools_default, SUBNET_POOLS_DEFAULT, prefixes, count, &chosen, &err);
    if (expected)
        assert_string_equal(ip_prefix_format(&chosen, text), expected);
    else
        assert_int_equal(err.kind, ERR_LIMIT);
    assert_int_equal(r, expected ? 0 : -1);
}

static void test_subnets(void **state)
{
    expect_subnet((const char *[]){NULL}, "172.17.0.0/16");
    expect_subnet((const char *[]){"172.17.0.0/16", "172.18.3.0/24", NULL}, "172.19.0.0/16");
    expect_subnet((const char *[]){"172.16.0.0/12", NULL}, "192.168.0.0/20");
    expect_subnet((const char *[]){"172.16.0.0/12", "192.168.1.0/24", "192.168.16.1/32", NULL}, "192.168.32.0/20");
    expect_subnet((const char *[]){"172.16.0.0/12", "192.168.0.0/16", NULL}, NULL);
    expect_subnet((const char *[]){"fd00::/8", NULL}, "172.17.0.0/16");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_in_turn), cmocka_unit_test(test_range),   cmocka_unit_test(test_asked_for),
        cmocka_unit_test(test_ipv6),    cmocka_unit_test(test_refused), cmocka_unit_test(test_many),
        cmocka_unit_test(test_subnets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
