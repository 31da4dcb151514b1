#include "codec/reference.h"

#include "base/str.h"

#include <stdio.h>

#define DEFAULT_DOMAIN "docker.io"
#define LEGACY_DOMAIN  "index.docker.io"
#define OFFICIAL       "library/"

static bool is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

static bool is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_alnum(char c)
{
    return is_lower(c) || is_upper(c) || is_digit(c);
}

static bool has_upper(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (is_upper(s[i]))
            return true;
    return false;
}

static bool reference_tag_is_valid(const char *tag)
{
    size_t n = strlen(tag);
    if (n == 0 || n > REFERENCE_TAG_MAX || !(is_alnum(tag[0]) || tag[0] == '_'))
        return false;
    for (size_t i = 1; i < n; i++)
        if (!is_alnum(tag[i]) && !strchr("_.-", tag[i]))
            return false;
    return true;
}

/* alpha-numeric [separator alpha-numeric]*, where a separator is '.', '_', '__', or any number of '-'. */
static bool path_component_is_valid(const char *s, size_t n)
{
    size_t i = 0;
    for (;;) {
        size_t start = i;
        while (i < n && (is_lower(s[i]) || is_digit(s[i])))
            i++;
        if (i == start)
            return false;
        if (i == n)
            return true;
        if (s[i] == '-')
            while (i < n && s[i] == '-')
                i++;
        else if (s[i] == '.')
            i++;
        else if (s[i] == '_')
            i += i + 1 < n && s[i + 1] == '_' ? 2 : 1;
        else
            return false;
    }
}

static bool path_is_valid(const char *path)
{
    for (const char *p = path;;) {
        size_t n = strcspn(p, "/");
        if (!path_component_is_valid(p, n))
            return false;
        if (!p[n])
            return true;
        p += n + 1;
    }
}

/* Letters, digits and inner dashes. */
static bool domain_label_is_valid(const char *s, size_t n)
{
    if (n == 0 || !is_alnum(s[0]) || !is_alnum(s[n - 1]))
        return false;
    for (size_t i = 0; i < n; i++)
        if (!is_alnum(s[i]) && s[i] != '-')
            return false;
    return true;
}

static bool domain_name_is_valid(const char *s, size_t n)
{
    size_t start = 0;
    for (size_t i = 0; i <= n; i++) {
        if (i < n && s[i] != '.')
            continue;
        if (!domain_label_is_valid(s + start, i - start))
            return false;
        start = i + 1;
    }
    return true;
}

/* host [":" port], the host a name, an IPv4 address, or an IPv6 address in brackets. */
static bool domain_is_valid(const char *domain)
{
    size_t host;
    if (domain[0] == '[') {
        size_t n = strspn(domain + 1, "0123456789abcdefABCDEF:");
        if (n == 0 || domain[n + 1] != ']')
            return false;
        host = n + 2;
    } else {
        host = strcspn(domain, ":");
        if (!domain_name_is_valid(domain, host))
            return false;
    }
    if (!domain[host])
        return true;
    const char *port = domain + host + 1;
    return domain[host] == ':' && *port && strspn(port, "0123456789") == strlen(port);
}

static int refuse(const char *text, const char *why, struct err *err)
{
    return err_set(err, ERR_INVALID, "invalid reference format: \"%.300s\": %s", text, why);
}

/* Copies n bytes of part where they fit into size with their NUL; what is left of to is zeroed. */
static bool copy_part(char *to, size_t size, const char *part, size_t n)
{
    if (n >= size)
        return false;
    memset(to, 0, size);
    memcpy(to, part, n);
    return true;
}

/* Cuts "@digest" off text: *ret_length is what remains in front of it. */
static int cut_digest(const char *text, struct reference *ret, size_t *ret_length, struct err *err)
{
    const char *at = strchr(text, '@');
    *ret_length = at ? (size_t)(at - text) : strlen(text);
    if (!at)
        return 0;
    if (!digest_is_valid(at + 1))
        return refuse(text, "after '@' stands sha256: and 64 lower-case hex digits, or sha512: and 128", err);
    (void)copy_part(ret->digest, sizeof(ret->digest), at + 1, strlen(at + 1));
    return 0;
}

/* Is what stands before the first slash a registry? */
static bool is_domain(const char *s, size_t n)
{
    return memchr(s, '.', n) || memchr(s, ':', n) || (n == 9 && memcmp(s, "localhost", 9) == 0) || has_upper(s, n);
}

