#include "engine/kept.h"

#include "engine/private.h"

#include "base/log.h"
#include "base/str.h"

struct kept {
    struct engine *engine;
    char name[KEPT_NAME_MAX];
    int fd;       /* -1 until it has been fetched */
    bool claimed; /* somebody has it, and fd is only borrowed; otherwise it is ours */
    bool told;    /* the keeper has it */
};

static struct kept *enter(struct engine *engine, const char *name, int fd)
{
    struct kept *kept = NEW(struct kept);
    kept->engine = engine;
    kept->fd = fd;
    (void)snprintf(kept->name, sizeof(kept->name), "%.*s", KEPT_NAME_MAX - 1, name);
    map_put(&engine->kept, kept->name, kept);
    return kept;
}

static void kept_free(struct kept *kept)
{
    if (!kept->claimed)
        closep(&kept->fd);
    free(kept);
}

/* --- At the keeper */

static void answered(void *data, const struct err *failure, const void *payload, size_t size, int fd)
{
    if (failure && failure->kind != ERR_UNAVAILABLE)
        log_warning("a descriptor is not kept for the next daemon: %s", failure->message);
}

static void tell(struct kept *kept)
{
    kept->told = keeper_client_connected(kept->engine->keeper);
    if (kept->told)
        keeper_client_store_fd(kept->engine->keeper, kept->name, kept->fd, answered, NULL);
}

void kept_drop(struct engine *engine, const char *name)
{
    struct kept *kept = map_remove(&engine->kept, name);
    if (!kept)
        return;
    if (kept->told && keeper_client_connected(engine->keeper))
        keeper_client_drop_fd(engine->keeper, kept->name, NULL, NULL);
    kept_free(kept);
}

/* --- Fetching */

static void fetch_names(struct engine *engine, uint32_t from);

static void fetched_one(struct engine *engine)
{
    if (--engine->kept_awaited == 0 && keeper_client_connected(engine->keeper))
        engine->kept_fetched(engine);
}

static void take_one(void *data, const struct err *failure, const void *payload, size_t size, int fd)
{
    struct kept *kept = data;
    kept->fd = fd;
    fetched_one(kept->engine);
}

/* One may be here already: fetched from the keeper's earlier connection. */
static void take_name(struct engine *engine, const struct keeper_store *store)
{
    char name[KEPT_NAME_MAX];
    (void)snprintf(name, sizeof(name), "%.*s", KEPT_NAME_MAX - 1, store->name);
    struct kept *kept = map_get(&engine->kept, name);
    if (!kept)
        kept = enter(engine, name, -1);
    kept->told = true;
    if (kept->fd >= 0)
        return;
    engine->kept_awaited++;
    keeper_client_take_fd(engine->keeper, kept->name, take_one, kept);
}

static void take_names(void *data, const struct err *failure, const void *payload, size_t size, int fd)
{
    struct engine *engine = data;
    struct keeper_listed listed = {0};
    struct keeper_store store;
    if (!failure && size >= sizeof(listed))
        memcpy(&listed, payload, sizeof(listed));
    for (uint32_t i = 0; i < listed.count && sizeof(listed) + (i + 1) * sizeof(store) <= size; i++) {
        memcpy(&store, (const char *)payload + sizeof(listed) + i * sizeof(store), sizeof(store));
        take_name(engine, &store);
    }
    if (listed.next)
        fetch_names(engine, listed.next);
    fetched_one(engine);
}

static void fetch_names(struct engine *engine, uint32_t from)
{
    engine->kept_awaited++;
    keeper_client_stored(engine->keeper, from, take_names, engine);
}

void kept_fetch(struct engine *engine, void (*fetched)(struct engine *engine))
{
    engine->kept_fetched = fetched;
    fetch_names(engine, 0);
}

/* --- For those who have them */

bool kept_waits(struct engine *engine, const char *name)
{
    const struct kept *kept = map_get(&engine->kept, name);
    return kept && !kept->claimed && kept->fd >= 0;
}

int kept_claim(struct engine *engine, const char *name)
{
    if (!kept_waits(engine, name))
        return -1;
    struct kept *kept = map_get(&engine->kept, name);
    kept->claimed = true;
    return kept->fd;
}

void kept_put(struct engine *engine, const char *name, int fd)
{
    struct kept *kept = map_get(&engine->kept, name);
    if (!kept)
        kept = enter(engine, name, -1);
    if (!kept->claimed)
        closep(&kept->fd);
    kept->fd = fd;
    kept->claimed = true;
    tell(kept);
}

/* --- All of them */

void kept_settle(struct engine *engine)
{
    VEC(struct kept *) unclaimed = {0};
    struct map_entry *entry;
    for (size_t i = 0; (entry = map_next(&engine->kept, &i));) {
        struct kept *kept = entry->value;
        if (!kept->claimed)
            vec_push(&unclaimed, kept);
        else if (!kept->told)
            tell(kept);
    }
    vec_foreach (kept, &unclaimed)
        kept_drop(engine, (*kept)->name);
    vec_done(&unclaimed);
}

void kept_lost(struct engine *engine)
{
    struct map_entry *entry;
    for (size_t i = 0; (entry = map_next(&engine->kept, &i));)
        ((struct kept *)entry->value)->told = false;
}

void kept_done(struct engine *engine)
{
    struct map_entry *entry;
    for (size_t i = 0; (entry = map_next(&engine->kept, &i));)
        kept_free(entry->value);
    map_done(&engine->kept);
}
