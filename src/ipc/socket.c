#include "ipc/socket.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

/*
 * The address of path. Where it is too long, the folder is opened and named by its descriptor, which *ret_folder must
 * keep open while the address is used.
 */
static int address_of(const char *path, struct sockaddr_un *address, int *ret_folder)
{
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    size_t length = strlen(path);
    if (length < sizeof(address->sun_path)) {
        memcpy(address->sun_path, path, length + 1);
        return 0;
    }
    const char *slash = strrchr(path, '/');
    char folder[PATH_MAX];
    if (!slash || (size_t)(slash - path) >= sizeof(folder))
        return -ENAMETOOLONG;
    memcpy(folder, path, (size_t)(slash - path));
    folder[slash - path] = '\0';
    *ret_folder = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (*ret_folder < 0)
        return -errno;
    int n = snprintf(address->sun_path, sizeof(address->sun_path), "/proc/self/fd/%d%s", *ret_folder, slash);
    return n < (int)sizeof(address->sun_path) ? 0 : -ENAMETOOLONG;
}

int socket_listen(const char *path)
{
    struct sockaddr_un address;
    cleanup_fd int folder = -1;
    char fresh[PATH_MAX];
    if (snprintf(fresh, sizeof(fresh), "%s.new", path) >= (int)sizeof(fresh))
        return -ENAMETOOLONG;
    int r = address_of(fresh, &address, &folder);
    if (r < 0)
        return r;
    cleanup_fd int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    if (unlink(fresh) < 0 && errno != ENOENT)
        return -errno;
    /* The kernel takes the mode of the file from the socket's own (and the umask): right from the first instant. */
    if (fchmod(fd, 0600) < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
        return -errno;
    /* Under its name only when it listens: who sees it can connect. */
    if (listen(fd, 16) < 0 || rename(fresh, path) < 0)
        return -errno;
    return take_fd(&fd);
}

int socket_accept(int listener)
{
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    return fd < 0 ? -errno : fd;
}

int socket_connect(const char *path, bool blocking)
{
    struct sockaddr_un address;
    cleanup_fd int folder = -1;
    int r = address_of(path, &address, &folder);
    if (r < 0)
        return r;
    cleanup_fd int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | (blocking ? 0 : SOCK_NONBLOCK), 0);
    if (fd < 0)
        return -errno;
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
        return -errno;
    return take_fd(&fd);
}

int socket_pair(int ret_fds[2])
{
    return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ret_fds) < 0 ? -errno : 0;
}

int socket_check_peer(int socket)
{
    struct ucred peer;
    socklen_t size = sizeof(peer);
    if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
        return -errno;
    return peer.uid == geteuid() || peer.uid == 0 ? 0 : -EPERM;
}
