#include "sys/netlink.h"

#include "base/cleanup.h"
#include "base/mem.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define RECEIVE_SIZE ((size_t)32 * 1024)
#define BATCH_MIN    ((size_t)1024)
#define BATCH_MAX    ((size_t)16 * 1024 * 1024)

int netlink_open(struct netlink *nl, int protocol)
{
    static const int on = 1;
    *nl = (struct netlink){.fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol)};
    if (nl->fd < 0)
        return -errno;
    struct sockaddr_nl address = {.nl_family = AF_NETLINK};
    if (bind(nl->fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
        int r = -errno;
        netlink_close(nl);
        return r;
    }
    /* Both are luxury: short acknowledgements, and the kernel's words. */
    (void)setsockopt(nl->fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
    (void)setsockopt(nl->fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on));
    return 0;
}

void netlink_close(struct netlink *nl)
{
    close_fd(&nl->fd);
}

/* --- Building */

void netlink_batch_done(struct netlink_batch *batch)
{
    free(batch->data);
    *batch = (struct netlink_batch){0};
}

void netlink_batch_reset(struct netlink_batch *batch)
{
    *batch = (struct netlink_batch){.data = batch->data, .capacity = batch->capacity};
}

static struct nlmsghdr *current(struct netlink_batch *batch)
{
    return (struct nlmsghdr *)(batch->data + batch->current);
}

/* Makes room for size more bytes; false, and the batch has failed, where it had or where it grew beyond all use. */
static bool reserve(struct netlink_batch *batch, size_t size)
{
    size_t needed = batch->size + MNL_ALIGN(size);
    if (batch->error || needed > BATCH_MAX) {
        batch->error = -EMSGSIZE;
        return false;
    }
    if (needed > batch->capacity) {
        batch->capacity = needed * 2 > BATCH_MIN ? needed * 2 : BATCH_MIN;
        batch->data = mem_realloc(batch->data, batch->capacity);
    }
    return true;
}

/* libmnl appends to the current request; what that one has grown to is what the batch has. */
static void appended(struct netlink_batch *batch)
{
    batch->size = batch->current + NLMSG_ALIGN(current(batch)->nlmsg_len);
}

static void begin(struct netlink_batch *batch, uint16_t type, uint16_t flags, const void *header, size_t size)
{
    if (!reserve(batch, MNL_NLMSG_HDRLEN + MNL_ALIGN(size)))
        return;
    batch->current = batch->size;
    struct nlmsghdr *message = mnl_nlmsg_put_header(batch->data + batch->current);
    message->nlmsg_type = type;
    message->nlmsg_flags = flags | NLM_F_REQUEST;
    if (size)
        memcpy(mnl_nlmsg_put_extra_header(message, size), header, size);
    batch->requests++;
    appended(batch);
}

void netlink_request(struct netlink_batch *batch, uint16_t type, uint16_t flags, const void *header, size_t size)
{
    begin(batch, type, flags | NLM_F_ACK, header, size);
    batch->last_acknowledged = batch->requests;
}

void netlink_mark(struct netlink_batch *batch, uint16_t type, const void *header, size_t size)
{
    begin(batch, type, 0, header, size);
}

void netlink_put(struct netlink_batch *batch, uint16_t type, const void *data, size_t size)
{
    if (!reserve(batch, MNL_ATTR_HDRLEN + MNL_ALIGN(size)))
        return;
    mnl_attr_put(current(batch), type, size, data);
    appended(batch);
}

void netlink_put_text(struct netlink_batch *batch, uint16_t type, const char *text)
{
    netlink_put(batch, type, text, strlen(text) + 1);
}

void netlink_put_u8(struct netlink_batch *batch, uint16_t type, uint8_t value)
{
    netlink_put(batch, type, &value, sizeof(value));
}

void netlink_put_u32(struct netlink_batch *batch, uint16_t type, uint32_t value)
{
    netlink_put(batch, type, &value, sizeof(value));
}

void netlink_put_raw(struct netlink_batch *batch, const void *data, size_t size)
{
    if (!reserve(batch, size))
        return;
    memcpy(mnl_nlmsg_put_extra_header(current(batch), size), data, size);
    appended(batch);
}

size_t netlink_nest(struct netlink_batch *batch, uint16_t type)
{
    if (!reserve(batch, MNL_ATTR_HDRLEN))
        return 0;
    size_t nest = batch->size;
    (void)mnl_attr_nest_start(current(batch), type);
    appended(batch);
    return nest;
}

void netlink_nest_end(struct netlink_batch *batch, size_t nest)
{
    if (!batch->error && batch->size - nest > UINT16_MAX)
        batch->error = -EMSGSIZE; /* an attribute's length has 16 bits */
    if (!batch->error)
        mnl_attr_nest_end(current(batch), (struct nlattr *)(batch->data + nest));
}

/* --- Talking */

static void number(struct netlink *nl, struct netlink_batch *batch)
{
    for (size_t at = 0; at < batch->size;) {
        struct nlmsghdr *message = (struct nlmsghdr *)(batch->data + at);
        message->nlmsg_seq = ++nl->sequence;
        at += NLMSG_ALIGN(message->nlmsg_len);
    }
}

/* A message larger than the send buffer is refused: gives the socket one that holds it. False where that was not the
 * reason. */
