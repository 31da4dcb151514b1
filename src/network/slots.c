#include "network/slots.h"

#include "base/cleanup.h"
#include "base/mem.h"

#define NOBODY SIZE_MAX

bool ip_port_equal(const struct ip_port *a, const struct ip_port *b)
{
    return a->port == b->port && ip_equal(&a->ip, &b->ip);
}

void slots_done(struct slots *slots)
{
    free(slots->items);
    *slots = (struct slots){0};
}

static size_t slots_for(size_t backends, bool single)
{
    if (backends == 1 && single)
        return 1;
    return backends <= SLOTS_FEW ? SLOTS_FEW : SLOTS_MANY;
}

/* A backend and its place in the list, for finding it. */
struct ranked {
    struct ip_port backend;
    size_t index;
};

static int compare(const void *a, const void *b)
{
    const struct ranked *left = a, *right = b;
    int order = ip_compare(&left->backend.ip, &right->backend.ip);
    return order ? order : (int)left->backend.port - (int)right->backend.port;
}

static struct ranked *rank(const struct ip_port *backends, size_t count)
{
    struct ranked *ranked = mem_alloc_array(count, sizeof(*ranked));
    for (size_t i = 0; i < count; i++)
        ranked[i] = (struct ranked){backends[i], i};
    qsort(ranked, count, sizeof(*ranked), compare);
    return ranked;
}

static size_t index_of(const struct ranked *ranked, size_t count, const struct ip_port *backend)
{
    struct ranked key = {*backend, 0};
    const struct ranked *found = bsearch(&key, ranked, count, sizeof(*ranked), compare);
    return found ? found->index : NOBODY;
}

/* One round of dealing: whose each slot is, and how many each backend has. */
struct deal {
    size_t slots, backends;
    size_t *owner; /* of each slot, or NOBODY */
    size_t *have;  /* each backend's */
};

/* Slots stay with their owners as far as these are still there and have no more than their share. */
static void keep_owners(struct deal *deal, const struct slots *before, const struct ip_port *backends)
{
    struct ranked *ranked cleanup_free = rank(backends, deal->backends);
    size_t share = deal->slots / deal->backends, larger = deal->slots % deal->backends;
    for (size_t i = 0; i < deal->slots; i++) {
        size_t owner = before->count == deal->slots ? index_of(ranked, deal->backends, &before->items[i]) : NOBODY;
        if (owner != NOBODY && deal->have[owner] == share && larger > 0)
            larger--; /* one of those that have one more */
        else if (owner != NOBODY && deal->have[owner] >= share)
            owner = NOBODY;
        deal->owner[i] = owner;
        if (owner != NOBODY)
            deal->have[owner]++;
    }
}

/* The next backend, from *turn on, that has as few slots; NOBODY where there is none. */
static size_t next_with(const struct deal *deal, size_t slots, size_t *turn)
{
    for (size_t i = 0; i < deal->backends; i++) {
        size_t backend = (*turn + i) % deal->backends;
        if (deal->have[backend] <= slots) {
            *turn = backend + 1;
            return backend;
        }
    }
    return NOBODY;
}

/* The others go in turn to those who have not their share, then one more to each as long as there are any. */
static void deal_rest(struct deal *deal)
{
    size_t share = deal->slots / deal->backends, turn = 0;
    for (size_t i = 0; i < deal->slots; i++) {
        if (deal->owner[i] != NOBODY)
            continue;
        size_t owner = share ? next_with(deal, share - 1, &turn) : NOBODY;
        if (owner == NOBODY)
            owner = next_with(deal, share, &turn);
        deal->owner[i] = owner;
        deal->have[owner]++;
    }
}

void slots_deal(const struct slots *before, const struct ip_port *backends, size_t count, bool single,
                struct slots *ret)
{
    *ret = (struct slots){0};
    if (count == 0)
        return;
    ret->count = slots_for(count, single);
    size_t *owner cleanup_free = mem_alloc_array(ret->count, sizeof(*owner));
    size_t *have cleanup_free = mem_alloc_array(count, sizeof(*have));
    struct deal deal = {.slots = ret->count, .backends = count, .owner = owner, .have = have};
    keep_owners(&deal, before, backends);
    deal_rest(&deal);
    ret->items = mem_alloc_array(ret->count, sizeof(*ret->items));
    for (size_t i = 0; i < ret->count; i++)
        ret->items[i] = backends[owner[i]];
}