/* Splits name (n bytes: everything before tag and digest) into domain and path. */
static int split_name(const char *text, const char *name, size_t n, struct reference *ret, struct err *err)
{
    const char *slash = memchr(name, '/', n);
    size_t domain = slash ? (size_t)(slash - name) : 0;
    bool fits;
    if (slash && is_domain(name, domain)) {
        fits = copy_part(ret->domain, sizeof(ret->domain), name, domain);
        if (!fits || !domain_is_valid(ret->domain))
            return refuse(text, "what stands before the first '/' is no registry (host or host:port)", err);
        name += domain + 1;
        n -= domain + 1;
    } else {
        (void)copy_part(ret->domain, sizeof(ret->domain), DEFAULT_DOMAIN, strlen(DEFAULT_DOMAIN));
    }
    if (str_eq(ret->domain, LEGACY_DOMAIN))
        (void)copy_part(ret->domain, sizeof(ret->domain), DEFAULT_DOMAIN, strlen(DEFAULT_DOMAIN));
    bool official = str_eq(ret->domain, DEFAULT_DOMAIN) && !memchr(name, '/', n);
    int length = snprintf(ret->path, sizeof(ret->path), "%s%.*s", official ? OFFICIAL : "", (int)n, name);
    if (length < 0 || (size_t)length >= sizeof(ret->path))
        return refuse(text, "the repository's name is longer than 255 bytes", err);
    if (has_upper(ret->path, (size_t)length))
        return refuse(text, "the repository's name must be lower case", err);
    if (!path_is_valid(ret->path))
        return refuse(text, "a name is lower-case letters and digits, with '.', '_', '__' or '-' between them", err);
    return 0;
}

int reference_parse(const char *text, struct reference *ret, struct err *err)
{
    struct reference reference = {0};
    size_t n;
    if (!*text)
        return err_set(err, ERR_INVALID, "invalid reference format: it is empty");
    if (strlen(text) >= REFERENCE_MAX)
        return refuse(text, "it is too long", err);
    if (strlen(text) == 64 && strspn(text, "0123456789abcdef") == 64)
        return refuse(text, "64 hex digits are an image ID, not a name", err);
    if (cut_digest(text, &reference, &n, err) < 0)
        return -1;
    const char *slash = memrchr(text, '/', n);
    const char *rest = slash ? slash : text;
    const char *colon = memchr(rest, ':', n - (size_t)(rest - text));
    if (colon) {
        size_t tag = n - (size_t)(colon + 1 - text);
        if (!copy_part(reference.tag, sizeof(reference.tag), colon + 1, tag) || !reference_tag_is_valid(reference.tag))
            return refuse(text, "a tag is 1 to 128 letters, digits, '_', '.', '-', not beginning with '.' or '-'", err);
        n = (size_t)(colon - text);
    }
    if (split_name(text, text, n, &reference, err) < 0)
        return -1;
    *ret = reference;
    return 0;
}

void reference_default_tag(struct reference *reference)
{
    if (!reference->tag[0] && !reference->digest[0])
        (void)snprintf(reference->tag, sizeof(reference->tag), "latest");
}

void reference_name(const struct reference *reference, char text[REFERENCE_MAX])
{
    (void)snprintf(text, REFERENCE_MAX, "%s/%s", reference->domain, reference->path);
}

/* Without its domain, would this path be read as one that has another? */
static bool reads_as_domain(const char *path)
{
    size_t n = strcspn(path, "/");
    return path[n] && (memchr(path, '.', n) || (n == strlen("localhost") && str_starts(path, "localhost")));
}

void reference_familiar_name(const struct reference *reference, char text[REFERENCE_MAX])
{
    if (!str_eq(reference->domain, DEFAULT_DOMAIN) || reads_as_domain(reference->path)) {
        reference_name(reference, text);
        return;
    }
    const char *official = str_after(reference->path, OFFICIAL);
    bool alone = official && !strchr(official, '/');
    (void)snprintf(text, REFERENCE_MAX, "%s", alone ? official : reference->path);
}

static void add_tag_and_digest(const struct reference *reference, char text[REFERENCE_MAX])
{
    size_t n = strlen(text);
    (void)snprintf(text + n, REFERENCE_MAX - n, "%s%s%s%s", reference->tag[0] ? ":" : "", reference->tag,
                   reference->digest[0] ? "@" : "", reference->digest);
}

void reference_format(const struct reference *reference, char text[REFERENCE_MAX])
{
    reference_name(reference, text);
    add_tag_and_digest(reference, text);
}

void reference_familiar(const struct reference *reference, char text[REFERENCE_MAX])
{
    reference_familiar_name(reference, text);
    add_tag_and_digest(reference, text);
}

const char *reference_registry_host(const struct reference *reference)
{
    return str_eq(reference->domain, DEFAULT_DOMAIN) ? "registry-1.docker.io" : reference->domain;
}
