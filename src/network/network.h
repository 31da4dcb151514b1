#pragma once
/*
 * Networks and the containers' places in them, as the kernel has them: mechanism. What is wanted comes from above,
 * names (DNS) are discovery's.
 *
 * A network is a subnet whose containers reach each other, and nobody else's. A container hangs on a routed veth: its
 * end
 * ("eth0") has an address of the subnet and sends everything to the network's gateway; the machine's end has a route to
 * that one address. There is no bridge. Neighbour entries of both ends are permanent, so no ARP is needed and gc_thresh
 * does not matter. The gateway's address stands on the machine's loopback link, where the DNS server listens.
 *
 * The machine's table `shoal-INSTANCE` of nftables keeps networks apart, lets a container send from its own address
 * only, masquerades what goes outside and carries published ports (network/port.h). Its rules are made once; networks
 * and ports are elements of its sets, so nothing of it grows with the number of containers.
 *
 * Names of everything on the machine come from the instance, which comes from the data directory: several daemons do
 * not meet. Nothing is made before the first network: a daemon whose containers use the host's network leaves no trace.
 *
 * After a restart: networks_new(), network_adopt() and endpoint_adopt() for each stored record, ports (port_open() with
 * kept descriptors, port_set_backends()), then networks_start(), which removes what no record names and brings the rest
 * up to date. Records are plain values that the owner stores before it relies on what they describe.
 *
 * Calls take from 10 µs to some milliseconds and none waits for anybody outside of the kernel. The first
 * network_create() of a machine runs nft(8), some milliseconds.
 */
#include "base/cleanup.h"
#include "base/err.h"
#include "base/id.h"
#include "base/ip.h"
#include "base/list.h"
#include "network/ipam.h"
#include "sys/netns.h"
#include "sys/rtnl.h"

struct loop;
struct networks;
struct network;
struct endpoint;

/* --- The machine -------------------------------------------------------------------------------------------------- */

struct networks_options {
    const char *data_dir; /* the instance's name is made of its path */
    struct loop *loop;    /* for published ports on localhost */
    const struct subnet_pool *pools;
    size_t pool_count; /* 0: subnet_pools_default */
    /* Published ports obey the machine's own input rules: no DNAT, the daemon relays everything and containers see the
       gateway's address as the client's. */
    bool ports_behind_input;
};

struct networks *networks_new(const struct networks_options *options, struct err *err);
/* Closes what is open. Links, routes and rules stay, and so traffic flows on. */
void networks_free(struct networks *networks);
DEFINE_CLEANUP(struct networks *, networks_free);

/* See above: to be called once, after everything known was adopted. */
int networks_start(struct networks *networks, struct err *err);

/* Removes everything of this instance from the machine; for uninstalling, and where no container is left. */
int networks_clear(struct networks *networks, struct err *err);

/* "1a2b3c4d" */
const char *networks_instance(const struct networks *networks);

/* --- Networks ----------------------------------------------------------------------------------------------------- */

#define NETWORK_NAME_MAX     256
#define NETWORK_RESERVED_MAX 16

struct network_subnet {
    struct ip_prefix subnet; /* unset: IPv4's is chosen, IPv6 is off */
    struct ip_prefix range;  /* where containers' addresses come from; unset: the whole subnet */
    struct ip gateway;       /* unset: the first of the subnet */
};

/* As it was asked for when given to network_create(), and complete in network_record(). */
struct network_record {
    char id[ID_SIZE];
    char name[NETWORK_NAME_MAX]; /* for messages alone; names are the owner's to keep apart */
    bool internal;               /* reaches nothing outside of the network but the gateway */
    bool no_masquerade;          /* containers go outside with their own addresses */
    bool ipv6;                   /* an IPv6 subnet of its own (of fd00::/8) where none is given */
    int mtu;                     /* 0: 1500 */
    struct network_subnet v4, v6;
    struct ip reserved[NETWORK_RESERVED_MAX]; /* never given to a container by itself (aux_addresses) */
};

/*
 * ERR_INVALID where subnet, gateway and range do not fit; ERR_CONFLICT where the subnet overlaps another network's or
 * one that the machine itself is in; ERR_LIMIT where the pools are used up.
 */
int network_create(struct networks *networks, const struct network_record *wanted, struct network **ret,
                   struct err *err);
/* Takes over one that network_create() made in an earlier life. Before networks_start() only. */
int network_adopt(struct networks *networks, const struct network_record *record, struct network **ret,
                  struct err *err);
/* ERR_CONFLICT while containers are attached. Frees the network. */
int network_remove(struct network *network, struct err *err);

/*
 * Says at which ports of the gateway names are answered. Where they are not 53, because that one is another server's,
 * the containers' questions are led there. To be said in each life of the daemon.
 */
int network_set_resolver(struct network *network, uint16_t udp_port, uint16_t tcp_port, struct err *err);

const struct network_record *network_record(const struct network *network);
struct network *network_find(const struct networks *networks, const char *id); /* NULL where there is none */

/* --- Containers' places ------------------------------------------------------------------------------------------- */

struct endpoint_options {
    const char *container; /* its id, for messages */
    struct netns *netns;   /* the container's (netns_new()), or a running one's (netns_open()) */
    const char *interface; /* "eth0"; not taken in the namespace */
    struct ip ipv4, ipv6;  /* unset: the next free ones */
    const struct mac *mac; /* NULL: 02:42 and the IPv4 address */
    bool default_route;    /* of the networks of a container one has it, and an internal network never has */
};

/* What is stored. */
struct endpoint_record {
    char network[ID_SIZE];
    char container[ID_SIZE];
    char interface[LINK_NAME_MAX]; /* in the container */
    char link[LINK_NAME_MAX];      /* on the machine */
    struct ip ipv4, ipv6;          /* ipv6 unset where the network has none */
    struct mac mac;
};

/*
 * Attaches the namespace to the network. Afterwards give netns->fd to the container's spawn and close the netns: when
 * the container's processes are gone (or were never made), the kernel removes the namespace and both links.
 *
 * ERR_CONFLICT where the address is taken, ERR_INVALID where it is not of the subnet, ERR_LIMIT where the subnet is
 * full.
 */
int network_attach(struct network *network, const struct endpoint_options *options, struct endpoint **ret,
                   struct err *err);
/* Takes over one of an earlier life. Before networks_start() only. */
int network_adopt_endpoint(struct network *network, const struct endpoint_record *record, struct endpoint **ret,
                           struct err *err);

/*
 * Gives the addresses back and frees the endpoint. alive: the container runs on (docker network disconnect), and its
 * link is removed now; else the links are going with their namespace.
 */
void endpoint_detach(struct endpoint *endpoint, bool alive);

const struct endpoint_record *endpoint_record(const struct endpoint *endpoint);
struct network *endpoint_network(const struct endpoint *endpoint);

/* --- What is in the way ------------------------------------------------------------------------------------------- */

/*
 * Looks for what others did to this machine that keeps containers from the network: forwarding that is off, chains of
 * other tables (Docker's, firewalld's, ufw's) that drop what is forwarded. Calls found() with a sentence for people,
 * each of what and what would help. Returns how many.
 */
int networks_check(struct networks *networks, void (*found)(const char *problem, void *data), void *data);
