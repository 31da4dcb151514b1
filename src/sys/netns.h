#pragma once
/*
 * Network namespaces without a process in them (network_namespaces(7)): made and entered by the calling thread for a
 * moment. For single-threaded programs: the thread is in the other namespace between two lines here, and the program
 * ends where the way back is barred. Everything returns ≥ 0 or -errno.
 *
 * A namespace lives as long as somebody holds it: a descriptor, a process in it. The last one gone, the kernel removes
 * it with its links, on its own time.
 */
#include "sys/netlink.h"

struct netns {
    int fd;              /* of the namespace, CLOEXEC; -1 when closed */
    struct netlink link; /* NETLINK_ROUTE inside of it */
};

/* Makes one, with its loopback link up. */
int netns_new(struct netns *ret);

/* Opens one that exists: fd is a descriptor of it (/proc/PID/ns/net) and is duplicated. */
int netns_open(int fd, struct netns *ret);

/* Closes the descriptors; harmless twice. */
void netns_close(struct netns *netns);
