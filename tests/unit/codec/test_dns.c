#include "codec/dns.h"

#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* "web.shop", A, with an OPT that takes 1,400 bytes. */
static const uint8_t query[] = "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x01"
                               "\x03Web\x04shop\x00\x00\x01\x00\x01"
                               "\x00\x00\x29\x05\x78\x00\x00\x00\x00\x00\x00";
#define QUERY_SIZE (sizeof(query) - 1)
#define QUESTION   (12 + 10 + 4)

static void test_question(void **state)
{
    struct dns_message m;
    assert_true(dns_parse(query, QUERY_SIZE, &m));
    assert_int_equal(m.id, 0x1234);
    assert_string_equal(m.name, "web.shop");
    assert_int_equal(m.type, DNS_TYPE_A);
    assert_int_equal(m.class, DNS_CLASS_IN);
    assert_int_equal(m.question_end, QUESTION);
    assert_true(m.edns && m.recursion_desired && !m.is_answer);
    assert_int_equal(m.udp_size, 1400);
}

/* Every shorter message is refused, and none reads beyond its end (the sanitizer sees that). */
static void test_cut_off(void **state)
{
    struct dns_message m;
    for (size_t size = 0; size < QUERY_SIZE; size++) {
        uint8_t *copy = test_malloc(size ? size : 1);
        memcpy(copy, query, size);
        assert_false(dns_parse(copy, size, &m));
        test_free(copy);
    }
}

static bool parses(const char *name, size_t size, struct dns_message *m)
{
    uint8_t message[600] = "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00";
    memcpy(message + 12, name, size);
    memcpy(message + 12 + size, "\x00\x01\x00\x01", 4);
    return dns_parse(message, 12 + size + 4, m);
}

static void put_label(char *to, uint8_t length, char c)
{
    to[0] = (char)length;
    memset(to + 1, c, length);
}

static void test_names(void **state)
{
    struct dns_message m;
    char longest[300] = {0};
    assert_true(parses("\0", 1, &m));
    assert_string_equal(m.name, "");
    assert_true(parses("\5a.b\\\0\1c\0", 9, &m));
    assert_string_equal(m.name, "a\\046b\\092\\000.c");
    /* Pointers to themselves, forwards, and into the header. */
    assert_false(parses("\xc0\x0c", 2, &m));
    assert_false(parses("\3web\xc0\x0c", 6, &m));
    assert_false(parses("\xc0\x0e\0", 3, &m));
    assert_false(parses("\xc0\x02", 2, &m));
    assert_false(parses("\x80", 1, &m));
    /* 255 bytes fit, 256 do not. */
    for (size_t i = 0; i < 3; i++)
        put_label(longest + 64 * i, 63, 'a');
    put_label(longest + 192, 61, 1);
    assert_true(parses(longest, 255, &m));
    assert_true(strlen(m.name) > 400);
    put_label(longest + 192, 62, 'a');
    longest[255] = 0;
    assert_false(parses(longest, 256, &m));
}

static void test_answer(void **state)
{
    struct dns_message m, answer;
    uint8_t data[DNS_UDP_SIZE];
    struct dns_writer w;
    struct ip a = ip_v4(172, 17, 0, 2), six;
    assert_true(ip_parse("fd00::2", &six));
    assert_true(dns_parse(query, QUERY_SIZE, &m));
    dns_answer_begin(&w, data, sizeof(data), query, &m);
    dns_answer_address(&w, &a, 5);
    dns_answer_address(&w, &six, 5);
    dns_answer_pointer(&w, "web.shop", 5);
    dns_answer_pointer(&w, "not..a.name", 5); /* left out */
    size_t size = dns_answer_end(&w, DNS_NOERROR);
    assert_int_equal(size, QUESTION + (12 + 4) + (12 + 16) + (12 + 10) + 11);
    assert_true(dns_parse(data, size, &answer));
    assert_true(dns_answers(&answer, &m) && answer.edns && !answer.truncated);
    assert_memory_equal(data + QUESTION, "\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x05\x00\x04\xac\x11\x00\x02", 16);
    dns_set_id(data, 0x1235);
    assert_true(dns_parse(data, size, &answer));
    assert_false(dns_answers(&answer, &m));
}

static void test_too_much(void **state)
{
    struct dns_message m, answer;
    uint8_t data[DNS_UDP_SIZE];
    struct dns_writer w;
    struct ip a = ip_v4(172, 17, 0, 2);
    assert_true(dns_parse(query, QUERY_SIZE, &m));
    dns_answer_begin(&w, data, sizeof(data), query, &m);
    for (int i = 0; i < 100; i++)
        dns_answer_address(&w, &a, 5);
    size_t size = dns_answer_end(&w, DNS_NOERROR);
    assert_int_equal(size, QUESTION + 11);
    assert_true(dns_parse(data, size, &answer));
    assert_true(answer.truncated);
}

static void expect_reverse(const char *name, const char *expected)
{
    struct ip ip;
    char text[IP_TEXT_MAX];
    assert_int_equal(dns_reverse_name(name, &ip), expected != NULL);
    if (expected)
        assert_string_equal(ip_format(&ip, text), expected);
}

static void test_reverse(void **state)
{
    expect_reverse("2.0.17.172.in-addr.arpa", "172.17.0.2");
    expect_reverse("b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.0.0.0.0.1.2.3.4.ip6.arpa",
                   "4321:0:1:2:3:4:567:89ab");
    expect_reverse("0.17.172.in-addr.arpa", NULL);
    expect_reverse("2.0.17.256.in-addr.arpa", NULL);
    expect_reverse("2.0.17.172.in-addr.arpa.x", NULL);
    expect_reverse("2.0.17.172.x", NULL);
    expect_reverse("b.a.ip6.arpa", NULL);
    expect_reverse("g.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.0.0.0.0.1.2.3.4.ip6.arpa", NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_question), cmocka_unit_test(test_cut_off),  cmocka_unit_test(test_names),
        cmocka_unit_test(test_answer),   cmocka_unit_test(test_too_much), cmocka_unit_test(test_reverse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
