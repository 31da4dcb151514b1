#include "http/connect.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

int http_unreachable(const struct http_address *address, int errnum, struct err *err)
{
    char text[HTTP_ADDRESS_TEXT_MAX];
    http_address_format(address, text);
    if (!address->local)
        return err_set(err, ERR_UNAVAILABLE, "cannot reach the daemon at %s: %s", text, strerror(errnum));
    if (errnum == EACCES || errnum == EPERM)
        return err_set(err, ERR_DENIED,
                       "cannot reach the daemon at %s: permission denied; be root, or in the group of the socket",
                       text);
    const char *why = errnum == ENOENT         ? "no such file"
                      : errnum == ECONNREFUSED ? "nobody listens there any more"
                                               : strerror(errnum);
    return err_set(err, ERR_UNAVAILABLE,
                   "cannot reach the daemon at %s: %s; start it with: systemctl start shoal, or: shoal daemon", text,
                   why);
}

static int connect_local(const struct http_address *address, struct err *err)
{
    struct sockaddr_un local = {.sun_family = AF_UNIX};
    (void)snprintf(local.sun_path, sizeof(local.sun_path), "%s", address->path);
    cleanup_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return err_errno(err, errno, "cannot make a socket");
    /* Blocking: a full listen queue is not something that epoll could tell the end of. */
    if (connect(fd, (struct sockaddr *)&local, sizeof(local)) < 0)
        return http_unreachable(address, errno, err);
    (void)fcntl(fd, F_SETFL, O_NONBLOCK);
    return take_fd(&fd);
}

static void free_results(struct addrinfo **results)
{
    if (*results)
        freeaddrinfo(*results);
}

static int connect_tcp(const struct http_address *address, struct err *err)
{
    struct addrinfo *results cleanup(free_results) = NULL;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    int result = getaddrinfo(address->host, address->port, &hints, &results);
    if (result != 0)
        return err_set(err, ERR_UNAVAILABLE, "cannot find the host %s: %s", address->host, gai_strerror(result));
    cleanup_fd int fd = socket(results->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return err_errno(err, errno, "cannot make a socket");
    int on = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
    if (connect(fd, results->ai_addr, results->ai_addrlen) < 0 && errno != EINPROGRESS)
        return http_unreachable(address, errno, err);
    return take_fd(&fd);
}

int http_connect(const struct http_address *address, struct err *err)
{
    return address->local ? connect_local(address, err) : connect_tcp(address, err);
}
