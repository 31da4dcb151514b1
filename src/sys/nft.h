#pragma once
/*
 * nftables: whole rulesets as text through nft(8), elements of sets and maps by our own messages
 * (linux/netfilter/nf_tables.h), which takes microseconds and no process. Tables are of the family inet.
 *
 *     nft_begin(&batch);
 *     struct nft_elements ports = {&batch, NFT_ADD, "shoal-…", "ports4"};
 *     nft_element(&ports, &key, NULL, &value);
 *     nft_elements_end(&ports);
 *     int r = nft_commit(&nl, &batch);
 */
#include "base/ip.h"
#include "sys/netlink.h"

#include <stdbool.h>

/*
 * Loads text in one transaction with `nft -f -` and waits for that process, a few milliseconds: for the start of a
 * program only. On failure reason has what nft said. -ENOENT: there is no nft.
 */
int nft_load(const char *text, size_t size, char *reason, size_t reason_size);

/* A key or a value: fields in the kernel's registers, each padded to 4 bytes, numbers in network order. */
struct nft_value {
    uint8_t bytes[64];
    size_t size;
};
void nft_value_ip(struct nft_value *value, const struct ip *ip);
void nft_value_u8(struct nft_value *value, uint8_t number);
void nft_value_port(struct nft_value *value, uint16_t port);
void nft_value_host_u32(struct nft_value *value, uint32_t number); /* what rules compute, as numgen, is in host order */

enum nft_operation { NFT_ADD, NFT_DELETE };

/* Opens and closes a transaction; nft_commit() sends it: all of it happens, or nothing. */
void nft_begin(struct netlink_batch *batch);
int nft_commit(struct netlink *nl, struct netlink_batch *batch);

/* Elements of one set or map that are added, or deleted, in a transaction. No element at all sends nothing. */
struct nft_elements {
    struct netlink_batch *batch;
    enum nft_operation operation;
    const char *table, *set;
    size_t list; /* where the open message's list began; 0: no message is open */
};
/* One element; end is the last key of an interval of concatenated fields, value what a map has for it; or NULL. */
void nft_element(struct nft_elements *elements, const struct nft_value *key, const struct nft_value *end,
                 const struct nft_value *value);
/* The interval of a prefix in a set whose key is one address. */
void nft_element_prefix(struct nft_elements *elements, const struct ip_prefix *prefix, const struct nft_value *value);
void nft_elements_end(struct nft_elements *elements);

/* Empties a set. */
void nft_flush(struct netlink_batch *batch, const char *table, const char *set);

/* Removes a table with all that is in it. */
void nft_table_remove(struct netlink_batch *batch, const char *table);

#define NFT_FAMILY_INET 1 /* NFPROTO_INET */

struct nft_chain {
    int family; /* NFPROTO_IPV4, NFPROTO_IPV6, NFPROTO_INET … */
    const char *table, *name;
    bool base; /* a chain that a hook calls; what follows is valid only then */
    uint32_t hook;
    bool drops; /* its policy */
};
/* Every chain of every table. The callback's struct lives as long as the call. */
int nft_chains(struct netlink *nl, void (*found)(const struct nft_chain *chain, void *data), void *data);
