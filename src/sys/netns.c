#include "sys/netns.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "sys/files.h"
#include "sys/rtnl.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>

#define LOOPBACK_INDEX 1

static int open_current(void)
{
    int fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

/* A program in the wrong namespace would do the right things to the wrong machine. */
static void go_home(int home)
{
    if (setns(home, CLONE_NEWNET) < 0) {
        log_error("cannot return to the machine's network namespace: errno %d", errno);
        abort();
    }
}

static int loopback_up(struct netlink *link)
{
    struct netlink_batch batch cleanup(netlink_batch_done) = {0};
    rtnl_link_set(&batch, &(struct rtnl_link){.index = LOOPBACK_INDEX, .up = true});
    return netlink_talk(link, &batch, NULL, NULL);
}

int netns_new(struct netns *ret)
{
    *ret = (struct netns){.fd = -1, .link.fd = -1};
    cleanup_fd int home = open_current();
    if (home < 0)
        return home;
    if (unshare(CLONE_NEWNET) < 0)
        return -errno;
    ret->fd = open_current();
    int r = ret->fd < 0 ? ret->fd : netlink_open(&ret->link, NETLINK_ROUTE);
    go_home(home);
    if (r >= 0)
        r = loopback_up(&ret->link);
    if (r < 0)
        netns_close(ret);
    return r;
}

int netns_open(int fd, struct netns *ret)
{
    *ret = (struct netns){.fd = -1, .link.fd = -1};
    cleanup_fd int home = open_current();
    if (home < 0)
        return home;
    ret->fd = file_dup(fd, 0);
    if (ret->fd < 0)
        return ret->fd;
    int r = setns(fd, CLONE_NEWNET) < 0 ? -errno : 0;
    if (r == 0) {
        r = netlink_open(&ret->link, NETLINK_ROUTE);
        go_home(home);
    }
    if (r < 0)
        netns_close(ret);
    return r;
}

void netns_close(struct netns *netns)
{
    close_fd(&netns->fd);
    netlink_close(&netns->link);
}
