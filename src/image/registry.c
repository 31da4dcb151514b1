#include "image/registry.h"

#include "base/mem.h"
#include "base/str.h"
#include "codec/base64.h"
#include "codec/json.h"
#include "image/manifest.h"
#include "image/registry_tls.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#define CONNECT_TIMEOUT_S 20L
#define STALL_S           60L /* without a byte */
#define REDIRECTS_MAX     10L
#define RETRY_AFTER_MAX_S 60

/* --- Opening -------------------------------------------------------------------------------------------------------
 */

/* "127.0.0.1:5000", "[::1]:5000", "localhost". */
static bool is_loopback(const char *host)
{
    size_t n = host[0] == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":");
    if (n == 9 && strncasecmp(host, "localhost", n) == 0)
        return true;
    if (n == 5 && strncmp(host, "[::1]", n) == 0)
        return true;
    return strncmp(host, "127.", 4) == 0 && strspn(host, "0123456789.") == n;
}

int registry_open(struct registry *registry, const struct registry_options *options, struct err *err)
{
    const char *host = reference_registry_host(options->reference);
    *registry = (struct registry){.reference = options->reference,
                                  .credentials = options->credentials,
                                  .host = host,
                                  .insecure = options->insecure,
                                  .loopback = is_loopback(host)};
    return registry_read_certificates(registry, options->certificate_folders, err);
}

void registry_close(struct registry *registry)
{
    arena_done(&registry->arena);
}

/* --- Errors --------------------------------------------------------------------------------------------------------
 */

bool registry_is_transient(CURLcode code, long status)
{
    switch (code) {
    case CURLE_OK:
        return status == 429 || status == 408 || status >= 500;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
    case CURLE_PARTIAL_FILE:
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
        return true;
    default:
        return false;
    }
}

int64_t registry_backoff_ms(unsigned n, long retry_after_s)
{
    if (retry_after_s > 0)
        return (retry_after_s < RETRY_AFTER_MAX_S ? retry_after_s : RETRY_AFTER_MAX_S) * 1000;
    int64_t ms = (int64_t)500 << (n < 6 ? n - 1 : 5);
    return ms + random() % (ms / 4);
}

int registry_curl_failed(const struct registry *registry, CURLcode code, const char *detail, struct err *err)
{
    const char *text = str_empty(detail) ? curl_easy_strerror(code) : detail;
    bool certificate = code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE;
    if (certificate)
        return err_set(err, ERR_DENIED,
                       "the certificate of %s cannot be trusted: %s (put its authority into "
                       "/etc/shoal/certs.d/%s/ca.crt, or list it as an insecure registry)",
                       registry->host, text, registry->reference->domain);
    return err_set(err, code == CURLE_OPERATION_TIMEDOUT ? ERR_TIMEOUT : ERR_UNAVAILABLE, "cannot reach %s: %s",
                   registry->host, text);
}

/* The registry's own words: {"errors": [{"code", "message"}]}. */
static void own_words(const char *body, char *text, size_t size)
{
    struct err ignored;
    json_value *value cleanup(json_freep) = body ? json_parse(body, strlen(body), "the answer", &ignored) : NULL;
    const json_value *first = json_at(json_get(value, "errors"), 0);
    const char *message = json_get_text(first, "message");
    (void)snprintf(text, size, "%s", message ? message : "");
    for (char *p = text; *p; p++)
        if ((unsigned char)*p < ' ')
            *p = ' ';
}

int registry_refused(struct registry *registry, long status, const char *body, const char *what, struct err *err)
{
    char words[300], name[REFERENCE_MAX];
    own_words(body, words, sizeof(words));
    reference_familiar_name(registry->reference, name);
    switch (status) {
    case 401:
    case 403:
        return err_set(err, ERR_DENIED,
                       "pull access denied for %s, repository does not exist or may require 'docker login'%s%s", name,
                       *words ? ": " : "", words);
    case 404:
        return err_set(err, ERR_NOT_FOUND, "manifest for %s not found: %s", what, *words ? words : "manifest unknown");
    case 429:
        return err_set(err, ERR_UNAVAILABLE, "%s: too many requests: %s", registry->host,
                       *words ? words : "try again later");
    default:
        return err_set(err, status >= 500 ? ERR_UNAVAILABLE : ERR_INTERNAL, "%s answers %ld for %s%s%s", registry->host,
                       status, what, *words ? ": " : "", words);
    }
}

