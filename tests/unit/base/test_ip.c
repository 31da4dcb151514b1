#include "base/ip.h"

#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct ip ip(const char *text)
{
    struct ip ip;
    assert_true(ip_parse(text, &ip));
    return ip;
}

static struct ip_prefix prefix(const char *text)
{
    struct ip_prefix prefix;
    assert_true(ip_prefix_parse(text, &prefix));
    return prefix;
}

static void test_addresses(void **state)
{
    static const char *const same[] = {"0.0.0.0", "172.18.0.5", "255.255.255.255", "::", "::1", "fd00::5", "fe80::1"};
    static const char *const bad[] = {"", "1.2.3", "1.2.3.4.5", "1.2.3.256", "01.2.3.4 ", "fe80::1%eth0", "::g", "a.b"};
    char text[IP_TEXT_MAX];
    for (size_t i = 0; i < ARRAY_SIZE(same); i++) {
        struct ip parsed = ip(same[i]);
        assert_string_equal(ip_format(&parsed, text), same[i]);
    }
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        assert_false(ip_parse(bad[i], &(struct ip){0}));
    assert_string_equal(ip_format(&(struct ip){0}, text), "");
}

static void test_prefixes(void **state)
{
    static const char *const bad[] = {"", "/8", "1.2.3.4", "1.2.3.4/", "1.2.3.4/33", "1.2.3.4/-1", "::/129", "1.2.3/8"};
    char text[IP_PREFIX_TEXT_MAX];
    struct ip_prefix p = prefix("172.18.5.6/16");
    assert_string_equal(ip_prefix_format(&p, text), "172.18.5.6/16");
    struct ip first = ip_prefix_first(&p), last = ip_prefix_last(&p);
    assert_string_equal(ip_format(&first, text), "172.18.0.0");
    assert_string_equal(ip_format(&last, text), "172.18.255.255");
    p = prefix("fd00::1/61");
    last = ip_prefix_last(&p);
    assert_string_equal(ip_format(&last, text), "fd00::7:ffff:ffff:ffff:ffff");
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        assert_false(ip_prefix_parse(bad[i], &p));
}

static void test_containment(void **state)
{
    struct ip_prefix wide = prefix("10.0.0.0/8"), narrow = prefix("10.5.0.0/16"), other = prefix("11.0.0.0/16");
    struct ip_prefix all4 = prefix("0.0.0.0/0"), all6 = prefix("::/0");
    struct ip inside = ip("10.5.255.255"), outside = ip("10.6.0.0"), v6 = ip("::1");
    assert_true(ip_prefix_contains(&narrow, &inside));
    assert_false(ip_prefix_contains(&narrow, &outside));
    assert_true(ip_prefix_within(&narrow, &wide));
    assert_false(ip_prefix_within(&wide, &narrow));
    assert_true(ip_prefix_overlaps(&wide, &narrow));
    assert_true(ip_prefix_overlaps(&narrow, &wide));
    assert_false(ip_prefix_overlaps(&wide, &other));
    assert_true(ip_prefix_contains(&all4, &inside));
    assert_false(ip_prefix_contains(&all4, &v6));
    assert_false(ip_prefix_overlaps(&all4, &all6));
}

static void test_arithmetic(void **state)
{
    char text[IP_TEXT_MAX];
    struct ip a = ip("10.0.0.255"), sum = ip_plus(&a, 1);
    assert_string_equal(ip_format(&sum, text), "10.0.1.0");
    a = ip("255.255.255.255");
    sum = ip_plus(&a, 1);
    assert_string_equal(ip_format(&sum, text), "0.0.0.0");
    a = ip("fd00::ffff:ffff");
    sum = ip_plus(&a, 0x10001);
    assert_string_equal(ip_format(&sum, text), "fd00::1:1:0");
}

static void test_mac(void **state)
{
    struct mac mac;
    char text[MAC_TEXT_MAX];
    assert_true(mac_parse("02:42:AC:12:00:05", &mac));
    assert_string_equal(mac_format(&mac, text), "02:42:ac:12:00:05");
    assert_false(mac_parse("02:42:ac:12:00", &mac));
    assert_false(mac_parse("02:42:ac:12:00:0g", &mac));
    assert_false(mac_parse("02:42:ac:12:00:5:", &mac));
    assert_false(mac_parse("0242:ac:12:00:005", &mac));
}

static void test_sockaddr(void **state)
{
    struct sockaddr_storage address;
    struct ip_port from = {.ip = ip("172.18.0.5"), .port = 80};
    assert_int_equal(ip_to_mapped_sockaddr(&from, &address), sizeof(struct sockaddr_in6));
    struct ip_port back = ip_from_sockaddr(&address);
    assert_true(ip_equal(&back.ip, &from.ip));
    assert_int_equal(back.port, 80);
    assert_int_equal(ip_to_sockaddr(&from, &address), sizeof(struct sockaddr_in));
    back = ip_from_sockaddr(&address);
    assert_true(ip_equal(&back.ip, &from.ip));
    from.ip = ip("fd00::1");
    ip_to_sockaddr(&from, &address);
    back = ip_from_sockaddr(&address);
    assert_true(ip_equal(&back.ip, &from.ip));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses),  cmocka_unit_test(test_prefixes), cmocka_unit_test(test_containment),
        cmocka_unit_test(test_arithmetic), cmocka_unit_test(test_mac),      cmocka_unit_test(test_sockaddr),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
