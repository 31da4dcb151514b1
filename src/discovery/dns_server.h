#pragma once
/*
 * The DNS server of the daemon: UDP and TCP on one address for each network, the gateway's, so that only its containers
 * (and the machine) can ask. Names of their networks it answers itself (discovery/names.h), those of the world it
 * passes on to the machine's resolvers, or to the container's own (discovery/lookup.h). Strangers get no answer.
 *
 * Answers of its own live for a second: a container that moved is found again at once.
 */
#include "discovery/names.h"
#include "event/loop.h"

struct dns_server;
struct dns_listener;

struct dns_server_options {
    struct loop *loop;
    const struct names *names;
    const char *resolv_conf; /* the machine's; read again when it changes */
};

struct dns_server *dns_server_new(const struct dns_server_options *options);
/* Closes the listeners too. */
void dns_server_free(struct dns_server *server);
DEFINE_CLEANUP(struct dns_server *, dns_server_free);

struct dns_listen_options {
    const char *network; /* id */
    struct ip address;
    int udp_fd, tcp_fd; /* sockets that were kept (owned by the listener from here on), or -1 */
};

/*
 * Where another server of the machine has port 53 of all addresses, the listener gets other ports: see
 * dns_listener_port(), and network_set_resolver() for leading questions there.
 */
int dns_listen(struct dns_server *server, const struct dns_listen_options *options, struct dns_listener **ret,
               struct err *err);
void dns_unlisten(struct dns_listener *listener);

/* 53, or the port that it got instead. */
uint16_t dns_listener_udp_port(const struct dns_listener *listener);
uint16_t dns_listener_tcp_port(const struct dns_listener *listener);

/* What to keep across a restart. */
int dns_listener_udp_fd(const struct dns_listener *listener);
int dns_listener_tcp_fd(const struct dns_listener *listener);
