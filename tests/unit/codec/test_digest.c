#include "codec/digest.h"

#include "base/cleanup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define EMPTY "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define ABC   "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define ABC512                                                                                                         \
    "sha512:ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd"          \
    "454d4423643ce80e2a9ac94fa54ca49f"

static void test_known_digests(void **state)
{
    char digest[DIGEST_SHA256_SIZE];
    digest_of("", 0, digest);
    assert_string_equal(digest, EMPTY);
    digest_of("abc", 3, digest);
    assert_string_equal(digest, ABC);
    assert_true(digest_matches(ABC512, "abc", 3));
    assert_false(digest_matches(ABC512, "abd", 3));
    assert_false(digest_matches(ABC, "", 0));
}

static void test_a_hasher_starts_over(void **state)
{
    char digest[DIGEST_SIZE];
    struct hasher hasher cleanup(hasher_done) = {0};
    hasher_init(&hasher, DIGEST_SHA512);
    hasher_add(&hasher, "zzz", 3);
    hasher_init(&hasher, DIGEST_SHA256);
    hasher_add(&hasher, "a", 1);
    hasher_add(&hasher, "bc", 2);
    hasher_finish(&hasher, digest);
    assert_string_equal(digest, ABC);
}

static void test_what_is_a_digest(void **state)
{
    assert_true(digest_is_valid(EMPTY));
    assert_true(digest_is_valid(ABC512));
    assert_int_equal(digest_algorithm(ABC512), DIGEST_SHA512);
    assert_ptr_equal(digest_hex(EMPTY), strchr(digest_hex(EMPTY) - 1, 'e'));
    static const char *const wrong[] = {
        "",
        "sha256:",
        "sha256",
        "md5:d41d8cd98f00b204e9800998ecf8427e",
        "sha256:E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855",
        EMPTY "0",
        "sha256:../../../../../../etc/passwdaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_false(digest_is_valid(wrong[i]));
    assert_false(digest_is_valid(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_digests),
        cmocka_unit_test(test_a_hasher_starts_over),
        cmocka_unit_test(test_what_is_a_digest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