static bool enlarge(struct netlink *nl, size_t size)
{
    int want = (int)size * 2, have = 0;
    socklen_t length = sizeof(have);
    if (getsockopt(nl->fd, SOL_SOCKET, SO_SNDBUF, &have, &length) < 0 || have >= want)
        return false;
    return setsockopt(nl->fd, SOL_SOCKET, SO_SNDBUFFORCE, &want, sizeof(want)) == 0;
}

static int send_batch(struct netlink *nl, struct netlink_batch *batch)
{
    if (batch->error)
        return batch->error;
    nl->reason[0] = '\0';
    number(nl, batch);
    ssize_t n;
    do
        n = send(nl->fd, batch->data, batch->size, 0);
    while (n < 0 && (errno == EINTR || (errno == EMSGSIZE && enlarge(nl, batch->size))));
    return n < 0 ? -errno : 0;
}

static ssize_t receive(struct netlink *nl, char *data, size_t size)
{
    ssize_t n;
    do
        n = recv(nl->fd, data, size, MSG_DONTWAIT | MSG_TRUNC);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return errno == EAGAIN ? -EIO : -errno;
    return (size_t)n > size ? -EMSGSIZE : n;
}

/* The extended acknowledgement's text stands in attributes behind the error (and behind the request, if that is
 * echoed). */
static void keep_reason(struct netlink *nl, const struct nlmsghdr *message)
{
    const struct nlmsgerr *error = mnl_nlmsg_get_payload(message);
    size_t skip = sizeof(*error);
    if (!(message->nlmsg_flags & NLM_F_ACK_TLVS))
        return;
    if (!(message->nlmsg_flags & NLM_F_CAPPED))
        skip += mnl_nlmsg_get_payload_len(&error->msg);
    const struct nlattr *attribute;
    mnl_attr_for_each(attribute, message, skip)
    {
        if (mnl_attr_get_type(attribute) == NLMSGERR_ATTR_MSG)
            (void)snprintf(nl->reason, sizeof(nl->reason), "%.*s", (int)mnl_attr_get_payload_len(attribute),
                           (const char *)mnl_attr_get_payload(attribute));
    }
}

static int acknowledged(struct netlink *nl, const struct nlmsghdr *message)
{
    const struct nlmsgerr *error = mnl_nlmsg_get_payload(message);
    if (mnl_nlmsg_get_payload_len(message) < sizeof(error->error))
        return -EBADMSG;
    if (error->error)
        keep_reason(nl, message);
    return error->error;
}

static bool refused_whole(const struct netlink_batch *batch, const struct nlmsghdr *message, uint32_t first)
{
    const struct nlmsghdr *mark = (const struct nlmsghdr *)batch->data;
    return message->nlmsg_seq == first && !(mark->nlmsg_flags & NLM_F_ACK);
}

int netlink_talk(struct netlink *nl, struct netlink_batch *batch,
                 void (*reply)(const struct nlmsghdr *message, void *data), void *data)
{
    char buffer[RECEIVE_SIZE];
    uint32_t first = nl->sequence + 1;
    int r = send_batch(nl, batch), result = 0;
    if (r < 0)
        return r;
    for (bool done = false; !done;) {
        ssize_t n = receive(nl, buffer, sizeof(buffer));
        if (n < 0)
            return result ? result : (int)n;
        int left = (int)n;
        for (const struct nlmsghdr *m = (void *)buffer; mnl_nlmsg_ok(m, left); m = mnl_nlmsg_next(m, &left)) {
            if (m->nlmsg_seq - first >= batch->requests)
                continue; /* the rest of a conversation that was broken off */
            if (m->nlmsg_type != NLMSG_ERROR) {
                if (reply)
                    reply(m, data);
                continue;
            }
            r = acknowledged(nl, m);
            result = result ? result : r;
            /* nfnetlink refuses a whole transaction at the mark that begins it, and answers nothing else. */
            done =
                done || m->nlmsg_seq - first + 1 == batch->last_acknowledged || (r && refused_whole(batch, m, first));
        }
    }
    return result;
}

int netlink_dump(struct netlink *nl, struct netlink_batch *batch,
                 void (*entry)(const struct nlmsghdr *message, void *data), void *data)
{
    char buffer[RECEIVE_SIZE];
    bool interrupted = false;
    current(batch)->nlmsg_flags |= NLM_F_DUMP;
    int r = send_batch(nl, batch);
    while (r >= 0) {
        ssize_t n = receive(nl, buffer, sizeof(buffer));
        if (n < 0)
            return (int)n;
        int left = (int)n;
        for (const struct nlmsghdr *m = (void *)buffer; mnl_nlmsg_ok(m, left); m = mnl_nlmsg_next(m, &left)) {
            if (m->nlmsg_seq != nl->sequence)
                continue;
            interrupted = interrupted || (m->nlmsg_flags & NLM_F_DUMP_INTR);
            if (m->nlmsg_type == NLMSG_ERROR)
                return acknowledged(nl, m);
            if (m->nlmsg_type == NLMSG_DONE)
                return interrupted ? -EINTR : 0;
            entry(m, data);
        }
    }
    return r;
}

void netlink_parse(const struct nlmsghdr *message, size_t header_size, const struct nlattr **attributes, uint16_t max)
{
    const struct nlattr *attribute;
    memset(attributes, 0, sizeof(*attributes) * ((size_t)max + 1));
    mnl_attr_for_each(attribute, message, header_size)
    {
        if (mnl_attr_get_type(attribute) <= max)
            attributes[mnl_attr_get_type(attribute)] = attribute;
    }
}
