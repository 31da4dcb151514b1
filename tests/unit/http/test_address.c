#include "http/address.h"

#include "base/str.h"
#include "test.h"

static void test_accepted(void **state)
{
    static const struct {
        const char *text, *formatted;
    } cases[] = {
        {"unix:///run/shoal/shoal.sock", "unix:///run/shoal/shoal.sock"},
        {"/run/x.sock", "unix:///run/x.sock"},
        {"http+unix://%2Frun%2Fx.sock", "unix:///run/x.sock"},
        {"tcp://host:1", "tcp://host:1"},
        {"tcp://host", "tcp://host:2375"},
        {"tcp://host:80/", "tcp://host:80"},
        {"http://127.0.0.1:65535", "tcp://127.0.0.1:65535"},
        {"tcp://[::1]:2376", "tcp://[::1]:2376"},
        {"tcp://[::1]", "tcp://[::1]:2375"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct http_address address;
        struct err err;
        char text[HTTP_ADDRESS_TEXT_MAX];
        if (http_address_parse(cases[i].text, "2375", &address, &err) < 0)
            fail_msg("%s: %s", cases[i].text, err.message);
        http_address_format(&address, text);
        assert_string_equal(text, cases[i].formatted);
    }
}

static void test_refused(void **state)
{
    static const char *const cases[] = {
        "",
        "x",
        "unix://",
        "unix://run/x",
        "tcp://",
        "tcp://:80",
        "tcp://h:0",
        "tcp://h:x",
        "tcp://h:",
        "tcp://h:65536",
        "tcp://h/path",
        "tcp://[::1",
        "tcp://[::1]x",
        "ssh://h",
        "https://h",
        "tcp://h:1x",
        "http+unix://%2",
        "tcp://h:123456789",
        "/0123456789/0123456789/0123456789/0123456789/0123456789/0123456789/0123456789/0123456789/0123456789/"
        "0123456789",
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct http_address address;
        struct err err;
        if (http_address_parse(cases[i], "2375", &address, &err) == 0)
            fail_msg("accepted: '%s'", cases[i]);
        assert_int_equal(err.kind, ERR_INVALID);
    }
}

TEST_MAIN(cmocka_unit_test(test_accepted), cmocka_unit_test(test_refused))
