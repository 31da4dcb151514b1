#include "listen.h"

#include "sys.h"

#define BACKLOG 511
/* A client that has connected and said nothing is no business of ours for that long. */
#define SILENT_SECONDS 1

static long listen_on(int family, const void *address, size_t size)
{
    long fd = sys_socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return fd;
    (void)sys_setsockopt((int)fd, SOL_SOCKET, SO_REUSEADDR, 1);
    (void)sys_setsockopt((int)fd, IPPROTO_TCP, TCP_NODELAY, 1); /* inherited by what it accepts */
    (void)sys_setsockopt((int)fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, SILENT_SECONDS);
    if (family == AF_INET6)
        (void)sys_setsockopt((int)fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
    long failed = sys_bind((int)fd, address, size);
    if (!failed)
        failed = sys_listen((int)fd, BACKLOG);
    if (!failed)
        return fd;
    (void)sys_close((int)fd);
    return failed;
}

long listen_on_port(uint16_t port)
{
    uint16_t network_order = __builtin_bswap16(port);
    struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = network_order};
    struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = network_order};
    long fd = listen_on(AF_INET6, &six, sizeof(six));
    /* A kernel, or a container, without IPv6. */
    return fd == -EAFNOSUPPORT || fd == -EADDRNOTAVAIL ? listen_on(AF_INET, &four, sizeof(four)) : fd;
}

uint16_t listen_port(int listener)
{
    struct sockaddr_in6 address = {0}; /* the port stands at the same place in both families */
    int size = sizeof(address);
    (void)sys_getsockname(listener, &address, &size);
    return __builtin_bswap16(address.sin6_port);
}
