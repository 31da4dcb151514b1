#include "ipc/message.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

int message_fds_take(struct message_fds *fds, unsigned i)
{
    return i < fds->count ? take_fd(&fds->fd[i]) : -1;
}

void message_fds_close(struct message_fds *fds)
{
    for (unsigned i = 0; i < fds->count; i++)
        close_fd(&fds->fd[i]);
    fds->count = 0;
}

/* Aligned as the kernel wants it. */
union control {
    struct cmsghdr header;
    char space[CMSG_SPACE(sizeof(int) * MESSAGE_FDS_MAX)];
};

static void attach(struct msghdr *msg, union control *control, const int *fds, unsigned fd_count)
{
    control->header = (struct cmsghdr){
        .cmsg_level = SOL_SOCKET,
        .cmsg_type = SCM_RIGHTS,
        .cmsg_len = CMSG_LEN(sizeof(int) * fd_count),
    };
    memcpy(CMSG_DATA(&control->header), fds, sizeof(int) * fd_count);
    msg->msg_control = control;
    msg->msg_controllen = CMSG_SPACE(sizeof(int) * fd_count);
}

int message_send(int socket, const struct iovec *parts, size_t part_count, const int *fds, unsigned fd_count)
{
    size_t size = 0;
    for (size_t i = 0; i < part_count; i++)
        if (__builtin_add_overflow(size, parts[i].iov_len, &size))
            return -EMSGSIZE;
    if (!size || fd_count > MESSAGE_FDS_MAX)
        return -EINVAL;
    if (size > MESSAGE_SIZE_MAX)
        return -EMSGSIZE;

    struct msghdr msg = {.msg_iov = (struct iovec *)parts, .msg_iovlen = part_count};
    union control control;
    if (fd_count)
        attach(&msg, &control, fds, fd_count);
    ssize_t n;
    do
        n = sendmsg(socket, &msg, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : 0;
}

int message_send_data(int socket, const void *data, size_t size, const int *fds, unsigned fd_count)
{
    return message_send(socket, &(struct iovec){.iov_base = (void *)data, .iov_len = size}, 1, fds, fd_count);
}

/* Takes all descriptors out of the control data: nothing that arrived may stay open unowned. */
static void collect(struct msghdr *msg, struct message_fds *fds)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < count; i++) {
            int fd;
            memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
            if (fds->count < MESSAGE_FDS_MAX)
                fds->fd[fds->count++] = fd;
            else
                (void)close(fd);
        }
    }
}

ssize_t message_receive(int socket, void *data, size_t size, struct message_fds *ret_fds)
{
    struct message_fds unwanted;
    struct message_fds *fds = ret_fds ? ret_fds : &unwanted;
    fds->count = 0;

    union control control;
    struct iovec part = {.iov_base = data, .iov_len = size};
    struct msghdr msg = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};
    ssize_t n;
    do
        n = recvmsg(socket, &msg, MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return -errno;

    collect(&msg, fds);
    if (!ret_fds)
        message_fds_close(fds);
    /* There is room for all that one message can carry: what is missing could not be opened here. */
    if (msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) {
        message_fds_close(fds);
        return msg.msg_flags & MSG_TRUNC ? -EMSGSIZE : -EMFILE;
    }
    return n;
}
