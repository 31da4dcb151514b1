#pragma once
/* The server's own state, for the files of http/ alone. */
#include "http/connection.h"

#define READ_SIZE (16 * 1024)

struct http_server {
    struct http_server_options options;
    struct list listeners;
    struct list idle; /* connections, the one idle for longest first */
    struct list busy; /* connections with an exchange */
    size_t connections;
    struct list answered;  /* exchanges with bytes to let go */
    struct list runnable;  /* exchanges to go on with */
    struct deferred run;   /* goes on with them */
    struct timer reaccept; /* while no connection can be accepted */
    char scratch[READ_SIZE];
};

static inline struct http_server *server_of(const struct exchange *x)
{
    return x->connection->listener->server;
}
