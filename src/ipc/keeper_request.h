#pragma once
/* Between the two halves of the keeper's client: keeper_requests.c makes requests, keeper_client.c carries them. */
#include "base/list.h"
#include "ipc/keeper_client.h"

/* One request, from the call to its answer. The message is held while it waits to be sent. */
struct keeper_request {
    struct list link;
    uint32_t serial, type;
    keeper_reply *reply;
    void *data;
    uint8_t starts[KEEPER_ID_SIZE]; /* SPAWN, EXEC: what it starts */
    void *message;                  /* owned; NULL once sent */
    size_t size;
    int *fds; /* owned, as what they name; NULL where there are none or they were sent */
    unsigned fd_count;
};

struct keeper_part {
    const void *data;
    size_t size;
};

/* A request of this body (which may be empty), and of what follows it, or NULL. */
struct keeper_request *keeper_request_new(struct keeper_client *client, enum keeper_type type,
                                          const struct keeper_part *body, const struct keeper_part *more,
                                          keeper_reply *reply, void *data);

/* Queues it, and answers it where it cannot be. The descriptors are duplicated. */
void keeper_request_submit(struct keeper_client *client, struct keeper_request *request, const int *fds,
                           unsigned fd_count);
