#pragma once
/*
 * Content digests in their text form, "sha256:" or "sha512:" and lower-case hex (OCI image-spec, descriptor.md,
 * "Digests").
 *
 *     struct hasher hasher cleanup(hasher_done) = {0};
 *     hasher_init(&hasher, DIGEST_SHA256);
 *     hasher_add(&hasher, data, size);
 *     hasher_finish(&hasher, digest);
 */
#include <stdbool.h>
#include <stddef.h>

enum digest_algorithm { DIGEST_SHA256, DIGEST_SHA512, DIGEST_ALGORITHM_COUNT };

#define DIGEST_SIZE        136 /* of the longest text, sha512, with its NUL */
#define DIGEST_SHA256_SIZE 72  /* of a sha256 text with its NUL */

/* A digest of a known algorithm with the right number of lower-case hex digits? */
bool digest_is_valid(const char *text);
/* The algorithm of a valid digest. */
enum digest_algorithm digest_algorithm(const char *text);
/* The hex digits of a valid digest. */
const char *digest_hex(const char *text);

/* The sha256 digest of data. */
void digest_of(const void *data, size_t size, char digest[DIGEST_SHA256_SIZE]);
/* Does data have this (valid) digest, whatever its algorithm? */
bool digest_matches(const char *digest, const void *data, size_t size);

/* A digest in the making. */
struct hasher {
    void *state; /* owned */
    enum digest_algorithm algorithm;
};

/* Starts over when it was in use. */
void hasher_init(struct hasher *hasher, enum digest_algorithm algorithm);
void hasher_add(struct hasher *hasher, const void *data, size_t size);
/* Ends it: hasher_init() comes before the next hasher_add(). */
void hasher_finish(struct hasher *hasher, char digest[DIGEST_SIZE]);
void hasher_done(struct hasher *hasher);
