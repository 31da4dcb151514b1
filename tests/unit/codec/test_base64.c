#include "codec/base64.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "test.h"

/* RFC 4648, section 10. */
static const struct {
    const char *plain, *encoded;
} vectors[] = {
    {"", ""},
    {"f", "Zg=="},
    {"fo", "Zm8="},
    {"foo", "Zm9v"},
    {"foob", "Zm9vYg=="},
    {"fooba", "Zm9vYmE="},
    {"foobar", "Zm9vYmFy"},
};

static void test_vectors(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
        struct buf encoded cleanup(buf_done) = BUF(64), plain cleanup(buf_done) = BUF(64);
        base64_encode(vectors[i].plain, strlen(vectors[i].plain), &encoded);
        assert_string_equal(buf_str(&encoded), vectors[i].encoded);
        assert_true(base64_decode(vectors[i].encoded, strlen(vectors[i].encoded), &plain));
        assert_string_equal(buf_str(&plain), vectors[i].plain);
    }
}

static void test_both_alphabets_and_no_padding(void **state)
{
    static const char *const texts[] = {"-_-_", "+/+/"};
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        struct buf plain cleanup(buf_done) = BUF(64);
        assert_true(base64_decode(texts[i], 4, &plain));
        assert_memory_equal(plain.data, "\xfb\xff\xbf", 3);
    }
    struct buf plain cleanup(buf_done) = BUF(64);
    assert_true(base64_decode("Zm8", 3, &plain));
    assert_string_equal(buf_str(&plain), "fo");
}

static void test_refused(void **state)
{
    static const char *const texts[] = {"Z", "Zg=", "Zg===", "Zm9vY", "Zm 9v", "Zm9v\n", "Zm9v=", "=", "Zé=="};
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        struct buf plain cleanup(buf_done) = BUF(64);
        if (base64_decode(texts[i], strlen(texts[i]), &plain))
            fail_msg("taken: %s", texts[i]);
    }
}

static void test_maximum(void **state)
{
    struct buf plain cleanup(buf_done) = BUF(2);
    assert_false(base64_decode("Zm9v", 4, &plain));
}

TEST_MAIN(cmocka_unit_test(test_vectors), cmocka_unit_test(test_both_alphabets_and_no_padding),
          cmocka_unit_test(test_refused), cmocka_unit_test(test_maximum))
