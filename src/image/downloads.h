#pragma once
/*
 * Blobs from a registry, several at once: each into an unnamed file, hashed on the way, resumed with Range after a cut
 * connection, with growing pauses. For workers.
 */
#include "codec/digest.h"
#include "image/manifest.h"
#include "image/registry.h"

enum download_state { DOWNLOAD_QUEUED, DOWNLOAD_RUNNING, DOWNLOAD_PAUSED, DOWNLOAD_DONE };

struct download {
    const struct descriptor *blob;
    void *owner; /* the caller's */

    /* The rest is downloads.c's; file and have may be read. */
    enum download_state state;
    int file;     /* owned; the blob once it is done */
    int64_t have; /* bytes */
    int64_t resumed_from;
    int64_t next_ms; /* when a paused one goes on (monotonic) */
    unsigned tries;  /* without a byte of progress */
    bool renewed;    /* the token, once */
    struct hasher hasher;
    CURL *curl;
    struct curl_slist *headers;
    char detail[CURL_ERROR_SIZE];
    struct buf refusal; /* the body of an answer that is no blob */
    long retry_after_s;
    int64_t range_start; /* of Content-Range; -1 where there is none */
    struct challenge challenge;
    struct downloads *all;
    struct err err;
    bool failed; /* err says why */
};

struct downloads {
    struct registry *registry;
    CURLM *multi;
    int folder;      /* for the files; borrowed */
    int64_t reserve; /* bytes to leave free there */
    unsigned max;    /* at once */
    unsigned running;
    struct download **items; /* the caller's */
    size_t count;
};

/* Fetches all of items (zeroed but for blob and owner), max at once, as downloads_next() is called. */
void downloads_open(struct downloads *downloads, struct registry *registry, int folder, int64_t reserve, unsigned max,
                    struct download **items, size_t count);
void downloads_close(struct downloads *downloads);

/*
 * Works until a blob is done (1, *ret), until timeout_ms or until fd (negative: none) can be read (0), or until one has
 * failed for good (negative).
 */
int downloads_next(struct downloads *downloads, int timeout_ms, int fd, struct download **ret, struct err *err);
