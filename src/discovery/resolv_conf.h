#pragma once
/*
 * resolv.conf(5) of the machine, and the files a container gets: /etc/resolv.conf and /etc/hosts. What cannot stand in
 * a line of such a file (a name with a newline) is left out; the layers above refuse it.
 */
#include "base/buf.h"
#include "base/ip.h"
#include "base/vec.h"

#define RESOLV_SERVERS_MAX 8
#define RESOLV_SEARCH_MAX  32

struct resolv_conf {
    struct ip servers[RESOLV_SERVERS_MAX];
    size_t server_count;
    struct strings search, options;
};

/* Never fails: lines that are not understood are skipped, as resolvers do. Strings are in the arena. */
void resolv_conf_parse(struct arena *arena, const char *text, struct resolv_conf *ret);
/* Reads a file; one that is missing or too large gives an empty one. */
void resolv_conf_read(struct arena *arena, const char *path, struct resolv_conf *ret);

/* Lists are borrowed and may be empty. */
struct resolv_params {
    const struct ip *servers; /* the gateway of the container's first network; or, on the host's network, `dns:` */
    size_t server_count;
    const struct strings *search;  /* dns_search; NULL: the machine's; "." alone: none */
    const struct strings *options; /* dns_opt; NULL: the machine's */
    const struct resolv_conf *machine;
    bool own_server; /* servers is ours, which knows short names: they are asked as they are (ndots:0) */
};
void resolv_conf_write(struct buf *to, const struct resolv_params *params);

struct extra_host {
    const char *name, *address; /* an address, or "host-gateway" */
};

struct hosts_params {
    const char *hostname, *domainname; /* domainname may be NULL */
    const struct ip *addresses;        /* the container's own */
    size_t address_count;
    const struct extra_host *extra;
    size_t extra_count;
    struct ip host_gateway; /* where "host-gateway" leads to: the machine, as the container reaches it */
};
/* Docker's /etc/hosts: localhost, extra_hosts, the container's own name. */
void hosts_write(struct buf *to, const struct hosts_params *params);
