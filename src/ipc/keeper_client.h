#pragma once
/*
 * The daemon's end of the keeper's protocol (ipc/keeper_protocol.h), on the event loop. Nothing here waits: requests
 * are queued while the socket is full or too many spawns are under way, and each is answered by one call of its
 * callback: with the keeper's reply, or with ERR_UNAVAILABLE when the connection ends first (whether the request was
 * carried out is then for LIST to say).
 *
 * Ids are text of 64 hex digits, as engine objects have them.
 */
#include "base/err.h"
#include "event/loop.h"
#include "ipc/keeper_protocol.h"

#include <stddef.h>
#include <stdint.h>

struct keeper_client;

/* What happens by itself. Any may be NULL. None may free the client. */
struct keeper_client_ops {
    /* Connected, welcomed, and every record of the table told through listed(). From here on requests are carried out.
     */
    void (*ready)(void *data, const struct keeper_welcome *welcome);
    void (*listed)(void *data, const char *id, const struct keeper_record *record);
    /* tty: the master of its terminal, which the callee takes over, or -1. */
    void (*started)(void *data, const char *id, pid_t pid, int64_t started_ns, int tty);
    void (*failed)(void *data, const char *id, const struct err *err);
    void (*exited)(void *data, const char *id, int status, int64_t ended_ns);
    /* The connection ended (the keeper died, or another daemon took over). The client stays, disconnected. */
    void (*lost)(void *data, const struct err *err);
};

/*
 * The answer to a request: err is NULL where it was carried out. payload is what follows the reply's header. fd came
 * with it (TAKE_FD, TTY): the callee takes it over; -1 otherwise.
 */
typedef void keeper_reply(void *data, const struct err *err, const void *payload, size_t size, int fd);

struct keeper_client *keeper_client_new(struct loop *loop, const struct keeper_client_ops *ops, void *data);
/* Queued requests are dropped without a call. */
void keeper_client_free(struct keeper_client *client);
DEFINE_CLEANUP(struct keeper_client *, keeper_client_free);

/* Connects to the keeper that listens at path. ERR_UNAVAILABLE where none does; call it again later. */
int keeper_client_connect(struct keeper_client *client, const char *path, struct err *err);
bool keeper_client_connected(const struct keeper_client *client);

/*
 * From now on what is to be started (spawns, sessions) waits for keeper_client_release(): so that what the caller
 * writes about it is on disk before it can run. The other requests go out at once.
 */
void keeper_client_hold(struct keeper_client *client);
void keeper_client_release(struct keeper_client *client);

/* Descriptors given to these are duplicated where they must wait: they stay the caller's. reply may be NULL. */

/* outer and inner: BPF programs (struct sock_filter[]), see runtime/seccomp_profile.h. Sizes 0: no filter. */
void keeper_client_launcher(struct keeper_client *client, const uint8_t key[KEEPER_KEY_SIZE], const void *outer,
                            size_t outer_size, const void *inner, size_t inner_size, keeper_reply *reply, void *data);

struct keeper_client_spawn {
    const char *id;
    const char *container; /* NULL: a container of its own; else run inside this one */
    const uint8_t *key;    /* of KEEPER_KEY_SIZE bytes: the launcher */
    uint32_t flags;        /* enum keeper_spawn_flag */
    const void *description;
    size_t description_size;
    const int *fds;
    unsigned fd_count;
};

/* The reply says that it is accepted; started() or failed() comes later. */
void keeper_client_spawn(struct keeper_client *client, const struct keeper_client_spawn *spawn, keeper_reply *reply,
                         void *data);
void keeper_client_signal(struct keeper_client *client, const char *id, int signo, keeper_reply *reply, void *data);
/* After failed() or exited(): the record has been written down elsewhere. */
void keeper_client_ack(struct keeper_client *client, const char *id, keeper_reply *reply, void *data);
void keeper_client_tty(struct keeper_client *client, const char *id, keeper_reply *reply, void *data);

/* The store of descriptors: what must survive the daemon (listening sockets, for one). */
void keeper_client_store_fd(struct keeper_client *client, const char *name, int fd, keeper_reply *reply, void *data);
void keeper_client_take_fd(struct keeper_client *client, const char *name, keeper_reply *reply, void *data);
void keeper_client_drop_fd(struct keeper_client *client, const char *name, keeper_reply *reply, void *data);
/* The payload is a struct keeper_listed and that many struct keeper_store, the names from the `from`th on. */
void keeper_client_stored(struct keeper_client *client, uint32_t from, keeper_reply *reply, void *data);

/* Replaces the keeper's program by the one that fd is open on. */
void keeper_client_reexec(struct keeper_client *client, int fd, keeper_reply *reply, void *data);
void keeper_client_shutdown(struct keeper_client *client, keeper_reply *reply, void *data);
