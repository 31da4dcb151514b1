#include "api/image_json.h"

#include "api/shown.h"
#include "api/version.h"
#include "base/clock.h"
#include "base/str.h"
#include "codec/reference.h"
#include "engine/events.h"

static void write_familiar(struct json_out *out, const char *key, const struct strings *names, const char *otherwise)
{
    json_key(out, key);
    json_put_array(out);
    vec_foreach (name, names) {
        struct reference reference;
        char familiar[REFERENCE_MAX];
        struct err ignored;
        if (reference_parse(*name, &reference, &ignored) < 0)
            continue;
        reference_familiar(&reference, familiar);
        json_put_string(out, familiar);
    }
    if (otherwise)
        json_put_string(out, otherwise);
    json_put_array_end(out);
}

void image_json_tags(const char *key, const struct strings *names, struct json_out *out)
{
    write_familiar(out, key, names, NULL);
}

void image_json_names(const struct http_request *request, const struct strings *tags, const struct strings *digests,
                      struct json_out *out)
{
    bool none = !tags->count && !digests->count && !api_speaks(request, 43);
    write_familiar(out, "RepoTags", tags, none ? "<none>:<none>" : NULL);
    write_familiar(out, "RepoDigests", digests, none ? "<none>@<none>" : NULL);
}

static void write_rootfs(const struct image_config *config, struct json_out *out)
{
    json_key(out, "RootFS");
    json_put_object(out);
    json_key_string(out, "Type", "layers");
    json_key(out, "Layers");
    json_put_array(out);
    vec_foreach (layer, &config->rootfs.diff_ids)
        json_put_string(out, *layer);
    json_put_array_end(out);
    json_put_object_end(out);
}

static const char *or_empty(const char *s)
{
    return s ? s : "";
}

static void write_about(const struct image *image, const struct image_config *config, struct json_out *out)
{
    json_key_string(out, "Parent", "");
    json_key_string(out, "Comment", or_empty(config->comment));
    if (config->created || image->created_ns)
        json_key_string(out, "Created", config->created ? config->created : "");
    json_key_string(out, "DockerVersion", or_empty(config->docker_version));
    json_key_string(out, "Author", or_empty(config->author));
    json_key_string(out, "Architecture", image->platform.architecture);
    if (*image->platform.variant)
        json_key_string(out, "Variant", image->platform.variant);
    json_key_string(out, "Os", image->platform.os);
    if (!str_empty(config->os_version))
        json_key_string(out, "OsVersion", config->os_version);
}

void image_json_inspect(const struct http_request *request, const struct image *image,
                        const struct image_config *config, struct json_out *out)
{
    static const char *const spared[] = {"ExposedPorts", "Healthcheck", "StopSignal", "Shell", "ArgsEscaped", NULL};
    static const char *const hidden[] = {NULL};
    json_put_object(out);
    json_key_string(out, "Id", image->id);
    image_json_names(request, &image->tags, &image->digests, out);
    write_about(image, config, out);
    json_key(out, "Config");
    shown_write(&image_run_config_table, &config->run, spared, hidden, out);
    json_key_int(out, "Size", image->size);
    if (!api_speaks(request, 44))
        json_key_int(out, "VirtualSize", image->size);
    json_key(out, "GraphDriver");
    json_put_raw(out, "{\"Data\":null,\"Name\":\"overlay2\"}");
    write_rootfs(config, out);
    json_key(out, "Metadata");
    json_put_object(out);
    json_key_time(out, "LastTagTime", image->added_ns);
    json_put_object_end(out);
    json_put_object_end(out);
}

void image_emit(struct api *api, const char *action, const char *id, const char *name)
{
    struct pair named = {.key = (char *)"name", .value = (char *)name};
    struct event event = {.type = "image", .action = action, .id = id};
    event.attributes.items = &named;
    event.attributes.count = 1;
    engine_emit(api->options.engine, &event);
}