/* --- Requests ------------------------------------------------------------------------------------------------------
 */

static bool take_header(const char *line, size_t size, const char *name, char *ret, size_t ret_size)
{
    size_t n = strlen(name);
    if (size < n + 1 || strncasecmp(line, name, n) != 0 || line[n] != ':')
        return false;
    const char *value = line + n + 1, *end = line + size;
    while (value < end && (*value == ' ' || *value == '\t'))
        value++;
    while (end > value && (end[-1] == '\r' || end[-1] == '\n' || end[-1] == ' '))
        end--;
    (void)snprintf(ret, ret_size, "%.*s", (int)(end - value), value);
    return true;
}

static size_t on_header(char *line, size_t one, size_t size, void *data)
{
    struct registry_reply *reply = data;
    char value[4096];
    if (size > 5 && strncmp(line, "HTTP/", 5) == 0) { /* after a redirect all begins anew */
        reply->content_type[0] = reply->digest[0] = '\0';
        reply->retry_after_s = 0;
        reply->challenge = (struct challenge){0};
    }
    (void)take_header(line, size, "Content-Type", reply->content_type, sizeof(reply->content_type));
    (void)take_header(line, size, "Docker-Content-Digest", reply->digest, sizeof(reply->digest));
    if (take_header(line, size, "Retry-After", value, sizeof(value)))
        reply->retry_after_s = strtol(value, NULL, 10);
    if (take_header(line, size, "WWW-Authenticate", value, sizeof(value)))
        (void)challenge_read(value, strlen(value), &reply->challenge);
    return size;
}

static size_t on_body(char *bytes, size_t one, size_t size, void *data)
{
    struct registry_reply *reply = data;
    buf_add(&reply->body, bytes, size);
    return buf_failed(&reply->body) ? 0 : size;
}

CURL *registry_handle(struct registry *registry, const char *url, const char *accept, struct curl_slist **ret_headers)
{
    CURL *curl = curl_easy_init();
    struct curl_slist *headers = NULL;
    if (accept)
        headers = curl_slist_append(headers, arena_printf(&registry->arena, "Accept: %s", accept));
    /* libcurl keeps this header to itself when it is redirected to another host, port or protocol. */
    if (registry->authorization)
        headers =
            curl_slist_append(headers, arena_printf(&registry->arena, "Authorization: %s", registry->authorization));
    bool secure = str_starts(url, "https:");
    (void)curl_easy_setopt(curl, CURLOPT_URL, url);
    (void)curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    (void)curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_USERAGENT, "shoal/" SHOAL_VERSION);
    (void)curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    (void)curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, CONNECT_TIMEOUT_S);
    (void)curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, STALL_S);
    (void)curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_MAXREDIRS, REDIRECTS_MAX);
    (void)curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    (void)curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, secure ? "https" : "http,https");
    registry_set_tls(registry, curl);
    *ret_headers = headers;
    return curl;
}

void registry_reply_done(struct registry_reply *reply)
{
    buf_done(&reply->body);
}

/* One request, one answer. form: the body of a POST, or NULL. user: for Basic authentication, or NULL. */
static CURLcode request(struct registry *registry, const char *url, const char *accept, const char *form,
                        const char *userpwd, struct registry_reply *reply, char detail[CURL_ERROR_SIZE])
{
    struct curl_slist *headers;
    CURL *curl = registry_handle(registry, url, accept, &headers);
    detail[0] = '\0';
    buf_reset(&reply->body);
    (void)curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, detail);
    (void)curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
    (void)curl_easy_setopt(curl, CURLOPT_HEADERDATA, reply);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, reply);
    if (form)
        (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDS, form);
    if (userpwd) {
        (void)curl_easy_setopt(curl, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
        (void)curl_easy_setopt(curl, CURLOPT_USERPWD, userpwd);
    }
    CURLcode code = curl_easy_perform(curl);
    (void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &reply->status);
    curl_easy_cleanup(curl);
    curl_slist_free_all(headers);
    return code;
}

static void pause_ms(int64_t ms)
{
    struct timespec time = {ms / 1000, (ms % 1000) * 1000000};
    (void)nanosleep(&time, NULL);
}

