#include "discovery/names.h"

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

static void put(struct names *names, const char *container, const char *network, const char *address, const char *name1,
                const char *name2)
{
    const char *both[] = {name1, name2};
    names_put(names, &(struct names_place){.container = container,
                                           .network = network,
                                           .ipv4 = ip(address),
                                           .names = both,
                                           .name_count = name2 ? 2 : 1,
                                           .outside = true});
}

static int resolve(const struct names *names, const char *from, const char *name)
{
    struct ip source = ip(from), found[NAMES_ADDRESSES_MAX];
    const struct names_client *client = names_client(names, &source);
    assert_non_null(client);
    return names_resolve(names, client, name, IP_V4, found);
}

static void test_places(void **state)
{
    struct names *names = names_new();
    struct ip stranger = ip("10.0.0.9");
    put(names, "c1", "n1", "10.0.0.1", "web-1", "Web");
    put(names, "c2", "n1", "10.0.0.2", "web-2", "web");
    put(names, "c3", "n2", "10.1.0.1", "db", NULL);
    assert_int_equal(resolve(names, "10.0.0.1", "web"), 2);
    assert_int_equal(resolve(names, "10.0.0.1", "web-2"), 1);
    assert_int_equal(resolve(names, "10.0.0.1", "db"), -1);
    assert_int_equal(resolve(names, "10.1.0.1", "web"), -1);
    assert_null(names_client(names, &stranger));
    assert_non_null(names_member(names, "n1"));
    assert_null(names_member(names, "n3"));
    /* Told anew, with other names and another address. */
    put(names, "c2", "n1", "10.0.0.3", "api", NULL);
    assert_int_equal(resolve(names, "10.0.0.1", "web"), 1);
    assert_int_equal(resolve(names, "10.0.0.3", "api"), 1);
    names_remove(names, "c2", "n1");
    names_remove(names, "c2", "n1");
    names_remove(names, "c9", "n1");
    assert_int_equal(resolve(names, "10.0.0.1", "api"), -1);
    names_free(names);
}

/* An address that went from one container to the next belongs to the next, whatever is forgotten when. */
static void test_address_moves(void **state)
{
    struct names *names = names_new();
    struct ip address = ip("10.0.0.1");
    put(names, "old", "n1", "10.0.0.1", "old", NULL);
    put(names, "new", "n1", "10.0.0.1", "new", NULL);
    names_remove(names, "old", "n1");
    assert_int_equal(resolve(names, "10.0.0.1", "new"), 1);
    assert_string_equal(names_reverse(names, names_client(names, &address), &address), "new");
    names_free(names);
}

static void test_two_networks(void **state)
{
    struct names *names = names_new();
    struct ip second = ip("10.1.0.1"), other = ip("10.1.0.2"), servers[NAMES_SERVERS_MAX];
    size_t count;
    put(names, "c1", "n1", "10.0.0.1", "same", NULL);
    put(names, "c1", "n2", "10.1.0.1", "mine", NULL);
    put(names, "c2", "n2", "10.1.0.2", "same", "far");
    put(names, "c3", "n2", "10.1.0.3", "same", NULL);
    assert_int_equal(resolve(names, "10.1.0.1", "same"), 1); /* the first network's */
    assert_int_equal(resolve(names, "10.1.0.1", "far"), 1);
    assert_int_equal(resolve(names, "10.1.0.2", "same"), 2);
    assert_string_equal(names_reverse(names, names_client(names, &second), &other), "same");
    assert_true(names_goes_outside(names, names_client(names, &second), servers, &count));
    assert_int_equal(count, 0);
    names_put(names,
              &(struct names_place){
                  .container = "c4", .network = "n2", .ipv4 = ip("10.1.0.4"), .servers = &other, .server_count = 1});
    other = ip("10.1.0.4");
    assert_false(names_goes_outside(names, names_client(names, &other), servers, &count));
    assert_int_equal(count, 1);
    names_free(names);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_address_moves),
        cmocka_unit_test(test_two_networks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
