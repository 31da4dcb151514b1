#pragma once
/*
 * Platforms of images, "linux/arm64/v8": os, architecture and variant in Go's words (OCI image-spec, image-index.md),
 * and which of several images a machine runs best.
 */
#include "base/err.h"

#include <stddef.h>

#define PLATFORM_PART_MAX 31
#define PLATFORM_MAX      (3 * (PLATFORM_PART_MAX + 1))

/* A value: nothing to free. Always in canonical words: amd64 for x86_64, arm64 without v8, arm with v7 where none is
 * said. */
struct platform {
    char os[PLATFORM_PART_MAX + 1];
    char architecture[PLATFORM_PART_MAX + 1];
    char variant[PLATFORM_PART_MAX + 1]; /* "" where the architecture has none */
};

/* The machine this runs on, from uname(2). */
void platform_host(struct platform *ret);
/* "linux/arm/v7", "linux/amd64", or an architecture alone ("arm64"), which means linux. ERR_INVALID. */
int platform_parse(const char *text, struct platform *ret, struct err *err);
/* From an image's own fields (NULL where absent), brought to canonical words. Parts that are too long are cut. */
void platform_set(struct platform *ret, const char *os, const char *architecture, const char *variant);
void platform_format(const struct platform *platform, char text[PLATFORM_MAX]);

/*
 * How well a machine (or a wish) runs an image made for candidate: 0 is exact, more is worse, -1 is not at all. An
 * ARMv7 runs v6 and v5, an arm64 runs arm too, an amd64 of level v3 runs v2 and v1; 386 on amd64 comes last.
 */
int platform_rank(const struct platform *wanted, const struct platform *candidate);