/* The same with retries of what may pass. An answer of any status is success. */
static int request_patiently(struct registry *registry, const char *url, const char *accept, const char *form,
                             const char *userpwd, struct registry_reply *reply, struct err *err)
{
    char detail[CURL_ERROR_SIZE];
    for (unsigned n = 1;; n++) {
        CURLcode code = request(registry, url, accept, form, userpwd, reply, detail);
        if (buf_failed(&reply->body))
            return err_set(err, ERR_LIMIT, "%s answers with more than %zu bytes", registry->host, reply->body.max);
        if (n >= REGISTRY_TRIES || !registry_is_transient(code, reply->status))
            return code == CURLE_OK ? 0 : registry_curl_failed(registry, code, detail, err);
        pause_ms(registry_backoff_ms(n, reply->retry_after_s));
    }
}

/* --- Authentication ------------------------------------------------------------------------------------------------
 */

static void escape(struct buf *out, const char *key, const char *value)
{
    char *escaped = curl_easy_escape(NULL, value, 0);
    buf_printf(out, "%s%s=%s", out->size && !str_ends(buf_str(out), "?") ? "&" : "", key, escaped ? escaped : "");
    curl_free(escaped);
}

/* scope and service as the registry asked for them. */
static void add_scope(const struct registry *r, const struct challenge *c, struct buf *out)
{
    char scope[CHALLENGE_VALUE_MAX];
    (void)snprintf(scope, sizeof(scope), "repository:%s:pull", r->reference->path);
    if (*c->service)
        escape(out, "service", c->service);
    escape(out, "scope", *c->scope ? c->scope : scope);
}

static int take_token(struct registry *r, const struct registry_reply *reply, struct err *err)
{
    json_value *value cleanup(json_freep) =
        json_parse(buf_str(&reply->body), reply->body.size, "the token server's answer", err);
    const char *token = json_get_text(value, "token");
    if (!token)
        token = json_get_text(value, "access_token");
    if (!value)
        return -1;
    if (str_empty(token) || strpbrk(token, "\r\n"))
        return err_set(err, ERR_DENIED, "the token server of %s gives no token", r->host);
    r->authorization = arena_printf(&r->arena, "Bearer %s", token);
    return 0;
}

/* https://distribution.github.io/distribution/spec/auth/: GET with Basic, or an OAuth2 POST for an identity token. */
static int fetch_token(struct registry *r, const struct challenge *c, struct err *err)
{
    const struct credentials *who = r->credentials;
    struct registry_reply reply cleanup(registry_reply_done) = {.body = BUF(MANIFEST_MAX)};
    struct buf url cleanup(buf_done) = BUF(16 * 1024), form cleanup(buf_done) = BUF(64 * 1024);
    bool secure = str_starts(c->realm, "https://");
    if (!secure && !(str_starts(c->realm, "http://") && str_starts(r->base, "http://")))
        return err_set(err, ERR_DENIED, "%s sends to a token server without TLS: %.200s", r->host, c->realm);
    buf_adds(&url, c->realm);
    char *user = who->username ? mem_printf("%s:%s", who->username, who->password ? who->password : "") : NULL;
    cleanup_free char *owned = user;
    r->authorization = NULL;
    if (who->identity_token) {
        escape(&form, "grant_type", "refresh_token");
        escape(&form, "refresh_token", who->identity_token);
        escape(&form, "client_id", "shoal");
        add_scope(r, c, &form);
    } else {
        buf_addc(&url, strchr(c->realm, '?') ? '&' : '?');
        add_scope(r, c, &url);
        if (who->username)
            escape(&url, "account", who->username);
    }
    if (request_patiently(r, buf_str(&url), NULL, form.size ? buf_str(&form) : NULL, form.size ? NULL : user, &reply,
                          err) < 0)
        return err_wrap(err, "token server %.200s", c->realm);
    if (reply.status != 200)
        return registry_refused(r, reply.status == 404 ? 403 : reply.status, buf_str(&reply.body), "a token", err);
    return take_token(r, &reply, err);
}

static int use_basic(struct registry *r)
{
    struct buf pair cleanup(buf_done) = BUF(64 * 1024), encoded cleanup(buf_done) = BUF(128 * 1024);
    const struct credentials *who = r->credentials;
    buf_printf(&pair, "%s:%s", who->username, who->password ? who->password : "");
    base64_encode(buf_str(&pair), pair.size, &encoded);
    r->authorization = arena_printf(&r->arena, "Basic %s", buf_str(&encoded));
    return 0;
}

