/* Volumes (Docker Engine API, "Volumes"). */
#include "api/api.h"
#include "api/filters.h"
#include "api/shown.h"
#include "api/version.h"
#include "base/str.h"
#include "codec/json.h"
#include "engine/volume.h"

static const char *driver_of(const struct volume *volume)
{
    return str_empty(volume->spec.driver) ? "local" : volume->spec.driver;
}

static void write_volume(const struct volume *volume, struct json_out *out)
{
    json_put_object(out);
    json_key_time(out, "CreatedAt", volume->created_ns);
    json_key_string(out, "Driver", driver_of(volume));
    shown_pairs(out, "Labels", &volume->spec.labels);
    json_key_string(out, "Mountpoint", volume->mountpoint);
    json_key_string(out, "Name", volume->spec.name);
    shown_pairs(out, "Options", &volume->spec.driver_options);
    json_key_string(out, "Scope", "local");
    json_put_object_end(out);
}

static int reply_volume(struct http_request *request, int status, const struct volume *volume)
{
    struct api_json json cleanup(api_json_done) = API_JSON(json);
    write_volume(volume, &json.out);
    return api_reply(request, status, &json);
}

/* --- Listing */

static int list(struct api *api, struct http_request *request, struct err *err)
{
    struct filters filters;
    bool dangling;
    if (filters_of(request, "dangling driver label name", &filters, err) < 0 ||
        filters_bool(&filters, "dangling", false, &dangling, err) < 0)
        return -1;
    struct api_json json cleanup(api_json_done) = API_JSON(json);
    json_put_object(&json.out);
    json_key(&json.out, "Volumes");
    json_put_array(&json.out);
    for (struct volume *volume = NULL; (volume = engine_next_volume(api->options.engine, volume));)
        if ((!filters_get(&filters, "dangling") || dangling == (volume->users == 0)) &&
            filters_match(&filters, "driver", driver_of(volume)) &&
            filters_match_labels(&filters, "label", &volume->spec.labels) &&
            filters_match_pattern(&filters, "name", volume->spec.name))
            write_volume(volume, &json.out);
    json_put_array_end(&json.out);
    json_key(&json.out, "Warnings");
    json_put_null(&json.out);
    json_put_object_end(&json.out);
    return api_reply(request, 200, &json);
}

static int inspect(struct api *api, struct http_request *request, struct err *err)
{
    struct volume *volume = engine_find_volume(api->options.engine, http_param(request, "name"), err);
    return volume ? reply_volume(request, 200, volume) : -1;
}

/* --- Changing */

static int create(struct api *api, struct http_request *request, struct err *err)
{
    struct volume_spec spec;
    struct volume *volume;
    json_value *body cleanup(json_freep) = api_parse(request, err);
    /* The answer has no place for warnings: what is not known is refused. */
    if (!body || api_read(request, body, &volume_spec_table, &spec, NULL, NULL, err) < 0 ||
        engine_volume_create(api->options.engine, &spec, &volume, err) < 0)
        return -1;
    return reply_volume(request, 201, volume);
}

static int remove_it(struct api *api, struct http_request *request, struct err *err)
{
    struct engine *engine = api->options.engine;
    struct volume *volume = engine_find_volume(engine, http_param(request, "name"), err);
    /* force is about plugins that are gone and about volumes that are not there: the latter is no error with it. */
    if (!volume && err->kind == ERR_NOT_FOUND && http_query_bool(request, "force"))
        return api_reply_empty(request, 204);
    if (!volume)
        return -1;
    return engine_volume_remove(engine, volume, err) < 0 ? -1 : api_reply_empty(request, 204);
}

/* Named volumes stay unless all=1; before 1.42 they went too. */
static int prune_all(struct api *api, struct http_request *request, struct err *err)
{
    struct engine *engine = api->options.engine;
    struct filters filters;
    bool all;
    if (filters_of(request, "all label label!", &filters, err) < 0 ||
        filters_bool(&filters, "all", !api_speaks(request, 42), &all, err) < 0)
        return -1;
    struct api_json json cleanup(api_json_done) = API_JSON(json);
    json_put_object(&json.out);
    json_key(&json.out, "VolumesDeleted");
    json_put_array(&json.out);
    for (struct volume *volume = engine_next_volume(engine, NULL), *next; volume; volume = next) {
        struct err ignored;
        char *name = arena_strdup(&request->arena, volume->spec.name);
        next = engine_next_volume(engine, volume);
        bool due =
            volume->users == 0 && (all || volume->anonymous) && filters_keep_labels(&filters, &volume->spec.labels);
        if (due && engine_volume_remove(engine, volume, &ignored) >= 0)
            json_put_string(&json.out, name);
    }
    json_put_array_end(&json.out);
    json_key_int(&json.out, "SpaceReclaimed", 0);
    json_put_object_end(&json.out);
    return api_reply(request, 200, &json);
}

const struct api_route api_volume_routes[] = {
    {HTTP_METHOD_GET, "/volumes", list, "filters"},
    {HTTP_METHOD_POST, "/volumes/create", create},
    {HTTP_METHOD_POST, "/volumes/prune", prune_all, "filters"},
    {HTTP_METHOD_GET, "/volumes/{name}", inspect},
    {HTTP_METHOD_DELETE, "/volumes/{name}", remove_it, "force"},
    {0},
};
