#pragma once
/*
 * A registry over HTTP (OCI distribution-spec v1.1; Docker's token authentication). Blocks: for workers. Transport and
 * authentication are here; downloads.h fetches blobs on top of it.
 */
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "codec/reference.h"
#include "image/challenge.h"
#include "image/credentials.h"

#include <curl/curl.h>
#include <stdbool.h>
#include <stdint.h>

struct registry_options {
    const struct reference *reference;
    const struct credentials *credentials;
    const char *const *certificate_folders; /* with a folder for each host: *.crt, *.cert with *.key; NULL-terminated */
    bool insecure;                          /* HTTP will do, and a certificate that nobody vouches for */
};

struct registry {
    const struct reference *reference;
    const struct credentials *credentials;
    struct arena arena;
    const char *host; /* host:port to speak to */
    const char *base; /* "https://host:port", once it is known which */
    bool insecure, loopback;
    struct challenge challenge;
    char *authorization;     /* the header's value, NULL where none is wanted; in the arena */
    char *authorities;       /* PEM: the system's and the registry's own; NULL: libcurl's default */
    char *certificate, *key; /* PEM of the client's, NULL without */
};

/*
 * Reads certificates. Must come before the process gives up its rights to files; registry_connect() may come after.
 */
int registry_open(struct registry *registry, const struct registry_options *options, struct err *err);
void registry_close(struct registry *registry);

/* Finds out how to speak to it (HTTPS; HTTP for loopback or where insecure), and gets a token. */
int registry_connect(struct registry *registry, struct err *err);

struct registry_reply {
    long status;
    struct buf body;
    char content_type[256], digest[DIGEST_SIZE]; /* of the headers; "" where absent */
    long retry_after_s;                          /* 0 where it does not say */
    struct challenge challenge;
};

/*
 * GET of a manifest by tag or digest, with retries and a renewed token; its digest is checked against the wanted one
 * and the server's word. body has at most MANIFEST_MAX bytes. ERR_NOT_FOUND, ERR_DENIED, ERR_LIMIT (too many requests),
 * ERR_UNAVAILABLE.
 */
int registry_get_manifest(struct registry *registry, const char *tag_or_digest, struct registry_reply *reply,
                          char ret_digest[DIGEST_SIZE], struct err *err);
void registry_reply_done(struct registry_reply *reply);

/* A handle with TLS, timeouts and redirects as this registry wants them, for url. headers: to be freed by the caller.
 */
CURL *registry_handle(struct registry *registry, const char *url, const char *accept, struct curl_slist **ret_headers);
/* Gets a new token after a 401 with this challenge. */
int registry_authenticate(struct registry *registry, const struct challenge *challenge, struct err *err);
/* The error that a status other than success means for what ("nginx:latest"). body may have the registry's own words.
 */
int registry_refused(struct registry *registry, long status, const char *body, const char *what, struct err *err);
/* What curl could not do. */
int registry_curl_failed(const struct registry *registry, CURLcode code, const char *detail, struct err *err);
/* Is it worth another try? */
bool registry_is_transient(CURLcode code, long status);

#define REGISTRY_TRIES 5
/* Waits before try number n (from 1): 0.5 s doubling, with a random part, or what the server asked for. */
int64_t registry_backoff_ms(unsigned n, long retry_after_s);
