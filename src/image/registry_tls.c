/* Certificates: the system's authorities, and those that /etc/docker/certs.d/HOST:PORT/ adds for one registry. */
#include "image/registry_tls.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/str.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>

#define PEM_MAX ((size_t)8 << 20)

static const char *const bundles[] = {"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt",
                                      "/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem"};

static bool add_file(int folder, const char *path, struct buf *out)
{
    cleanup_fd int fd = openat(folder, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    for (void *room; (room = buf_reserve(out, 4096));) {
        ssize_t n = read(fd, room, 4096);
        if (n <= 0)
            break;
        buf_claim(out, (size_t)n);
    }
    buf_addc(out, '\n');
    return true;
}

static void add_system(struct buf *out)
{
    const char *chosen = getenv("SSL_CERT_FILE");
    if (!str_empty(chosen) && add_file(AT_FDCWD, chosen, out))
        return;
    for (size_t i = 0; i < ARRAY_SIZE(bundles); i++)
        if (add_file(AT_FDCWD, bundles[i], out))
            return;
}

static char *read_pem(int folder, const char *name, struct arena *arena)
{
    struct buf text cleanup(buf_done) = BUF(PEM_MAX);
    return add_file(folder, name, &text) && !buf_failed(&text) ? arena_strdup(arena, buf_str(&text)) : NULL;
}

/* client.cert needs client.key beside it. */
static int take_client(struct registry *r, int folder, const char *path, const char *name, struct err *err)
{
    const char *key = arena_printf(&r->arena, "%.*s.key", (int)(strlen(name) - strlen(".cert")), name);
    r->certificate = read_pem(folder, name, &r->arena);
    r->key = read_pem(folder, key, &r->arena);
    if (!r->certificate || !r->key)
        return err_set(err, ERR_INVALID, "%s: %s needs %s beside it", path, name, key);
    return 0;
}

static int read_folder(struct registry *r, const char *path, struct buf *authorities, struct err *err)
{
    cleanup_dir DIR *dir = opendir(path);
    struct dirent *entry;
    if (!dir)
        return errno == ENOENT || errno == ENOTDIR ? 0 : err_errno(err, errno, "cannot read %s", path);
    while ((entry = readdir(dir))) {
        if (str_ends(entry->d_name, ".crt")) {
            if (authorities->size == 0)
                add_system(authorities);
            (void)add_file(dirfd(dir), entry->d_name, authorities);
        } else if (str_ends(entry->d_name, ".cert")) {
            if (take_client(r, dirfd(dir), path, entry->d_name, err) < 0)
                return -1;
        }
    }
    return 0;
}

int registry_read_certificates(struct registry *r, const char *const *folders, struct err *err)
{
    struct buf authorities cleanup(buf_done) = BUF(PEM_MAX);
    for (; folders && *folders; folders++) {
        const char *path = arena_printf(&r->arena, "%s/%s", *folders, r->reference->domain);
        if (read_folder(r, path, &authorities, err) < 0)
            return -1;
    }
    if (buf_failed(&authorities))
        return err_set(err, ERR_LIMIT, "the certificates for %s have more than %zu bytes", r->host, PEM_MAX);
    r->authorities = authorities.size ? arena_strdup(&r->arena, buf_str(&authorities)) : NULL;
    return 0;
}

void registry_set_tls(const struct registry *r, CURL *curl)
{
    /* With a CApath, libcurl reads all authorities anew for each connection (1 MiB each): a file is read once. */
    (void)curl_easy_setopt(curl, CURLOPT_CAPATH, NULL);
    for (size_t i = 0; i < ARRAY_SIZE(bundles); i++)
        if (access(bundles[i], R_OK) == 0) {
            (void)curl_easy_setopt(curl, CURLOPT_CAINFO, bundles[i]);
            break;
        }
    if (r->authorities) {
        struct curl_blob blob = {r->authorities, strlen(r->authorities), CURL_BLOB_NOCOPY};
        (void)curl_easy_setopt(curl, CURLOPT_CAINFO_BLOB, &blob);
    }
    if (r->certificate) {
        struct curl_blob certificate = {r->certificate, strlen(r->certificate), CURL_BLOB_NOCOPY};
        struct curl_blob key = {r->key, strlen(r->key), CURL_BLOB_NOCOPY};
        (void)curl_easy_setopt(curl, CURLOPT_SSLCERT_BLOB, &certificate);
        (void)curl_easy_setopt(curl, CURLOPT_SSLKEY_BLOB, &key);
    }
    if (r->insecure) {
        (void)curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 0L);
        (void)curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L);
    }
}
