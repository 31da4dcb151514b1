#pragma once
/*
 * Netlink requests, built with libmnl: a batch of requests goes out with one sendmsg(2), and the kernel has answered
 * all of them when that returns, so nothing here waits. Everything returns ≥ 0 or -errno.
 *
 *     struct netlink_batch batch cleanup(netlink_batch_done) = {0};
 *     netlink_request(&batch, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &header, sizeof(header));
 *     netlink_put_text(&batch, IFLA_IFNAME, "eth0");
 *     int r = netlink_talk(&nl, &batch, NULL, NULL);
 */
#include <libmnl/libmnl.h>
#include <stddef.h>
#include <stdint.h>

#define NETLINK_REASON_MAX 200

struct netlink {
    int fd;
    uint32_t sequence;
    char reason[NETLINK_REASON_MAX]; /* the kernel's own words for the last failure, "" where it gave none */
};

/* protocol: NETLINK_ROUTE, NETLINK_NETFILTER. The socket belongs to the network namespace of this moment for good. */
int netlink_open(struct netlink *nl, int protocol);
void netlink_close(struct netlink *nl);

/* Requests to be sent together; all zeroes is an empty batch. What goes wrong while building is told when it is sent.
 */
struct netlink_batch {
    char *data; /* owned */
    size_t size, capacity;
    size_t current; /* offset of the request that attributes go to */
    unsigned requests;
    unsigned last_acknowledged; /* the number, from 1, of the last request that the kernel answers */
    int error;
};

void netlink_batch_done(struct netlink_batch *batch);
/* Empties it and keeps the memory. */
void netlink_batch_reset(struct netlink_batch *batch);

/* Begins a request; header is the family's own (struct ifinfomsg …). NLM_F_REQUEST and NLM_F_ACK are added. */
void netlink_request(struct netlink_batch *batch, uint16_t type, uint16_t flags, const void *header, size_t size);

/* The same without an answer asked for: the marks around a transaction of nfnetlink. */
void netlink_mark(struct netlink_batch *batch, uint16_t type, const void *header, size_t size);

void netlink_put(struct netlink_batch *batch, uint16_t type, const void *data, size_t size);
void netlink_put_text(struct netlink_batch *batch, uint16_t type, const char *text); /* with the NUL */
void netlink_put_u8(struct netlink_batch *batch, uint16_t type, uint8_t value);
void netlink_put_u32(struct netlink_batch *batch, uint16_t type, uint32_t value); /* host order */
/* A header inside of an attribute, as VETH_INFO_PEER has it. */
void netlink_put_raw(struct netlink_batch *batch, const void *data, size_t size);

/* Opens a nested attribute; give the value back to close it. */
size_t netlink_nest(struct netlink_batch *batch, uint16_t type);
void netlink_nest_end(struct netlink_batch *batch, size_t nest);

/*
 * Sends the batch and takes every answer; messages that are not acknowledgements go to reply (which may be NULL).
 * Returns the first error. The kernel goes on behind a request that failed: undoing is the caller's.
 */
int netlink_talk(struct netlink *nl, struct netlink_batch *batch,
                 void (*reply)(const struct nlmsghdr *message, void *data), void *data);

/*
 * Sends a batch of one request as a dump, and calls entry for each object. -EINTR: the table changed meanwhile; what
 * came is not to be relied on, begin again.
 */
int netlink_dump(struct netlink *nl, struct netlink_batch *batch,
                 void (*entry)(const struct nlmsghdr *message, void *data), void *data);

/* Sorts a message's attributes by type into attributes[0..max]; header_size is that of the family's own header. */
void netlink_parse(const struct nlmsghdr *message, size_t header_size, const struct nlattr **attributes, uint16_t max);
