#pragma once
/*
 * One connection of the server, and the exchange (a request and its answer) that is under way on it. Private to http/.
 *
 *   connection  lives as long as its socket; all that an idle one costs
 *   exchange    from a request's first byte to its answer's last
 *
 *   READ_HEAD ─► READ_BODY ─► HANDLED ─► ANSWERED ─► (next exchange, idle, or closed)
 *       │                      ▲ │  └──► STREAMING ─► ANSWERED
 *       └─ streamed body ──────┘ ├─────► HIJACKED ─► (the connection is somebody else's)
 *                                └─ … ─► BROKEN ─► closed
 *   ANSWERED ─► DRAINING ─► closed, where the client still sends a body that nobody wants
 *
 * Nothing is freed but by connection_close() and at the end of connection_write(): handlers, sinks and pulls only mark
 * what they want, and the connection acts on it when they have returned.
 */
#include "event/loop.h"
#include "http/parser.h"
#include "http/reply.h"
#include "http/server.h"

struct listener {
    struct io io;
    struct list link;
    struct http_server *server;
    bool local;
};

struct connection {
    struct io io;
    struct list link; /* in the server's idle or busy connections */
    struct listener *listener;
    struct exchange *exchange; /* owned; NULL while idle */
};

enum exchange_state {
    EXCHANGE_READ_HEAD,
    EXCHANGE_READ_BODY, /* a body that is collected */
    EXCHANGE_HANDLED,   /* the handler has it; a streamed body may still come in */
    EXCHANGE_STREAMING, /* the answer has begun */
    EXCHANGE_ANSWERED,  /* the answer is whole in out */
    EXCHANGE_HIJACKED,  /* the same, and then the connection is handed over */
    EXCHANGE_DRAINING,  /* written; reads to the client's end, so that it sees the answer and no reset */
    EXCHANGE_BROKEN,    /* to be closed */
};

struct body_pipe;

struct exchange {
    struct http_request request;
    struct connection *connection;
    enum exchange_state state;

    /* In. */
    struct http_parser *parser; /* owned */
    struct buf in;              /* read and not parsed yet */
    size_t scanned;             /* bytes of in where no head ends */
    struct buf piece;           /* of a streamed body: parsed, and not taken yet */
    const struct http_body_sink *sink;
    struct body_pipe *pipe; /* the sink of http_body_to_fd(), in the request's arena */
    bool sink_full;
    bool sink_ended;
    bool half_closed; /* the client will send no more, and still wants its answer */
    struct timer timer;

    /* Out. */
    struct buf headers; /* from http_reply_header() */
    struct buf out;
    size_t released; /* bytes of out that may be written: those of turns that ended */
    size_t sent;
    bool begun;   /* some of the answer was released */
    bool blocked; /* the socket takes no more now */
    bool keep_alive;
    bool chunked;
    bool no_body; /* HEAD, 204, 304 */
    bool pull_due;
    void (*taken)(struct http_request *request, struct http_hijacked *connection);

    struct list answered; /* in server->answered: has bytes to release */
    struct list runnable; /* in server->runnable: goes on at the end of this turn */
};

#define EXCHANGE_HELD_MAX (1024UL * 1024 * 1024) /* bytes of one whole answer */
#define STREAM_HELD_MAX   (16UL * 1024 * 1024)   /* bytes that a stream's client has not read; past it, it is cut off */

static inline struct exchange *exchange_of(const struct http_request *request)
{
    return container_of(request, struct exchange, request);
}

void exchange_set_state(struct exchange *x, enum exchange_state state);
/* Has out got bytes to let go? The next flush writes them. */
void exchange_answer(struct exchange *x);
/* exchange_go_on() is to be called, once no callback is on the stack. */
void exchange_run(struct exchange *x);
/* Goes on with bytes that were read, a sink that has room again, a stream that is to write more. */
void exchange_go_on(struct exchange *x);

/* receive.c: takes what is in x->in as far as it goes. */
void exchange_receive(struct exchange *x);
bool exchange_wants_bytes(const struct exchange *x);
/* Answers with status and err, whatever was read of the request, and closes where it was not read whole. */
void exchange_refuse(struct exchange *x, int status, const struct err *err);

/* Closes the pipe of http_body_to_fd(), where there is one. */
void body_pipe_close(struct body_pipe *pipe);

/* Takes over an accepted socket. */
void connection_open(struct listener *listener, int fd);
/* Writes what was released. The connection may be gone after it. */
void connection_write(struct connection *c);
/* Closes and frees; `over` of a handled request learns that the client is gone. */
void connection_close(struct connection *c);
