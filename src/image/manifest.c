#include "image/manifest.h"

#include "base/str.h"
#include "codec/digest.h"
#include "image/config.h"

#include <stdio.h>

#define TYPE_SCHEMA1 "application/vnd.docker.distribution.manifest.v1+"

static const char *const list_types[] = {"application/vnd.oci.image.index.v1+json",
                                         "application/vnd.docker.distribution.manifest.list.v2+json", NULL};
static const char *const image_types[] = {"application/vnd.oci.image.manifest.v1+json",
                                          "application/vnd.docker.distribution.manifest.v2+json", NULL};
static const char *const config_types[] = {"application/vnd.oci.image.config.v1+json",
                                           "application/vnd.docker.container.image.v1+json", NULL};
static const char *const layer_types[] = {"application/vnd.oci.image.layer.v1.tar",
                                          "application/vnd.oci.image.layer.v1.tar+gzip",
                                          "application/vnd.oci.image.layer.v1.tar+zstd",
                                          "application/vnd.oci.image.layer.nondistributable.v1.tar",
                                          "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
                                          "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd",
                                          "application/vnd.docker.image.rootfs.diff.tar",
                                          "application/vnd.docker.image.rootfs.diff.tar.gzip",
                                          "application/vnd.docker.image.rootfs.diff.tar.zstd",
                                          "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
                                          NULL};

static const struct field platform_fields[] = {
    FIELD(struct descriptor_platform, architecture, "architecture", STRING),
    FIELD(struct descriptor_platform, os, "os", STRING),
    FIELD(struct descriptor_platform, variant, "variant", STRING),
    FIELD(struct descriptor_platform, os_version, "os.version", STRING),
    {0},
};
static const struct fields platform_table = {"platform", sizeof(struct descriptor_platform), platform_fields};

static const struct field descriptor_fields[] = {
    FIELD(struct descriptor, media_type, "mediaType", STRING),
    FIELD(struct descriptor, digest, "digest", STRING),
    FIELD(struct descriptor, size, "size", I64),
    FIELD(struct descriptor, annotations, "annotations", PAIRS),
    FIELD(struct descriptor, platform, "platform", OBJECT, .of = &platform_table),
    {0},
};
static const struct fields descriptor_table = {"descriptor", sizeof(struct descriptor), descriptor_fields};

static const struct field manifest_fields[] = {
    FIELD(struct manifest, schema_version, "schemaVersion", INT),
    FIELD(struct manifest, media_type, "mediaType", STRING),
    FIELD(struct manifest, config, "config", OBJECT, .of = &descriptor_table),
    FIELD(struct manifest, layers, "layers", LIST, .of = &descriptor_table),
    FIELD(struct manifest, manifests, "manifests", LIST, .of = &descriptor_table),
    {0},
};
static const struct fields manifest_table = {"manifest", sizeof(struct manifest), manifest_fields};

/* --- Checking ------------------------------------------------------------------------------------------------------
 */

static int check_descriptor(const struct descriptor *d, const char *const *types, const char *noun, const char *what,
                            struct err *err)
{
    if (!digest_is_valid(d->digest))
        return err_set(err, ERR_INVALID, "%s: a %s without a valid digest", what, noun);
    if (d->size < 0)
        return err_set(err, ERR_INVALID, "%s: the %s %s has a negative size", what, noun, d->digest);
    if (types && d->media_type && *d->media_type && !str_in(d->media_type, types))
        return err_set(err, ERR_UNSUPPORTED, "%s is no image that can be run: its %s is of type %.200s", what, noun,
                       d->media_type);
    return 0;
}

static int check_image(const struct manifest *m, const char *what, struct err *err)
{
    if (check_descriptor(&m->config, config_types, "configuration", what, err) < 0)
        return -1;
    if (m->config.size > (int64_t)IMAGE_CONFIG_MAX)
        return err_set(err, ERR_LIMIT, "%s: a configuration of more than %zu bytes", what, IMAGE_CONFIG_MAX);
    if (m->layers.count > IMAGE_LAYERS_MAX)
        return err_set(err, ERR_LIMIT, "%s: %zu layers, %d at most", what, m->layers.count, IMAGE_LAYERS_MAX);
    vec_foreach (layer, &m->layers)
        if (check_descriptor(layer, layer_types, "layer", what, err) < 0)
            return -1;
    return 0;
}