int registry_authenticate(struct registry *registry, const struct challenge *challenge, struct err *err)
{
    const struct credentials *who = registry->credentials;
    if (who->registry_token) {
        registry->authorization = arena_printf(&registry->arena, "Bearer %s", who->registry_token);
        return 0;
    }
    if (challenge->bearer)
        return fetch_token(registry, challenge, err);
    if (!challenge->basic || !who->username)
        return registry_refused(registry, 401, NULL, "", err);
    return use_basic(registry);
}

/* --- Connecting ----------------------------------------------------------------------------------------------------
 */

/* Does the other side speak no TLS at all? (A certificate that does not hold is another matter.) */
static bool speaks_no_tls(CURLcode code)
{
    return code == CURLE_SSL_CONNECT_ERROR || code == CURLE_GOT_NOTHING || code == CURLE_RECV_ERROR ||
           code == CURLE_COULDNT_CONNECT || code == CURLE_SEND_ERROR;
}

static int greet(struct registry *r, struct registry_reply *reply, struct err *err)
{
    char detail[CURL_ERROR_SIZE];
    const char *url = arena_printf(&r->arena, "https://%s/v2/", r->host);
    r->base = arena_printf(&r->arena, "https://%s", r->host);
    if (r->insecure || r->loopback) {
        CURLcode code = request(r, url, NULL, NULL, NULL, reply, detail);
        if (code == CURLE_OK)
            return 0;
        if (!speaks_no_tls(code))
            return registry_curl_failed(r, code, detail, err);
        r->base = arena_printf(&r->arena, "http://%s", r->host);
        url = arena_printf(&r->arena, "http://%s/v2/", r->host);
    }
    return request_patiently(r, url, NULL, NULL, NULL, reply, err);
}

int registry_connect(struct registry *registry, struct err *err)
{
    struct registry_reply reply cleanup(registry_reply_done) = {.body = BUF(MANIFEST_MAX)};
    if (greet(registry, &reply, err) < 0)
        return -1;
    if (reply.status == 401)
        return registry_authenticate(registry, &reply.challenge, err);
    if (reply.status == 200)
        return 0;
    return reply.status == 404 ? err_set(err, ERR_UNSUPPORTED, "%s is no registry: it has no /v2/", registry->host)
                               : registry_refused(registry, reply.status, buf_str(&reply.body), registry->host, err);
}

/* --- Manifests -----------------------------------------------------------------------------------------------------
 */

static int check_digest(const struct registry_reply *reply, const char *wanted, char ret[DIGEST_SIZE], struct err *err)
{
    const char *claimed = digest_is_valid(wanted) ? wanted : digest_is_valid(reply->digest) ? reply->digest : NULL;
    if (claimed && !digest_matches(claimed, buf_str(&reply->body), reply->body.size))
        return err_set(err, ERR_INVALID, "wrong manifest: it should have the digest %s, and has not", claimed);
    if (claimed)
        (void)snprintf(ret, DIGEST_SIZE, "%s", claimed);
    else
        digest_of(buf_str(&reply->body), reply->body.size, ret);
    return 0;
}

int registry_get_manifest(struct registry *registry, const char *tag_or_digest, struct registry_reply *reply,
                          char ret_digest[DIGEST_SIZE], struct err *err)
{
    const char *url = arena_printf(&registry->arena, "%s/v2/%s/manifests/%s", registry->base, registry->reference->path,
                                   tag_or_digest);
    char what[REFERENCE_MAX];
    reference_familiar(registry->reference, what);
    *reply = (struct registry_reply){.body = BUF(MANIFEST_MAX)};
    if (request_patiently(registry, url, MANIFEST_ACCEPT, NULL, NULL, reply, err) < 0)
        return -1;
    if (reply->status == 401) {
        struct challenge challenge = reply->challenge;
        if (registry_authenticate(registry, &challenge, err) < 0 ||
            request_patiently(registry, url, MANIFEST_ACCEPT, NULL, NULL, reply, err) < 0)
            return -1;
    }
    if (reply->status != 200)
        return registry_refused(registry, reply->status, buf_str(&reply->body), what, err);
    return check_digest(reply, tag_or_digest, ret_digest, err);
}
