#pragma once
/*
 * How the backends of a published port share its connections: each new connection draws a slot, the next of a fixed
 * number, and each slot belongs to a backend. All backends have as many slots as the others, or one more; when backends
 * come and go, as few slots as possible change hands, since each change is an element to be rewritten. Pure.
 */
#include "base/ip.h"

#define SLOTS_FEW  64
#define SLOTS_MANY 1024 /* for more backends than SLOTS_FEW */

struct slots {
    size_t count;          /* 0, 1, SLOTS_FEW or SLOTS_MANY */
    struct ip_port *items; /* owned */
};

/*
 * Deals the slots to these backends (SLOTS_MANY at most, all different), from what before says, into *ret. single: one
 * backend needs one slot only.
 */
void slots_deal(const struct slots *before, const struct ip_port *backends, size_t count, bool single,
                struct slots *ret);
void slots_done(struct slots *slots);

bool ip_port_equal(const struct ip_port *a, const struct ip_port *b);
