#include "image/downloads.h"

#include "base/clock.h"
#include "base/str.h"
#include "image/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <strings.h>
#include <sys/types.h>
#include <unistd.h>

#define REFUSAL_MAX ((size_t)64 * 1024)
#define CHECK_EVERY ((int64_t)16 << 20)

void downloads_open(struct downloads *downloads, struct registry *registry, int folder, int64_t reserve, unsigned max,
                    struct download **items, size_t count)
{
    *downloads = (struct downloads){.registry = registry,
                                    .multi = curl_multi_init(),
                                    .folder = folder,
                                    .reserve = reserve,
                                    .max = max,
                                    .items = items,
                                    .count = count};
    for (size_t i = 0; i < count; i++) {
        items[i]->file = -1;
        items[i]->all = downloads;
        items[i]->refusal = BUF(REFUSAL_MAX);
    }
}

static void drop_handle(struct download *d)
{
    if (!d->curl)
        return;
    (void)curl_multi_remove_handle(d->all->multi, d->curl);
    curl_easy_cleanup(d->curl);
    curl_slist_free_all(d->headers);
    d->curl = NULL;
    d->all->running--;
}

void downloads_close(struct downloads *downloads)
{
    for (size_t i = 0; i < downloads->count; i++) {
        struct download *d = downloads->items[i];
        drop_handle(d);
        close_fd(&d->file);
        hasher_done(&d->hasher);
        buf_done(&d->refusal);
    }
    (void)curl_multi_cleanup(downloads->multi);
}

/* --- Receiving -----------------------------------------------------------------------------------------------------
 */

/* Forgets what is there: the next byte is the first. */
static void start_over(struct download *d)
{
    d->have = 0;
    (void)ftruncate(d->file, 0);
    hasher_init(&d->hasher, digest_algorithm(d->blob->digest));
}

static bool header_is(const char *line, size_t size, const char *name)
{
    size_t n = strlen(name);
    return size > n && strncasecmp(line, name, n) == 0;
}

static size_t on_header(char *line, size_t one, size_t size, void *data)
{
    struct download *d = data;
    char text[512];
    (void)snprintf(text, sizeof(text), "%.*s", (int)size, line);
    if (str_starts(text, "HTTP/")) {
        d->range_start = -1;
        d->retry_after_s = 0;
        d->challenge = (struct challenge){0};
    } else if (header_is(line, size, "Content-Range:")) {
        (void)sscanf(text + strlen("Content-Range:"), " bytes %ld-", &d->range_start);
    } else if (header_is(line, size, "Retry-After:")) {
        d->retry_after_s = strtol(text + strlen("Retry-After:"), NULL, 10);
    } else if (header_is(line, size, "WWW-Authenticate:")) {
        size_t n = strlen("WWW-Authenticate:");
        size_t end = size;
        while (end > n && (line[end - 1] == '\r' || line[end - 1] == '\n'))
            end--;
        (void)challenge_read(line + n, end - n, &d->challenge);
    }
    return size;
}

static int fail(struct download *d, enum err_kind kind, const char *text)
{
    d->failed = true;
    return err_set(&d->err, kind, "%s: %s", d->blob->digest, text);
}

static int store(struct download *d, const char *bytes, size_t size)
{
    if (d->have + (int64_t)size > d->blob->size)
        return fail(d, ERR_INVALID, "the blob is longer than its manifest says");
    if ((d->have / CHECK_EVERY != (d->have + (int64_t)size) / CHECK_EVERY || d->have == 0) &&
        spool_check_space(d->all->folder, d->all->reserve, &d->err) < 0) {
        d->failed = true;
        return -1;
    }
    for (size_t done = 0; done < size;) {
        ssize_t n = pwrite(d->file, bytes + done, size - done, (off_t)d->have);
        if (n <= 0) {
            d->failed = true;
            return err_errno(&d->err, n < 0 ? errno : ENOSPC, "cannot write a layer's blob");
        }
        hasher_add(&d->hasher, bytes + done, (size_t)n);
        d->have += n;
        done += (size_t)n;
    }
    return 0;
}

static size_t on_body(char *bytes, size_t one, size_t size, void *data)
{
    struct download *d = data;
    long status = 0;
    (void)curl_easy_getinfo(d->curl, CURLINFO_RESPONSE_CODE, &status);
    if (status != 200 && status != 206) {
        buf_add(&d->refusal, bytes, size);
        return size;
    }
    /* Asked for the rest, given the whole (or another part): what is there is worth nothing. */
    if (d->have == d->resumed_from && d->have > 0 && (status == 200 || d->range_start != d->have)) {
        if (status == 206) {
            (void)fail(d, ERR_INVALID, "the registry sends another part of the blob than it was asked for");
            return 0;
        }
        start_over(d);
        d->resumed_from = 0;
    }
    return store(d, bytes, size) < 0 ? 0 : size;
}

/* --- Starting ------------------------------------------------------------------------------------------------------
 */

