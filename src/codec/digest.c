#include "codec/digest.h"

#include "base/cleanup.h"
#include "base/mem.h"
#include "base/str.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

static const struct {
    const char *prefix;
    size_t hex_digits;
} algorithms[DIGEST_ALGORITHM_COUNT] = {
    [DIGEST_SHA256] = {"sha256:", 64},
    [DIGEST_SHA512] = {"sha512:", 128},
};

static bool is_lower_hex(const char *s, size_t n)
{
    return strlen(s) == n && strspn(s, "0123456789abcdef") == n;
}

/* The index of text's algorithm, DIGEST_ALGORITHM_COUNT where text is no digest. */
static enum digest_algorithm find_algorithm(const char *text)
{
    for (size_t i = 0; i < DIGEST_ALGORITHM_COUNT; i++) {
        const char *hex = str_after(text, algorithms[i].prefix);
        if (hex && is_lower_hex(hex, algorithms[i].hex_digits))
            return (enum digest_algorithm)i;
    }
    return DIGEST_ALGORITHM_COUNT;
}

bool digest_is_valid(const char *text)
{
    return text && find_algorithm(text) != DIGEST_ALGORITHM_COUNT;
}

enum digest_algorithm digest_algorithm(const char *text)
{
    return find_algorithm(text);
}

const char *digest_hex(const char *text)
{
    return strchr(text, ':') + 1;
}

void digest_of(const void *data, size_t size, char digest[DIGEST_SHA256_SIZE])
{
    char text[DIGEST_SIZE];
    struct hasher hasher cleanup(hasher_done) = {0};
    hasher_init(&hasher, DIGEST_SHA256);
    hasher_add(&hasher, data, size);
    hasher_finish(&hasher, text);
    memcpy(digest, text, DIGEST_SHA256_SIZE);
}

bool digest_matches(const char *digest, const void *data, size_t size)
{
    char text[DIGEST_SIZE];
    struct hasher hasher cleanup(hasher_done) = {0};
    hasher_init(&hasher, digest_algorithm(digest));
    hasher_add(&hasher, data, size);
    hasher_finish(&hasher, text);
    return str_eq(text, digest);
}

/* OpenSSL's digests fail only without memory or without a provider, and then nothing here can go on. */
static void must(int ok)
{
    if (ok != 1) {
        (void)fprintf(stderr, "shoal: OpenSSL offers no SHA-2\n");
        _exit(MEM_EXIT_STATUS);
    }
}

void hasher_init(struct hasher *hasher, enum digest_algorithm algorithm)
{
    if (!hasher->state)
        hasher->state = EVP_MD_CTX_new();
    must(hasher->state != NULL);
    hasher->algorithm = algorithm;
    must(EVP_DigestInit_ex(hasher->state, algorithm == DIGEST_SHA512 ? EVP_sha512() : EVP_sha256(), NULL));
}

void hasher_add(struct hasher *hasher, const void *data, size_t size)
{
    must(EVP_DigestUpdate(hasher->state, data, size));
}

void hasher_finish(struct hasher *hasher, char digest[DIGEST_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    unsigned char bytes[EVP_MAX_MD_SIZE];
    unsigned int n = 0;
    must(EVP_DigestFinal_ex(hasher->state, bytes, &n));
    char *p = stpcpy(digest, algorithms[hasher->algorithm].prefix);
    for (unsigned int i = 0; i < n; i++) {
        *p++ = digits[bytes[i] >> 4];
        *p++ = digits[bytes[i] & 15];
    }
    *p = '\0';
}

void hasher_done(struct hasher *hasher)
{
    EVP_MD_CTX_free(hasher->state);
    hasher->state = NULL;
}
