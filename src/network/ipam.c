#include "network/ipam.h"

#include "base/str.h"

#define SUBNETS_MAX 4096

const struct subnet_pool subnet_pools_default[SUBNET_POOLS_DEFAULT] = {
    {.base = {.ip = {.family = IP_V4, .bytes = {172, 17}}, .bits = 16}, .bits = 16},
    {.base = {.ip = {.family = IP_V4, .bytes = {172, 18}}, .bits = 15}, .bits = 16},
    {.base = {.ip = {.family = IP_V4, .bytes = {172, 20}}, .bits = 14}, .bits = 16},
    {.base = {.ip = {.family = IP_V4, .bytes = {172, 24}}, .bits = 13}, .bits = 16},
    {.base = {.ip = {.family = IP_V4, .bytes = {192, 168}}, .bits = 16}, .bits = 20},
};

int ipam_init(struct ipam *ipam, const struct ip_prefix *subnet, const struct ip_prefix *range, struct err *err)
{
    char text[IP_PREFIX_TEXT_MAX], other[IP_PREFIX_TEXT_MAX];
    *ipam = (struct ipam){.subnet = *subnet, .range = *subnet};
    if (subnet->bits > ip_bits(&subnet->ip) - 2)
        return err_set(err, ERR_INVALID, "subnet %s is too small: a network needs room for two hosts, a /%d at least",
                       ip_prefix_format(subnet, text), ip_bits(&subnet->ip) - 2);
    ipam->subnet.ip = ip_prefix_first(subnet);
    if (range && ip_is_set(&range->ip)) {
        if (!ip_prefix_within(range, subnet))
            return err_set(err, ERR_INVALID, "IP range %s is not within subnet %s", ip_prefix_format(range, other),
                           ip_prefix_format(subnet, text));
        ipam->range = *range;
    }
    ipam->range.ip = ip_prefix_first(&ipam->range);
    return 0;
}

void ipam_done(struct ipam *ipam)
{
    vec_done(&ipam->used);
}

/* The place of ip among the used, or where it would stand. */
static size_t find(const struct ipam *ipam, const struct ip *ip)
{
    size_t low = 0, high = ipam->used.count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (ip_compare(&ipam->used.items[middle], ip) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool is_used(const struct ipam *ipam, size_t at, const struct ip *ip)
{
    return at < ipam->used.count && ip_equal(&ipam->used.items[at], ip);
}

static void insert(struct ipam *ipam, size_t at, const struct ip *ip)
{
    vec_push(&ipam->used, *ip);
    memmove(&ipam->used.items[at + 1], &ipam->used.items[at], (ipam->used.count - 1 - at) * sizeof(*ip));
    ipam->used.items[at] = *ip;
}

/* The network's own address and IPv4's broadcast are nobody's. */
static bool is_host(const struct ipam *ipam, const struct ip *ip)
{
    struct ip first = ip_prefix_first(&ipam->subnet), last = ip_prefix_last(&ipam->subnet);
    return !ip_equal(ip, &first) && (ip->family == IP_V6 || !ip_equal(ip, &last));
}

/* The first free address from `from` to the end of the range. */
static bool take_from(struct ipam *ipam, const struct ip *from, struct ip *ret)
{
    struct ip ip = *from;
    for (size_t at = find(ipam, &ip); ip_prefix_contains(&ipam->range, &ip); ip = ip_plus(&ip, 1)) {
        if (is_used(ipam, at, &ip)) {
            at++;
        } else if (is_host(ipam, &ip)) {
            insert(ipam, at, &ip);
            *ret = ipam->last = ip;
            return true;
        }
        struct ip last = ip_prefix_last(&ipam->range);
        if (ip_equal(&ip, &last))
            break;
    }
    return false;
}

int ipam_take_any(struct ipam *ipam, struct ip *ret, struct err *err)
{
    char text[IP_PREFIX_TEXT_MAX];
    struct ip first = ip_prefix_first(&ipam->range);
    struct ip next = ip_is_set(&ipam->last) ? ip_plus(&ipam->last, 1) : first;
    if (take_from(ipam, &next, ret) || take_from(ipam, &first, ret))
        return 0;
    return err_set(err, ERR_LIMIT, "no free address is left in %s", ip_prefix_format(&ipam->range, text));
}

int ipam_take(struct ipam *ipam, const struct ip *ip, struct err *err)
{
    char text[IP_TEXT_MAX], subnet[IP_PREFIX_TEXT_MAX];
    ip_format(ip, text);
    ip_prefix_format(&ipam->subnet, subnet);
    if (!ip_prefix_contains(&ipam->subnet, ip))
        return err_set(err, ERR_INVALID, "address %s is not of subnet %s", text, subnet);
    if (!is_host(ipam, ip))
        return err_set(err, ERR_INVALID, "address %s cannot be used: it is the %s address of subnet %s", text,
                       ip_equal(ip, &ipam->subnet.ip) ? "network" : "broadcast", subnet);
    size_t at = find(ipam, ip);
    if (is_used(ipam, at, ip))
        return err_set(err, ERR_CONFLICT, "address %s is already in use", text);
    insert(ipam, at, ip);
    return 0;
}

void ipam_give_back(struct ipam *ipam, const struct ip *ip)
{
    size_t at = find(ipam, ip);
    if (is_used(ipam, at, ip))
        vec_remove(&ipam->used, at);
}

static bool overlaps_any(const struct ip_prefix *prefix, const struct ip_prefix *taken, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (ip_prefix_overlaps(prefix, &taken[i]))
            return true;
    return false;
}

/* The prefix behind this one, of the same length. */
static struct ip next_prefix(const struct ip_prefix *prefix)
{
    struct ip last = ip_prefix_last(prefix);
    return ip_plus(&last, 1);
}

int subnet_choose(const struct subnet_pool *pools, size_t pool_count, const struct ip_prefix *taken, size_t taken_count,
                  struct ip_prefix *ret, struct err *err)
{
    for (size_t i = 0; i < pool_count; i++) {
        struct ip_prefix subnet = {.ip = ip_prefix_first(&pools[i].base), .bits = pools[i].bits};
        for (int n = 0; n < SUBNETS_MAX && ip_prefix_within(&subnet, &pools[i].base); n++) {
            if (!overlaps_any(&subnet, taken, taken_count)) {
                *ret = subnet;
                return 0;
            }
            subnet.ip = next_prefix(&subnet);
        }
    }
    return err_set(err, ERR_LIMIT,
                   "no free subnet is left: all overlap routes of this machine or other networks; give the network a "
                   "subnet of its own, or remove unused networks");
}
