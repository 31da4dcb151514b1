#pragma once
/*
 * Manifests and lists of them: OCI image-spec manifest.md and image-index.md, Docker's image manifest version 2,
 * schema 2. Schema 1 is refused by name. Pure.
 */
#include "base/arena.h"
#include "base/err.h"
#include "codec/fields.h"
#include "codec/platform.h"

#define MANIFEST_MAX ((size_t)4 << 20) /* bytes */
#define MANIFEST_ACCEPT                                                                                                \
    "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, "                            \
    "application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.docker.distribution.manifest.v2+json"

struct descriptor_platform {
    char *architecture, *os, *variant, *os_version;
};

struct descriptor {
    char *media_type;
    char *digest; /* valid */
    int64_t size; /* bytes, never negative */
    struct pairs annotations;
    struct descriptor_platform platform; /* of a list's members */
};

struct manifest {
    int schema_version;
    char *media_type; /* NULL where the document does not say */
    bool is_list;
    struct descriptor config;         /* of an image */
    VEC(struct descriptor) layers;    /* of an image, the lowest first */
    VEC(struct descriptor) manifests; /* of a list */
};

/*
 * Reads and checks one. content_type: what the server called it; NULL where nobody did. Where a document could be read
 * in two ways (it has layers and manifests, or calls itself something else than the server does) it is refused
 * (CVE-2021-41190).
 */
int manifest_read(const char *text, size_t size, const char *content_type, struct arena *arena, struct manifest *ret,
                  const char *what, struct err *err);

/* The member of a list that suits the platform best. ERR_NOT_FOUND lists those that there are. */
const struct descriptor *manifest_choose(const struct manifest *list, const struct platform *wanted, struct err *err);
