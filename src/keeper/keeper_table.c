#include "keeper/keeper.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#define INDEX_BITS_MIN 8
#define INDEX_BITS_MAX 17 /* twice KEEPER_CONTAINERS_MAX */

/* Address space; memory is used where it is touched. Launchers do not inherit it. */
static void *map(size_t size, struct err *err)
{
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED || madvise(p, size, MADV_DONTFORK) < 0) {
        (void)err_errno(err, errno, "address space for %zu bytes", size);
        return NULL;
    }
    return p;
}

int table_init(struct table *t, struct err *err)
{
    size_t index_size = sizeof(uint32_t) << INDEX_BITS_MAX;
    *t = (struct table){.free = NO_SLOT, .next_generation = 1};
    t->entries = map(sizeof(struct entry) * KEEPER_CONTAINERS_MAX, err);
    t->messages = t->entries ? map((size_t)KEEPER_MESSAGE_MAX * KEEPER_CONTAINERS_MAX, err) : NULL;
    t->by_id.places = t->messages ? map(index_size, err) : NULL;
    t->by_pid.places = t->by_id.places ? map(index_size, err) : NULL;
    t->by_id.bits = t->by_pid.bits = INDEX_BITS_MIN;
    return t->by_pid.places ? 0 : -1;
}

/* --- The two indexes ---------------------------------------------------------------------------------------------- */

/* Ids are random already. Pids come in sequence and stay so: neighbours share a page. */
static uint32_t hash_of(const struct table *t, const struct table_index *index, uint32_t slot)
{
    const struct entry *e = &t->entries[slot];
    uint32_t hash;
    if (index == &t->by_pid)
        return (uint32_t)e->pid;
    memcpy(&hash, e->id, sizeof(hash));
    return hash;
}

static void place(const struct table *t, struct table_index *index, uint32_t slot)
{
    uint32_t mask = (1U << index->bits) - 1, i = hash_of(t, index, slot) & mask;
    while (index->places[i])
        i = (i + 1) & mask;
    index->places[i] = slot + 1;
}

static bool belongs(const struct table *t, const struct table_index *index, uint32_t slot)
{
    const struct entry *e = &t->entries[slot];
    return index == &t->by_pid ? e->pid && !e->reaped : e->state != 0;
}

/* Twice as large, and filled again from the entries; the newcomer follows by itself. */
static void grow(const struct table *t, struct table_index *index, uint32_t newcomer)
{
    memset(index->places, 0, sizeof(uint32_t) << index->bits);
    index->bits++;
    for (uint32_t slot = 0; slot < t->used; slot++)
        if (slot != newcomer && belongs(t, index, slot))
            place(t, index, slot);
}

static void index_add(const struct table *t, struct table_index *index, uint32_t slot)
{
    if (++index->count > (1U << index->bits) / 2 && index->bits < INDEX_BITS_MAX)
        grow(t, index, slot);
    place(t, index, slot);
}

/* Whatever stood behind it moves up, so that no search ends too early (Knuth, 6.4, algorithm R). */
static void index_remove(const struct table *t, struct table_index *index, uint32_t slot)
{
    uint32_t mask = (1U << index->bits) - 1, i = hash_of(t, index, slot) & mask;
    while (index->places[i] && index->places[i] != slot + 1)
        i = (i + 1) & mask;
    if (!index->places[i])
        return;
    index->count--;
    uint32_t hole = i;
    for (;;) {
        i = (i + 1) & mask;
        if (!index->places[i])
            break;
        uint32_t home = hash_of(t, index, index->places[i] - 1) & mask;
        if (((i - home) & mask) < ((i - hole) & mask))
            continue;
        index->places[hole] = index->places[i];
        hole = i;
    }
    index->places[hole] = 0;
}

uint32_t table_find(const struct table *t, const uint8_t id[KEEPER_ID_SIZE])
{
    uint32_t mask = (1U << t->by_id.bits) - 1, hash;
    memcpy(&hash, id, sizeof(hash));
    for (uint32_t i = hash & mask; t->by_id.places[i]; i = (i + 1) & mask) {
        uint32_t slot = t->by_id.places[i] - 1;
        if (memcmp(t->entries[slot].id, id, KEEPER_ID_SIZE) == 0)
            return slot;
    }
    return NO_SLOT;
}

uint32_t table_find_pid(const struct table *t, pid_t pid)
{
    uint32_t mask = (1U << t->by_pid.bits) - 1;
    for (uint32_t i = (uint32_t)pid & mask; t->by_pid.places[i]; i = (i + 1) & mask) {
        uint32_t slot = t->by_pid.places[i] - 1;
        if (t->entries[slot].pid == pid)
            return slot;
    }
    return NO_SLOT;
}

/* --- Entries ------------------------------------------------------------------------------------------------------ */

static uint32_t take_slot(struct table *t)
{
    uint32_t slot = t->free;
    if (slot != NO_SLOT)
        t->free = t->entries[slot].next;
    else if (t->used < KEEPER_CONTAINERS_MAX)
        slot = t->used++;
    return slot;
}

uint32_t table_add(struct table *t, const uint8_t id[KEEPER_ID_SIZE])
{
    uint32_t slot = take_slot(t);
    if (slot == NO_SLOT)
        return slot;
    struct entry *e = &t->entries[slot];
    *e = (struct entry){.generation = t->next_generation++, .status_fd = -1, .tty_fd = -1, .cgroup_fd = -1};
    memcpy(e->id, id, KEEPER_ID_SIZE);
    t->count++;
    index_add(t, &t->by_id, slot);
    table_set_state(t, slot, KEEPER_STARTING);
    return slot;
}

bool table_add_at(struct table *t, uint32_t slot, const struct entry *entry)
{
    if (slot >= KEEPER_CONTAINERS_MAX || slot < t->used || table_find(t, entry->id) != NO_SLOT)
        return false;
    for (; t->used < slot; t->used++) {
        t->entries[t->used].next = t->free;
        t->free = t->used;
    }
    t->used = slot + 1;
    struct entry *e = &t->entries[slot];
    *e = *entry;
    e->state = 0;
    t->count++;
    index_add(t, &t->by_id, slot);
    if (e->pid && !e->reaped)
        index_add(t, &t->by_pid, slot);
    table_set_state(t, slot, (enum keeper_state)entry->state);
    return true;
}

void table_remove(struct table *t, uint32_t slot)
{
    struct entry *e = &t->entries[slot];
    if (e->pid && !e->reaped)
        index_remove(t, &t->by_pid, slot);
    index_remove(t, &t->by_id, slot);
    table_set_state(t, slot, (enum keeper_state)0);
    *e = (struct entry){.next = t->free};
    t->free = slot;
    t->count--;
}

void table_set_pid(struct table *t, uint32_t slot, pid_t pid)
{
    t->entries[slot].pid = pid;
    index_add(t, &t->by_pid, slot);
}

void table_set_reaped(struct table *t, uint32_t slot)
{
    index_remove(t, &t->by_pid, slot);
    t->entries[slot].reaped = true;
}

static bool is_living(uint8_t state)
{
    return state == KEEPER_STARTING || state == KEEPER_RUNNING;
}

void table_set_state(struct table *t, uint32_t slot, enum keeper_state state)
{
    struct entry *e = &t->entries[slot];
    t->starting += (state == KEEPER_STARTING) - (e->state == KEEPER_STARTING);
    t->living += (uint32_t)is_living((uint8_t)state) - (uint32_t)is_living(e->state);
    e->state = (uint8_t)state;
}
