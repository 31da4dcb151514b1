#pragma once
/*
 * The instance's table of nftables: its rules as text, made once, and what changes as elements of its sets. The text
 * ends with a chain whose name is a checksum of the rest: a table made by another version is seen and replaced.
 */
#include "base/buf.h"
#include "network/state.h"
#include "sys/nft.h"

#define RULESET_MARK_MAX 24

/* The whole table for nft(8), replacing what there is. mark gets the name of the chain that tells the version. */
void ruleset_write(const struct instance *instance, struct buf *text, char mark[RULESET_MARK_MAX]);

/* Empties every set, in a transaction that fills them again. */
void ruleset_flush(struct netlink_batch *batch, const struct instance *instance);

/* Adds, or deletes, the elements that a network has. */
void ruleset_network(struct netlink_batch *batch, enum nft_operation operation, const struct network *network);
/* Those of network_set_resolver(), which ruleset_network() has too. */
void ruleset_resolver(struct netlink_batch *batch, enum nft_operation operation, const struct network *network);

/* Changes the elements of a port, of one family, from one dealing of its slots to another; none is what an empty one
 * has. */
void ruleset_port(struct netlink_batch *batch, const struct port *port, const struct slots *before,
                  const struct slots *after);
