#include "api/prune.h"

#include "api/api.h"
#include "base/clock.h"
#include "base/mem.h"
#include "codec/json.h"

#include <stdlib.h>

struct prune {
    struct http_request *request; /* NULL once its client has gone */
    const char *key;
    struct arena arena;
    struct strings removed;
    size_t open; /* items, and one until prune_run() */
};

struct prune_item {
    struct prune *prune;
    char *name;
};

int prune_filters_of(struct http_request *request, struct prune_filters *ret, struct err *err)
{
    if (filters_of(request, "until label label!", &ret->filters, err) < 0)
        return -1;
    return filters_time(&ret->filters, "until", clock_realtime_ns(), &ret->until_ns, err);
}

bool prune_fits(const struct prune_filters *filters, int64_t created_ns, const struct pairs *labels)
{
    return (!filters->until_ns || created_ns < filters->until_ns) && filters_keep_labels(&filters->filters, labels);
}

static void request_over(struct http_request *request, bool client_gone)
{
    struct prune *prune = request->data;
    prune->request = NULL;
}

struct prune *prune_new(struct http_request *request, const char *key)
{
    struct prune *prune = NEW(struct prune);
    prune->request = request;
    prune->key = key;
    prune->open = 1;
    request->data = prune;
    request->over = request_over;
    return prune;
}

struct prune_item *prune_item(struct prune *prune, const char *name)
{
    struct prune_item *item = NEW(struct prune_item);
    item->prune = prune;
    item->name = arena_strdup(&prune->arena, name);
    prune->open++;
    return item;
}

static void answer(struct prune *prune)
{
    struct http_request *request = prune->request;
    struct api_json json cleanup(api_json_done) = API_JSON(json);
    request->over = NULL;
    json_put_object(&json.out);
    json_key(&json.out, prune->key);
    json_put_array(&json.out);
    vec_foreach (name, &prune->removed)
        json_put_string(&json.out, *name);
    json_put_array_end(&json.out);
    json_key_int(&json.out, "SpaceReclaimed", 0);
    json_put_object_end(&json.out);
    (void)api_reply(request, 200, &json);
}

static void one_ended(struct prune *prune)
{
    if (--prune->open)
        return;
    if (prune->request)
        answer(prune);
    arena_done(&prune->arena);
    free(prune);
}

void prune_removed(void *data, const struct err *failure)
{
    struct prune_item *item = data;
    struct prune *prune = item->prune;
    if (!failure)
        vec_push_in(&prune->arena, &prune->removed, item->name);
    free(item);
    one_ended(prune);
}

int prune_run(struct prune *prune)
{
    one_ended(prune);
    return 0;
}
