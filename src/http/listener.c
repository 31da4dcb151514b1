#include "http/listener.h"

#include "base/cleanup.h"
#include "base/str.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#define BACKLOG 1024

static int new_socket(int family, struct err *err)
{
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    return fd < 0 ? err_errno(err, errno, "cannot make a socket") : fd;
}

static int local_address(const char *path, struct sockaddr_un *ret, struct err *err)
{
    *ret = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof(ret->sun_path))
        return err_set(err, ERR_INVALID, "the path of the socket is longer than %zu bytes: %s",
                       sizeof(ret->sun_path) - 1, path);
    (void)snprintf(ret->sun_path, sizeof(ret->sun_path), "%s", path);
    return 0;
}

/* Removes the socket of a daemon that is gone. Whether somebody listens is asked by connecting. */
static int remove_stale(const char *path, const struct sockaddr_un *address, struct err *err)
{
    struct stat st;
    if (lstat(path, &st) < 0)
        return errno == ENOENT ? 0 : err_errno(err, errno, "cannot listen on %s", path);
    if (!S_ISSOCK(st.st_mode))
        return err_set(err, ERR_CONFLICT, "cannot listen on %s: a file that is no socket is in its place", path);
    cleanup_fd int fd = new_socket(AF_UNIX, err);
    if (fd < 0)
        return -1;
    if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 || errno != ECONNREFUSED)
        return err_set(err, ERR_CONFLICT, "cannot listen on %s: another daemon listens on it", path);
    return unlink(path) < 0 ? err_errno(err, errno, "cannot remove the stale socket %s", path) : 0;
}

int http_listen_unix(const char *path, mode_t mode, gid_t group, struct err *err)
{
    struct sockaddr_un address;
    if (local_address(path, &address, err) < 0 || remove_stale(path, &address, err) < 0)
        return -1;
    cleanup_fd int fd = new_socket(AF_UNIX, err);
    if (fd < 0)
        return -1;
    mode_t old = umask(0777);
    int result = bind(fd, (const struct sockaddr *)&address, sizeof(address));
    int error = errno;
    (void)umask(old);
    if (result < 0)
        return err_errno(err, error, "cannot listen on %s", path);
    /* The group before the mode: chown clears nothing of a socket, and nobody may connect before both are right. */
    if ((group != (gid_t)-1 && chown(path, (uid_t)-1, group) < 0) || chmod(path, mode) < 0)
        return err_errno(err, errno, "cannot set owner and mode of %s", path);
    if (listen(fd, BACKLOG) < 0)
        return err_errno(err, errno, "cannot listen on %s", path);
    return take_fd(&fd);
}

static void free_results(struct addrinfo **results)
{
    if (*results)
        freeaddrinfo(*results);
}

int http_listen_tcp(const struct http_address *address, struct err *err)
{
    struct addrinfo *results cleanup(free_results) = NULL;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    int result = getaddrinfo(address->host, address->port, &hints, &results);
    if (result != 0)
        return err_set(err, ERR_INVALID, "cannot listen on %s: %s", address->host, gai_strerror(result));
    cleanup_fd int fd = new_socket(results->ai_family, err);
    if (fd < 0)
        return -1;
    int on = 1;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(fd, results->ai_addr, results->ai_addrlen) < 0 || listen(fd, BACKLOG) < 0)
        return err_errno(err, errno, "cannot listen on %s port %s", address->host, address->port);
    return take_fd(&fd);
}
