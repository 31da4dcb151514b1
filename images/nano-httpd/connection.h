#pragma once
/*
 * One client: a state machine over its socket that never waits.
 *
 *                 head complete             sent, keep-alive
 *     READING ───────────────────► SENDING ────────────────► READING
 *        │                            │ sent, no keep-alive
 *        │ end, error, too late       ▼
 *        └────────────► CLOSED ◄── DRAINING: our side is shut, the client's rest is thrown away, so that a reset does
 *                                            not destroy the response on its way (RFC 9112, section 9.6). Skipped where
 *                                            the client has said that nothing follows
 */
#include "request.h"
#include "response.h"

enum state { STATE_CLOSED, STATE_READING, STATE_SENDING, STATE_DRAINING };

struct connection {
    enum state state;
    int fd;               /* owned */
    int file;             /* owned, while a body is sent; -1 otherwise */
    int want;             /* EPOLLIN or EPOLLOUT: what to wait for */
    int watched;          /* what epoll was told; 0 before it was told anything. The server's */
    bool head_done;       /* SENDING: the head is on its way, whole */
    bool drain;           /* SENDING: more may come from the client, although nothing more is answered */
    uint16_t filled;      /* bytes in the buffer */
    uint16_t request;     /* SENDING: of these, the request that is being answered */
    uint16_t head_sent;   /* SENDING: bytes of the head that are on their way */
    int64_t since_ms;     /* when the state began, or when a response last moved */
    int64_t deadline_ms;  /* when to give up */
    int64_t offset, left; /* SENDING: of the file */
    struct response response;
};

/* How long a client may take. */
#define REQUEST_MS  10000 /* from a request's first byte to its last */
#define IDLE_MS     15000 /* between requests */
#define STALLED_MS  30000 /* without taking a byte of a response */
#define DRAINING_MS 2000

/* Files up to this size are copied behind their head, and leave with it in one piece; larger ones leave by sendfile. */
#define SMALL_FILE 8192

/* What is the same for all connections in a turn of the loop. */
struct turn {
    int64_t now_ms;
    int64_t deadline_ms; /* the earliest of all connections, or an earlier time */
    int64_t date;        /* seconds since 1970; 0 while nobody asked for it */
    bool last;           /* whether responses shall be their connections' last */
    char scratch[RESPONSE_MAX + SMALL_FILE];
};

/* Takes fd over. */
void connection_open(struct connection *c, int fd, struct turn *turn);

/*
 * Goes on as far as it can without waiting; called when what it wants is ready. buffer holds REQUEST_MAX bytes of this
 * connection's own. Afterwards c->want is what to wait for, or the state is CLOSED.
 */
void connection_step(struct connection *c, char *buffer, struct turn *turn);

void connection_close(struct connection *c);
