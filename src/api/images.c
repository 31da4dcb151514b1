/* What there is of images: list, inspect, history, tag, remove, prune (Docker Engine API, "Images"). */
#include "api/api.h"
#include "api/filters.h"
#include "api/image_json.h"
#include "api/shown.h"
#include "api/version.h"
#include "base/clock.h"
#include "base/str.h"
#include "codec/json.h"
#include "codec/reference.h"
#include "engine/container.h"

#define LIST_FILTERS "dangling label before since reference until"

static struct image_store *store_of(struct api *api)
{
    return images_store(engine_images(api->options.engine));
}

static struct image *find(struct api *api, struct http_request *request, struct err *err)
{
    return image_store_find(store_of(api), http_param(request, "name"), err);
}

/* --- Listing */

struct list_query {
    struct filters filters;
    bool dangling;
    int64_t until_ns, before_ns, since_ns; /* 0: not asked for */
};

static int find_bound(struct api *api, struct list_query *query, const char *name, int64_t *ret_ns, struct err *err)
{
    const struct strings *values = filters_get(&query->filters, name);
    struct image *image = values ? image_store_find(store_of(api), values->items[0], err) : NULL;
    *ret_ns = image ? image->created_ns : 0;
    return values && !image ? -1 : 0;
}

static int read_query(struct api *api, struct http_request *request, struct list_query *query, struct err *err)
{
    if (filters_of(request, LIST_FILTERS, &query->filters, err) < 0 ||
        filters_bool(&query->filters, "dangling", false, &query->dangling, err) < 0 ||
        filters_time(&query->filters, "until", clock_realtime_ns(), &query->until_ns, err) < 0 ||
        find_bound(api, query, "before", &query->before_ns, err) < 0 ||
        find_bound(api, query, "since", &query->since_ns, err) < 0)
        return -1;
    const char *pattern = http_query(request, "filter"); /* of clients before 1.30: a reference */
    if (!str_empty(pattern)) {
        struct strings values = {0};
        vec_push_in(&request->arena, &values, (char *)pattern);
        vec_push_in(&request->arena, &query->filters.list,
                    (struct filter){.name = (char *)"reference", .values = values});
    }
    return 0;
}

/* "nginx", "nginx:1*", "registry.example/team/app": against a name as people write it, with and without its tag. */
static bool reference_fits(const char *name, const struct strings *patterns)
{
    struct reference reference;
    char whole[REFERENCE_MAX], bare[REFERENCE_MAX];
    struct err ignored;
    if (reference_parse(name, &reference, &ignored) < 0)
        return false;
    reference_familiar(&reference, whole);
    reference_familiar_name(&reference, bare);
    vec_foreach (pattern, patterns)
        if (str_glob(*pattern, whole) || str_glob(*pattern, bare))
            return true;
    return false;
}

/* The names that are asked for: all of them without the filter. */
static struct strings fitting(const struct strings *names, const struct filters *filters, struct arena *arena)
{
    const struct strings *patterns = filters_get(filters, "reference");
    struct strings fit = {0};
    if (!patterns)
        return *names;
    vec_foreach (name, names)
        if (reference_fits(*name, patterns))
            vec_push_in(arena, &fit, *name);
    return fit;
}

static bool is_wanted(const struct image *image, const struct image_config *config, const struct list_query *query)
{
    if (filters_get(&query->filters, "dangling") && query->dangling != (image->tags.count == 0))
        return false;
    return (!query->until_ns || image->created_ns < query->until_ns) &&
           (!query->before_ns || image->created_ns < query->before_ns) &&
           (!query->since_ns || image->created_ns > query->since_ns) &&
           filters_match_labels(&query->filters, "label", &config->run.labels);
}

static int64_t count_users(struct api *api, const struct image *image)
{
    int64_t count = 0;
    for (struct container *c = NULL; (c = engine_next_container(api->options.engine, c));)
        count += str_same(c->image_id, image->id);
    return count;
}

