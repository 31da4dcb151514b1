#pragma once
/*
 * Who is called what, network by network: told from above, asked by the DNS server (discovery/dns_server.h). A place is
 * a container in a network: its addresses and the names that lead to it there ("web", "web-1", "web.shop", aliases, the
 * container's name and short id). Who asks is known by the address: networks keep a container from sending from
 * another's.
 */
#include "base/ip.h"

#include <stdbool.h>
#include <stddef.h>

#define NAMES_ADDRESSES_MAX 256 /* that one name gives */
#define NAMES_SERVERS_MAX   8

struct names;

struct names *names_new(void);
void names_free(struct names *names);

struct names_place {
    const char *container, *network; /* ids: what the place is known by */
    struct ip ipv4, ipv6;            /* unset where there is none */
    const char *const *names;        /* case does not matter; the first is what PTR gives; may be NULL */
    size_t name_count;
    bool hidden;              /* its names lead nowhere for now (unhealthy, draining); it can ask all the same */
    bool outside;             /* the network is not internal: names of the world may be asked */
    const struct ip *servers; /* the container's own (`dns:`), asked in place of the machine's; 8 at most */
    size_t server_count;
};

/* Tells a place, or tells it anew: what was told before is forgotten. Everything is copied. */
void names_put(struct names *names, const struct names_place *place);
/* Harmless where there is no such place. */
void names_remove(struct names *names, const char *container, const char *network);

/* Who asks: places of one container, found by any of its addresses. NULL for strangers. */
struct names_client;
const struct names_client *names_client(const struct names *names, const struct ip *ip);
/* Any place in the network, for questions that come from the machine itself. NULL where there is none. */
const struct names_client *names_member(const struct names *names, const char *network);

/*
 * The addresses of a name (lower case) as the client sees it: in the first of its networks where the name is known.
 * Shuffled. -1 where nobody has it; 0 addresses where it has none of this family.
 */
int names_resolve(const struct names *names, const struct names_client *client, const char *name, enum ip_family family,
                  struct ip addresses[NAMES_ADDRESSES_MAX]);
/* The name of an address in one of the client's networks, or NULL. */
const char *names_reverse(const struct names *names, const struct names_client *client, const struct ip *ip);

/* May it ask for names of the world, and whom? servers gets its own, 0 where it has none. */
bool names_goes_outside(const struct names *names, const struct names_client *client,
                        struct ip servers[NAMES_SERVERS_MAX], size_t *ret_count);
