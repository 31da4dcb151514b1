#include "image/credentials.h"

#include "base/buf.h"
#include "base/str.h"
#include "codec/base64.h"
#include "sys/files.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#define CONFIG_MAX ((size_t)1 << 20)
#define ANSWER_MAX ((size_t)64 * 1024)
#define HUB_KEY    "https://index.docker.io/v1/"
#define TOKEN_USER "<token>" /* a helper's way to say that the secret is an identity token */

/* --- From text -----------------------------------------------------------------------------------------------------
 */

/* base64("user:password"). */
static int take_auth(const char *auth, struct arena *arena, struct credentials *ret, struct err *err)
{
    struct buf text cleanup(buf_done) = BUF(ANSWER_MAX);
    bool valid = base64_decode(auth, strlen(auth), &text) && !buf_failed(&text);
    char *colon = valid ? strchr(buf_str(&text), ':') : NULL;
    if (!colon)
        return err_set(err, ERR_INVALID, "credentials: \"auth\" is no base64 of user:password");
    ret->username = arena_strndup(arena, text.data, (size_t)(colon - text.data));
    ret->password = arena_strdup(arena, colon + 1);
    return 0;
}

static char *take_text(const json_value *object, const char *key, struct arena *arena)
{
    const char *text = json_get_text(object, key);
    return str_empty(text) ? NULL : arena_strdup(arena, text);
}

int credentials_from_auth(const json_value *auth, struct arena *arena, struct credentials *ret, struct err *err)
{
    *ret = (struct credentials){.username = take_text(auth, "username", arena),
                                .password = take_text(auth, "password", arena),
                                .identity_token = take_text(auth, "identitytoken", arena),
                                .registry_token = take_text(auth, "registrytoken", arena)};
    const char *text = json_get_text(auth, "auth");
    return ret->username || str_empty(text) ? 0 : take_auth(text, arena, ret, err);
}

/* --- Credential helpers (docker-credential-helpers' protocol) ------------------------------------------------------
 */

/* Runs "docker-credential-NAME get" with key on its standard input. Returns its exit status. */
static int run_helper(const char *program, const char *key, struct buf *answer, struct err *err)
{
    int ends[2];
    pid_t pid;
    char *argv[] = {(char *)program, (char *)"get", NULL};
    cleanup_fd int input = file_sealed_memfd("registry", key, strlen(key), false);
    if (input < 0 || pipe2(ends, O_CLOEXEC) < 0)
        return err_errno(err, input < 0 ? input : errno, "cannot ask %s", program);
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_adddup2(&files, input, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&files, ends[1], STDOUT_FILENO);
    int failed = posix_spawnp(&pid, program, &files, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&files);
    (void)close(ends[1]);
    cleanup_fd int output = ends[0];
    if (failed)
        return err_errno(err, failed, "cannot run the credential helper %s", program);
    for (void *room; (room = buf_reserve(answer, 4096));) {
        ssize_t n = read(output, room, 4096);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        buf_claim(answer, (size_t)n);
    }
    close_fd(&output);
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

static bool helper_name_is_valid(const char *name)
{
    for (const char *p = name; *p; p++)
        if (!isalnum((unsigned char)*p) && !strchr("-_.", *p))
            return false;
    return *name && *name != '.';
}

static int ask_helper(const char *name, const char *key, struct arena *arena, struct credentials *ret, struct err *err)
{
    struct buf answer cleanup(buf_done) = BUF(ANSWER_MAX);
    if (!helper_name_is_valid(name))
        return err_set(err, ERR_INVALID, "\"%.100s\" is no name of a credential helper", name);
    const char *program = arena_printf(arena, "docker-credential-%s", name);
    int status = run_helper(program, key, &answer, err);
    if (status < 0)
        return -1;
    if (status != 0 && strstr(buf_str(&answer), "credentials not found"))
        return 0;
    if (status != 0)
        return err_set(err, ERR_DENIED, "%s has no answer for %s: %.200s", program, key,
                       str_trim(arena_strdup(arena, buf_str(&answer))));
    json_value *value cleanup(json_freep) = json_parse(buf_str(&answer), answer.size, program, err);
    if (!value)
        return -1;
    const char *user = json_get_text(value, "Username");
    if (user && str_eq(user, TOKEN_USER)) {
        ret->identity_token = take_text(value, "Secret", arena);
        return 0;
    }
    ret->username = take_text(value, "Username", arena);
    ret->password = take_text(value, "Secret", arena);
    return 0;
}

/* --- The configuration ---------------------------------------------------------------------------------------------
 */

char *credentials_default_path(struct arena *arena)
{
    const char *folder = getenv("DOCKER_CONFIG"), *home = getenv("HOME");
    if (!str_empty(folder))
        return arena_printf(arena, "%s/config.json", folder);
    return str_empty(home) ? NULL : arena_printf(arena, "%s/.docker/config.json", home);
}

/* "https://host:5000/v1/" is host:5000, as Docker reads its keys. */
static bool key_is_host(const char *key, const char *host)
{
    const char *rest = str_after(key, "https://");
    if (!rest)
        rest = str_after(key, "http://");
    rest = rest ? rest : key;
    size_t n = strcspn(rest, "/");
    return strlen(host) == n && strncmp(rest, host, n) == 0;
}

static const json_value *find_auth(const json_value *auths, const char *key, const char *host)
{
    const json_value *exact = json_get(auths, key);
    for (void *i = exact ? NULL : json_first(auths); i; i = json_next(auths, i))
        if (key_is_host(json_iter_key(i), host))
            return json_iter_value(i);
    return exact;
}

static json_value *read_config(const char *path, struct arena *arena, struct err *err)
{
    char *text = arena_alloc(arena, CONFIG_MAX);
    ssize_t n = file_read_at(AT_FDCWD, path, text, CONFIG_MAX);
    if (n == -ENOENT || n == -ENOTDIR)
        return json_parse("{}", 2, path, err);
    if (n < 0) {
        err_errno(err, (int)n, "cannot read %s", path);
        return NULL;
    }
    return json_parse(text, (size_t)n, path, err);
}

int credentials_find(const char *path, const char *host, struct arena *arena, struct credentials *ret, struct err *err)
{
    const char *key = str_eq(host, "docker.io") ? HUB_KEY : host;
    *ret = (struct credentials){0};
    json_value *config cleanup(json_freep) = read_config(path, arena, err);
    if (!config)
        return -1;
    const char *helper = json_get_text(json_get(config, "credHelpers"), key);
    if (!helper)
        helper = json_get_text(json_get(config, "credHelpers"), host);
    if (!helper)
        helper = json_get_text(config, "credsStore");
    if (!str_empty(helper) && ask_helper(helper, key, arena, ret, err) < 0)
        return -1;
    if (ret->username || ret->identity_token)
        return 0;
    const json_value *auth =
        find_auth(json_get(config, "auths"), key, str_eq(host, "docker.io") ? "index.docker.io" : host);
    return auth ? credentials_from_auth(auth, arena, ret, err) : 0;
}
