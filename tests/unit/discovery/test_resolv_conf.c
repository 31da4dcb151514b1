#include "discovery/resolv_conf.h"

#include "base/cleanup.h"
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

static const char machine_text[] = "# the machine's\n"
                                   "nameserver 192.0.2.53\n"
                                   "nameserver\t2001:db8::53 # trailing words are nobody's\n"
                                   "nameserver fe80::1%eth0\n"
                                   "nameserver nonsense\n"
                                   "domain old.example\r\n"
                                   "search example.com  corp.example\n"
                                   "options timeout:1 edns0\n"
                                   "; end";

static void test_parse(void **state)
{
    struct arena arena cleanup(arena_done) = {0};
    struct resolv_conf conf;
    char text[IP_TEXT_MAX];
    resolv_conf_parse(&arena, machine_text, &conf);
    assert_int_equal(conf.server_count, 2);
    assert_string_equal(ip_format(&conf.servers[1], text), "2001:db8::53");
    assert_int_equal(conf.search.count, 2);
    assert_string_equal(conf.search.items[1], "corp.example");
    assert_int_equal(conf.options.count, 2);
    resolv_conf_read(&arena, "/nonexistent/resolv.conf", &conf);
    assert_int_equal(conf.server_count, 0);
}

static void test_write(void **state)
{
    struct arena arena cleanup(arena_done) = {0};
    struct buf text cleanup(buf_done) = BUF(4096);
    struct resolv_conf machine;
    struct ip gateway = ip("172.17.0.1");
    char *none[] = {(char *)".", (char *)"bad\nnameserver 6.6.6.6"}, *ndots[] = {(char *)"ndots:2"};
    struct strings search = {.items = none, .count = 1}, options = {.items = ndots, .count = 1};
    struct resolv_params params = {.servers = &gateway, .server_count = 1, .machine = &machine, .own_server = true};
    resolv_conf_parse(&arena, machine_text, &machine);
    resolv_conf_write(&text, &params);
    assert_string_equal(text.data, "nameserver 172.17.0.1\nsearch example.com corp.example\n"
                                   "options timeout:1 edns0 ndots:0\n");
    params.search = &search;
    params.options = &options;
    buf_reset(&text);
    resolv_conf_write(&text, &params);
    assert_string_equal(text.data, "nameserver 172.17.0.1\noptions ndots:2\n");
    search.count = 2;
    search.items[0] = (char *)"a.example";
    buf_reset(&text);
    resolv_conf_write(&text, &params);
    assert_string_equal(text.data, "nameserver 172.17.0.1\nsearch a.example\noptions ndots:2\n");
}

static void test_hosts(void **state)
{
    struct buf text cleanup(buf_done) = BUF(4096);
    struct ip own[] = {ip("172.17.0.2"), ip("fd00::2")};
    struct extra_host extra[] = {{"machine", "host-gateway"}, {"db", "10.0.0.5"}, {"evil\n6.6.6.6 bank", "10.0.0.6"}};
    struct hosts_params params = {.hostname = "web",
                                  .domainname = "shop.example",
                                  .addresses = own,
                                  .address_count = 2,
                                  .extra = extra,
                                  .extra_count = 3,
                                  .host_gateway = ip("172.17.0.1")};
    hosts_write(&text, &params);
    assert_string_equal(strstr(text.data, "172.17.0.1"), "172.17.0.1\tmachine\n10.0.0.5\tdb\n"
                                                         "172.17.0.2\tweb.shop.example web\n"
                                                         "fd00::2\tweb.shop.example web\n");
    assert_true(str_starts(text.data, "127.0.0.1\tlocalhost\n::1\tlocalhost "));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_write),
        cmocka_unit_test(test_hosts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