static int start(struct download *d, struct err *err)
{
    struct registry *r = d->all->registry;
    char range[48];
    if (d->file < 0) {
        d->file = openat(d->all->folder, ".", O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
        if (d->file < 0)
            return err_errno(err, errno, "cannot make a file in the staging folder");
        start_over(d);
    }
    const char *url = arena_printf(&r->arena, "%s/v2/%s/blobs/%s", r->base, r->reference->path, d->blob->digest);
    d->curl = registry_handle(r, url, NULL, &d->headers);
    d->resumed_from = d->have;
    d->range_start = -1;
    buf_reset(&d->refusal);
    if (d->have > 0) {
        (void)snprintf(range, sizeof(range), "%lld-", (long long)d->have);
        (void)curl_easy_setopt(d->curl, CURLOPT_RANGE, range);
    }
    d->detail[0] = '\0';
    (void)curl_easy_setopt(d->curl, CURLOPT_ERRORBUFFER, d->detail);
    (void)curl_easy_setopt(d->curl, CURLOPT_HEADERFUNCTION, on_header);
    (void)curl_easy_setopt(d->curl, CURLOPT_HEADERDATA, d);
    (void)curl_easy_setopt(d->curl, CURLOPT_WRITEFUNCTION, on_body);
    (void)curl_easy_setopt(d->curl, CURLOPT_WRITEDATA, d);
    (void)curl_easy_setopt(d->curl, CURLOPT_PRIVATE, d);
    (void)curl_multi_add_handle(d->all->multi, d->curl);
    d->all->running++;
    d->state = DOWNLOAD_RUNNING;
    return 0;
}

/* Starts what may start now. *ret_wait_ms shrinks to the next paused one's time. */
static int start_some(struct downloads *ds, int *ret_wait_ms, struct err *err)
{
    int64_t now = clock_monotonic_ms();
    for (size_t i = 0; i < ds->count && ds->running < ds->max; i++) {
        struct download *d = ds->items[i];
        if (d->state == DOWNLOAD_PAUSED && d->next_ms > now) {
            if (d->next_ms - now < *ret_wait_ms)
                *ret_wait_ms = (int)(d->next_ms - now);
        } else if (d->state == DOWNLOAD_QUEUED || d->state == DOWNLOAD_PAUSED) {
            if (start(d, err) < 0)
                return -1;
        }
    }
    return 0;
}

/* --- Ending --------------------------------------------------------------------------------------------------------
 */

static void pause_for(struct download *d, unsigned tries)
{
    d->state = DOWNLOAD_PAUSED;
    d->next_ms = clock_monotonic_ms() + registry_backoff_ms(tries ? tries : 1, d->retry_after_s);
}

/* The bytes are all there: are they the right ones? */
static int verify(struct download *d, struct err *err)
{
    char digest[DIGEST_SIZE];
    hasher_finish(&d->hasher, digest);
    if (str_eq(digest, d->blob->digest)) {
        d->state = DOWNLOAD_DONE;
        return 1;
    }
    if (d->resumed_from > 0 && ++d->tries < REGISTRY_TRIES) {
        /* Perhaps the parts were of two blobs; the whole may be right. */
        start_over(d);
        pause_for(d, d->tries);
        return 0;
    }
    return err_set(err, ERR_INVALID, "wrong blob: its digest is %s and should be %s", digest, d->blob->digest);
}

/* What came of one request: 1 done, 0 goes on later, negative failed for good. */
static int judge(struct download *d, CURLcode code, long status, struct err *err)
{
    struct registry *r = d->all->registry;
    if (d->failed) {
        *err = d->err;
        return -1;
    }
    bool content = status == 200 || status == 206;
    if (code == CURLE_OK && content && d->have == d->blob->size)
        return verify(d, err);
    if (d->have > d->resumed_from)
        d->tries = 0;
    if (status == 401 && !d->renewed) {
        d->renewed = true;
        d->state = DOWNLOAD_QUEUED;
        return registry_authenticate(r, &d->challenge, err);
    }
    if (status == 416) /* what is there is longer than the blob: begin again */
        start_over(d);
    bool cut = code == CURLE_OK && content;
    if ((cut || status == 416 || registry_is_transient(code, status)) && ++d->tries < REGISTRY_TRIES) {
        pause_for(d, d->tries);
        return 0;
    }
    if (cut)
        return err_set(err, ERR_UNAVAILABLE, "%s: the connection ends before the blob does", d->blob->digest);
    if (code != CURLE_OK)
        return registry_curl_failed(r, code, d->detail, err);
    if (status == 404)
        return err_set(err, ERR_NOT_FOUND, "%s lacks the blob %s", r->host, d->blob->digest);
    return registry_refused(r, status, buf_str(&d->refusal), d->blob->digest, err);
}

static int take_message(struct downloads *ds, const CURLMsg *message, struct download **ret, struct err *err)
{
    struct download *d;
    long status = 0;
    CURLcode code = message->data.result;
    (void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&d);
    (void)curl_easy_getinfo(message->easy_handle, CURLINFO_RESPONSE_CODE, &status);
    drop_handle(d);
    *ret = d;
    return judge(d, code, status, err);
}

int downloads_next(struct downloads *downloads, int timeout_ms, int fd, struct download **ret, struct err *err)
{
    int active, left;
    if (start_some(downloads, &timeout_ms, err) < 0)
        return -1;
    for (bool waited = false;; waited = true) {
        const CURLMsg *message;
        (void)curl_multi_perform(downloads->multi, &active);
        while ((message = curl_multi_info_read(downloads->multi, &left))) {
            int r = message->msg == CURLMSG_DONE ? take_message(downloads, message, ret, err) : 0;
            if (r != 0)
                return r;
        }
        if (waited)
            return 0;
        struct curl_waitfd extra = {.fd = fd, .events = CURL_WAIT_POLLIN};
        (void)curl_multi_poll(downloads->multi, &extra, fd >= 0 ? 1 : 0, timeout_ms, NULL);
    }
}