static int check_list(const struct manifest *m, const char *what, struct err *err)
{
    vec_foreach (member, &m->manifests)
        if (check_descriptor(member, NULL, "manifest", what, err) < 0)
            return -1;
    return 0;
}

/* Of "type; charset=utf-8" the type. */
static bool type_in(const char *type, const char *const *types)
{
    char bare[128];
    (void)snprintf(bare, sizeof(bare), "%.*s", (int)strcspn(type, "; "), type);
    return str_in(bare, types);
}

/* Is it a list or an image? Everyone who says something must say the same. */
static int decide(struct manifest *m, const json_value *value, const char *content_type, const char *what,
                  struct err *err)
{
    bool lists = json_get(value, "manifests"), images = json_get(value, "layers") || json_get(value, "config");
    const char *named[] = {m->media_type, content_type};
    if (lists == images)
        return err_set(err, ERR_INVALID, "%s is neither an image manifest nor a list of them", what);
    m->is_list = lists;
    for (size_t i = 0; i < ARRAY_SIZE(named); i++)
        if (named[i] && type_in(named[i], lists ? image_types : list_types))
            return err_set(err, ERR_INVALID, "%s calls itself %.200s and is not", what, named[i]);
    return 0;
}

int manifest_read(const char *text, size_t size, const char *content_type, struct arena *arena, struct manifest *ret,
                  const char *what, struct err *err)
{
    if (size > MANIFEST_MAX)
        return err_set(err, ERR_LIMIT, "%s: a manifest of more than %zu bytes", what, MANIFEST_MAX);
    json_value *value cleanup(json_freep) = json_parse(text, size, what, err);
    if (!value)
        return -1;
    bool old = json_as_int(json_get(value, "schemaVersion"), 2) == 1;
    if (old || (content_type && str_starts(content_type, TYPE_SCHEMA1)))
        return err_set(err, ERR_UNSUPPORTED,
                       "%s has a manifest of Docker's schema 1, which was given up in 2020: push the image again "
                       "with a current tool",
                       what);
    if (fields_read(&manifest_table, value, arena, ret, "", NULL, NULL, err) < 0)
        return err_wrap(err, "%s", what);
    if (decide(ret, value, content_type, what, err) < 0)
        return -1;
    return ret->is_list ? check_list(ret, what, err) : check_image(ret, what, err);
}

/* --- Choosing ------------------------------------------------------------------------------------------------------
 */

/* Attestations of BuildKit stand in lists beside the images, as platform unknown/unknown. */
static bool is_image(const struct descriptor *d)
{
    return !pairs_get(&d->annotations, "vnd.docker.reference.type") &&
           (!d->media_type || type_in(d->media_type, image_types) || type_in(d->media_type, list_types));
}

static void describe(const struct manifest *list, char *text, size_t size)
{
    size_t n = 0;
    text[0] = '\0';
    vec_foreach (member, &list->manifests) {
        char one[PLATFORM_MAX];
        struct platform platform;
        if (!is_image(member))
            continue;
        platform_set(&platform, member->platform.os, member->platform.architecture, member->platform.variant);
        platform_format(&platform, one);
        int written = snprintf(text + n, size - n, "%s%s", n ? ", " : "", one);
        if (written < 0 || (size_t)written >= size - n)
            return;
        n += (size_t)written;
    }
}

const struct descriptor *manifest_choose(const struct manifest *list, const struct platform *wanted, struct err *err)
{
    const struct descriptor *best = NULL;
    int best_rank = -1;
    vec_foreach (member, &list->manifests) {
        struct platform platform;
        if (!is_image(member))
            continue;
        platform_set(&platform, member->platform.os, member->platform.architecture, member->platform.variant);
        /* A list of one image may leave its platform out. */
        int rank = member->platform.architecture ? platform_rank(wanted, &platform) : 1000;
        if (rank >= 0 && (!best || rank < best_rank)) {
            best = member;
            best_rank = rank;
        }
    }
    if (!best) {
        char text[PLATFORM_MAX], all[600];
        platform_format(wanted, text);
        describe(list, all, sizeof(all));
        err_set(err, ERR_NOT_FOUND, "no matching manifest for %s in the manifest list entries; there are: %s", text,
                *all ? all : "none");
    }
    return best;
}
