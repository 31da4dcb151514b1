#pragma once
/* Inside of discovery/: the server's parts. */
#include "discovery/dns_server.h"
#include "discovery/lookup.h"

#include <sys/stat.h>

#define DNS_CONNECTIONS_MAX        128
#define DNS_CONNECTIONS_OF_ONE_MAX 8

struct dns_server {
    struct dns_server_options options;
    char *resolv_conf;     /* owned */
    struct list listeners; /* of struct dns_listener, owned */
    size_t connection_count;
    struct lookups lookups;
    struct ip servers[LOOKUP_SERVERS_MAX]; /* the machine's */
    size_t server_count;
    struct timespec read_time; /* of resolv_conf as it was read */
    ino_t read_inode;
    int64_t looked_ms;
};

struct dns_listener {
    struct dns_server *server;
    struct list link;
    char *network; /* owned */
    struct ip address;
    struct io udp, tcp;      /* the sockets are owned */
    struct timer retry;      /* accepts again */
    struct list waiting;     /* UDP clients whose answer comes from elsewhere, owned */
    struct list connections; /* of struct dns_connection, owned */
};

/*
 * dns_server.c: answers params->query of params->client, or starts a lookup that will: *ret_lookup is it then, and
 * params->done gets the answer. Returns the size of what was put into answer, 0 where there is nothing to say now.
 */
size_t dns_server_ask(struct dns_listener *listener, const struct lookup_params *params, uint8_t *answer, size_t max,
                      struct lookup **ret_lookup);

/* dns_tcp.c: takes who waits to be accepted, again after descriptors ran out; ends every connection. */
void dns_tcp_accept(struct dns_listener *listener);
void dns_tcp_retry(struct timer *timer);
void dns_tcp_end(struct dns_listener *listener);
