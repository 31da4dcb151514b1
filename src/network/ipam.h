#pragma once
/*
 * Addresses of one subnet: which are in use, and the next free one. Addresses are given out in turn, so that one that
 * was given back is not at once somebody else's. Pure: knows no network and no machine.
 */
#include "base/err.h"
#include "base/ip.h"
#include "base/vec.h"

struct ipam {
    struct ip_prefix subnet;
    struct ip_prefix range; /* where addresses come from when none is asked for; within the subnet */
    struct ip last;         /* the one given out last */
    VEC(struct ip) used;    /* sorted */
};

/*
 * subnet is what the user wrote ("172.18.0.0/16"), range may be unset: the whole subnet. ERR_INVALID where they do not
 * fit. A subnet leaves room for two hosts at least (/30, /126).
 */
int ipam_init(struct ipam *ipam, const struct ip_prefix *subnet, const struct ip_prefix *range, struct err *err);
void ipam_done(struct ipam *ipam);

/* Takes the next free address of the range. ERR_LIMIT where there is none. */
int ipam_take_any(struct ipam *ipam, struct ip *ret, struct err *err);
/*
 * Takes this address, of the subnet (the range does not matter). ERR_INVALID where it is not of the subnet or cannot be
 * a host's; ERR_CONFLICT where it is taken.
 */
int ipam_take(struct ipam *ipam, const struct ip *ip, struct err *err);
/* Harmless for an address that was not taken. */
void ipam_give_back(struct ipam *ipam, const struct ip *ip);

/* Subnets for networks that name none: 172.17.0.0/16 to 172.31.0.0/16, then 192.168.0.0/20 to 192.168.240.0/20, as
 * Docker has them. */
struct subnet_pool {
    struct ip_prefix base;
    uint8_t bits; /* of each subnet cut from it */
};
#define SUBNET_POOLS_DEFAULT 5
extern const struct subnet_pool subnet_pools_default[SUBNET_POOLS_DEFAULT];

/*
 * The first subnet of the pools that overlaps nothing of taken. ERR_LIMIT where there is none. At most 4,096 subnets of
 * a pool are looked at.
 */
int subnet_choose(const struct subnet_pool *pools, size_t pool_count, const struct ip_prefix *taken, size_t taken_count,
                  struct ip_prefix *ret, struct err *err);