static void write_summary(struct api *api, struct http_request *request, const struct image *image,
                          const struct image_config *config, const struct filters *filters, struct json_out *out)
{
    struct strings tags = fitting(&image->tags, filters, &request->arena);
    struct strings digests = fitting(&image->digests, filters, &request->arena);
    if (filters_get(filters, "reference") && !tags.count && !digests.count)
        return;
    json_put_object(out);
    json_key_int(out, "Containers", count_users(api, image));
    json_key_int(out, "Created", image->created_ns / NS_PER_S);
    json_key_string(out, "Id", image->id);
    shown_pairs(out, "Labels", &config->run.labels);
    json_key_string(out, "ParentId", "");
    image_json_names(request, &tags, &digests, out);
    json_key_int(out, "SharedSize", -1);
    json_key_int(out, "Size", image->size);
    if (!api_speaks(request, 44))
        json_key_int(out, "VirtualSize", image->size);
    json_put_object_end(out);
}

/* "all" shows the images that others were built on: there are none here, so it changes nothing. */
static int list(struct api *api, struct http_request *request, struct err *err)
{
    struct list_query query = {0};
    struct image *image;
    if (http_query_bool(request, "shared-size"))
        return err_set(err, ERR_UNSUPPORTED, "the sizes that images share are not offered by this engine yet");
    if (read_query(api, request, &query, err) < 0)
        return -1;
    struct api_json json cleanup(api_json_done) = API_JSON(json);
    json_put_array(&json.out);
    list_foreach (image, image_store_list(store_of(api)), link) {
        const struct image_config *config = image_store_config(store_of(api), image, err);
        if (!config)
            return -1;
        if (is_wanted(image, config, &query))
            write_summary(api, request, image, config, &query.filters, &json.out);
    }
    json_put_array_end(&json.out);
    return api_reply(request, 200, &json);
}

/* --- One image */

static int inspect(struct api *api, struct http_request *request, struct err *err)
{
    struct image *image = find(api, request, err);
    const struct image_config *config = image ? image_store_config(store_of(api), image, err) : NULL;
    if (!config)
        return -1;
    struct api_json json cleanup(api_json_done) = API_JSON(json);
    image_json_inspect(request, image, config, &json.out);
    return api_reply(request, 200, &json);
}

static void write_step(const struct image_history *step, const struct image *image, bool last, int64_t size,
                       struct json_out *out)
{
    static const struct strings none = {0};
    int64_t created_ns = 0;
    if (step->created)
        (void)clock_parse(step->created, &created_ns);
    json_put_object(out);
    json_key_string(out, "Comment", step->comment ? step->comment : "");
    json_key_int(out, "Created", created_ns / NS_PER_S);
    json_key_string(out, "CreatedBy", step->created_by ? step->created_by : "");
    json_key_string(out, "Id", last ? image->id : "<missing>");
    json_key_int(out, "Size", size);
    image_json_tags("Tags", last ? &image->tags : &none, out);
    json_put_object_end(out);
}

/* The newest step first. A step that made a layer has the layer's size. */
static int history(struct api *api, struct http_request *request, struct err *err)
{
    const struct image_layer *layers[IMAGE_LAYERS_MAX];
    struct image *image = find(api, request, err);
    const struct image_config *config = image ? image_store_config(store_of(api), image, err) : NULL;
    if (!config)
        return -1;
    size_t layer = image_store_layer_list(store_of(api), image, layers);
    struct api_json json cleanup(api_json_done) = API_JSON(json);
    json_put_array(&json.out);
    for (size_t i = config->history.count; i-- > 0;) {
        const struct image_history *step = &config->history.items[i];
        bool has_layer = !step->empty_layer && layer > 0;
        write_step(step, image, i + 1 == config->history.count, has_layer ? layers[--layer]->size : 0, &json.out);
    }
    json_put_array_end(&json.out);
    return api_reply(request, 200, &json);
}

