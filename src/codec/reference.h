#pragma once
/*
 * Image references, "registry.example:5000/team/app:1.2@sha256:…", in the grammar of Docker and OCI distribution
 * (github.com/distribution/reference) with Docker's normalisation:
 *
 *     nginx                    → docker.io/library/nginx
 *     team/app:1.2             → docker.io/team/app:1.2
 *     localhost/app            → localhost/app
 *     index.docker.io/nginx    → docker.io/library/nginx
 *
 * The first part is a registry where it has a dot, a colon, or an upper-case letter, or is "localhost".
 */
#include "base/err.h"
#include "codec/digest.h"

#include <stdbool.h>

#define REFERENCE_DOMAIN_MAX 255 /* bytes of registry and port */
#define REFERENCE_PATH_MAX   255 /* bytes of the repository's path */
#define REFERENCE_TAG_MAX    128
#define REFERENCE_MAX        (REFERENCE_DOMAIN_MAX + REFERENCE_PATH_MAX + REFERENCE_TAG_MAX + DIGEST_SIZE + 4)

/* A value: nothing to free. */
struct reference {
    char domain[REFERENCE_DOMAIN_MAX + 1]; /* "docker.io", "localhost:5000", "[::1]:5000" */
    char path[REFERENCE_PATH_MAX + 1];     /* "library/nginx" */
    char tag[REFERENCE_TAG_MAX + 1];       /* "" where none was given */
    char digest[DIGEST_SIZE];              /* "" where none was given */
};

/* Parses and normalises; adds no tag. A text of 64 hex digits is an image ID and no reference. ERR_INVALID. */
int reference_parse(const char *text, struct reference *ret, struct err *err);
/* Gives it the tag "latest" where it has neither tag nor digest. */
void reference_default_tag(struct reference *reference);

/* "docker.io/library/nginx": domain and path, without tag and digest. */
void reference_name(const struct reference *reference, char text[REFERENCE_MAX]);
/* All of it, with tag and digest where present: "docker.io/library/nginx:latest". reference_parse() reads it back. */
void reference_format(const struct reference *reference, char text[REFERENCE_MAX]);
/* As people write it and Docker shows it: "nginx:latest", "team/app:1.2", "localhost:5000/app". */
void reference_familiar(const struct reference *reference, char text[REFERENCE_MAX]);
/* The familiar form without tag and digest. */
void reference_familiar_name(const struct reference *reference, char text[REFERENCE_MAX]);

/* The host to speak to: the domain, but "registry-1.docker.io" for Docker Hub. */
const char *reference_registry_host(const struct reference *reference);
