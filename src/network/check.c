/* What others did to the machine that keeps containers from the network. */
#include "base/str.h"
#include "network/forwarding.h"
#include "network/state.h"
#include "sys/nft.h"

#include <linux/netfilter.h>
#include <stdio.h>

struct check {
    const struct networks *networks;
    void (*found)(const char *problem, void *data);
    void *data;
    int count;
    bool ipv6;
};

static void report(struct check *check, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void report(struct check *check, const char *format, ...)
{
    char problem[600];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(problem, sizeof(problem), format, args);
    va_end(args);
    check->found(problem, check->data);
    check->count++;
}

static const char *family_name(int family)
{
    switch (family) {
    case NFPROTO_IPV4:
        return "ip";
    case NFPROTO_IPV6:
        return "ip6";
    case NFPROTO_INET:
        return "inet";
    default:
        return NULL;
    }
}

/* The line that lets our links through: iptables' own chains are best changed with iptables. */
static void report_chain(struct check *check, const struct nft_chain *chain, const char *family, const char *direction)
{
    const char *prefix = check->networks->instance.link_prefix;
    bool iptables = str_eq(chain->table, "filter") && chain->family != NFPROTO_INET;
    const char *program = chain->family == NFPROTO_IPV6 ? "ip6tables" : "iptables";
    if (iptables && chain->hook == NF_INET_FORWARD)
        report(check,
               "chain %s of table %s %s drops %s unless a rule of it accepts: containers' traffic may be lost; let it "
               "through with: %s -I %s -i '%s+' -j ACCEPT && %s -I %s -o '%s+' -j ACCEPT",
               chain->name, family, chain->table, direction, program, chain->name, prefix, program, chain->name,
               prefix);
    else if (iptables)
        report(check,
               "chain %s of table %s %s drops %s unless a rule of it accepts: containers may get no answer to name "
               "lookups; let them through with: %s -I %s -i '%s+' -j ACCEPT",
               chain->name, family, chain->table, direction, program, chain->name, prefix);
    else
        report(check,
               "chain %s of table %s %s drops %s unless a rule of it accepts: containers' traffic may be lost; let it "
               "through with: nft insert rule %s %s %s iifname '%s*' accept",
               chain->name, family, chain->table, direction, family, chain->table, chain->name, prefix);
}

static void see_chain(const struct nft_chain *chain, void *data)
{
    struct check *check = data;
    const char *family = family_name(chain->family);
    if (!family || !chain->base || !chain->drops || (chain->family == NFPROTO_IPV6 && !check->ipv6))
        return;
    if (chain->hook == NF_INET_FORWARD)
        report_chain(check, chain, family, "what is forwarded");
    else if (chain->hook == NF_INET_LOCAL_IN)
        report_chain(check, chain, family, "what comes in");
}

int networks_check(struct networks *networks, void (*found)(const char *problem, void *data), void *data)
{
    struct check check = {.networks = networks, .found = found, .data = data};
    const struct network *network;
    if (list_empty(&networks->list))
        return 0;
    list_foreach (network, &networks->list, link)
        check.ipv6 = check.ipv6 || network_has_ipv6(network);
    if (!forwarding_enabled(false))
        report(&check, "IPv4 forwarding is off, so containers reach nothing: sysctl -w net.ipv4.ip_forward=1");
    if (check.ipv6 && !forwarding_enabled(true))
        report(&check, "IPv6 forwarding is off: sysctl -w net.ipv6.conf.all.forwarding=1");
    if (nft_chains(&networks->nft, see_chain, &check) < 0)
        report(&check, "the machine's nftables cannot be read, so it is not known whether they let containers through");
    return check.count;
}