static int tag(struct api *api, struct http_request *request, struct err *err)
{
    const char *repository = http_query(request, "repo"), *name = http_query(request, "tag");
    struct image *image = find(api, request, err);
    if (!image)
        return -1;
    if (str_empty(repository))
        return err_set(err, ERR_INVALID, "the parameter 'repo' is missing: the name to give");
    const char *reference = str_empty(name) ? repository : arena_printf(&request->arena, "%s:%s", repository, name);
    if (image_store_tag(store_of(api), image, reference, err) < 0)
        return -1;
    image_emit(api, "tag", image->id, reference);
    return api_reply_empty(request, 201);
}

/* --- Removing */

static void write_removed(struct api *api, const struct image_removal *removal, const char *id, struct json_out *out)
{
    json_put_array(out);
    vec_foreach (removed, &removal->list) {
        json_put_object(out);
        if (removed->untagged)
            json_key_string(out, "Untagged", removed->untagged);
        if (removed->deleted)
            json_key_string(out, "Deleted", removed->deleted);
        json_put_object_end(out);
        if (removed->untagged)
            image_emit(api, "untag", id, removed->untagged);
        else if (str_same(removed->deleted, id))
            image_emit(api, "delete", id, id);
    }
    json_put_array_end(out);
}

static int remove_it(struct api *api, struct http_request *request, struct err *err)
{
    struct image_usage usage = engine_image_usage(api->options.engine);
    struct image_removal removal = {.arena = &request->arena};
    const char *name = http_param(request, "name");
    struct image *image = find(api, request, err);
    if (!image)
        return -1;
    if (http_query_bool(request, "noprune"))
        return err_set(err, ERR_UNSUPPORTED, "noprune is not offered: layers go with the last image that has them");
    const char *id = arena_strdup(&request->arena, image->id);
    if (image_store_remove(store_of(api), name, http_query_bool(request, "force"), &usage, &removal, err) < 0)
        return -1;
    images_sweep(engine_images(api->options.engine));
    struct api_json json cleanup(api_json_done) = API_JSON(json);
    write_removed(api, &removal, id, &json.out);
    return api_reply(request, 200, &json);
}

struct prune_filter {
    struct api *api;
    struct filters filters;
};

static bool keep(void *data, const struct image *image)
{
    struct prune_filter *prune = data;
    struct err ignored;
    const struct image_config *config = image_store_config(store_of(prune->api), (struct image *)image, &ignored);
    return config && !filters_keep_labels(&prune->filters, &config->run.labels);
}

static int prune_all(struct api *api, struct http_request *request, struct err *err)
{
    struct image_usage usage = engine_image_usage(api->options.engine);
    struct image_removal removal = {.arena = &request->arena};
    struct prune_filter filter = {.api = api};
    struct image_prune_options options = {.keep = keep, .keep_data = &filter};
    bool dangling;
    if (filters_of(request, "dangling until label label!", &filter.filters, err) < 0 ||
        filters_bool(&filter.filters, "dangling", true, &dangling, err) < 0 ||
        filters_time(&filter.filters, "until", clock_realtime_ns(), &options.older_than_ns, err) < 0)
        return -1;
    options.all = !dangling;
    if (image_store_prune(store_of(api), &options, &usage, &removal, err) < 0)
        return -1;
    images_sweep(engine_images(api->options.engine));
    struct api_json json cleanup(api_json_done) = API_JSON(json);
    json_put_object(&json.out);
    json_key(&json.out, "ImagesDeleted");
    write_removed(api, &removal, "", &json.out);
    json_key_int(&json.out, "SpaceReclaimed", removal.space);
    json_put_object_end(&json.out);
    return api_reply(request, 200, &json);
}

const struct api_route api_image_routes[] = {
    {HTTP_METHOD_GET, "/images/json", list, "all digests filters filter shared-size"},
    {HTTP_METHOD_POST, "/images/prune", prune_all, "filters"},
    {HTTP_METHOD_GET, "/images/{name*}/json", inspect},
    {HTTP_METHOD_GET, "/images/{name*}/history", history},
    {HTTP_METHOD_POST, "/images/{name*}/tag", tag, "repo tag"},
    {HTTP_METHOD_DELETE, "/images/{name*}", remove_it, "force noprune"},
    {0},
};
