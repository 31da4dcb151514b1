/* What goes: names, images, layers; in the words and by the rules of `docker rmi` and `docker image prune`. */
#include "base/mem.h"
#include "base/str.h"
#include "image/store_private.h"

#include <stdio.h>

struct removal {
    struct image_store *store;
    struct image_removal *ret;
    const struct image_usage *usage;
    bool force;
    struct err *err;
};

/* --- Records -------------------------------------------------------------------------------------------------------
 */

static const char *familiar(struct arena *arena, const char *name)
{
    struct reference reference;
    struct err ignored;
    char text[REFERENCE_MAX];
    if (reference_parse(name, &reference, &ignored) < 0)
        return name;
    reference_familiar(&reference, text);
    return arena_strdup(arena, text);
}

static void tell_untagged(struct removal *r, const char *name)
{
    struct image_removed record = {.untagged = arena_strdup(r->ret->arena, familiar(r->ret->arena, name))};
    vec_push_in(r->ret->arena, &r->ret->list, record);
}

static void tell_deleted(struct removal *r, const char *digest)
{
    struct image_removed record = {.deleted = arena_strdup(r->ret->arena, digest)};
    vec_push_in(r->ret->arena, &r->ret->list, record);
}

/* --- Names ---------------------------------------------------------------------------------------------------------
 */

static int untag(struct removal *r, const char *name)
{
    char *copy cleanup(freep) = mem_strdup(name); /* the store frees its own */
    if (db_run(r->store->db, r->err, "DELETE FROM image_names WHERE name = ?", "s", copy) < 0)
        return -1;
    store_unname(r->store, copy);
    tell_untagged(r, copy);
    return 0;
}

static int untag_all(struct removal *r, struct image *image)
{
    while (image->tags.count > 0)
        if (untag(r, image->tags.items[0]) < 0)
            return -1;
    while (image->digests.count > 0)
        if (untag(r, image->digests.items[0]) < 0)
            return -1;
    return 0;
}

/* The part before tag or digest: "docker.io/library/nginx". */
static size_t repository_length(const char *name)
{
    const char *at = strchr(name, '@'), *colon = strrchr(name, ':');
    return at ? (size_t)(at - name) : (size_t)(colon - name);
}

static bool same_repository(const char *a, const char *b)
{
    size_t n = repository_length(a);
    return n == repository_length(b) && strncmp(a, b, n) == 0;
}

/* At most one tag, and all names of one repository? */
static bool is_single(const struct image *image)
{
    const char *first = image->tags.count      ? image->tags.items[0]
                        : image->digests.count ? image->digests.items[0]
                                               : NULL;
    if (image->tags.count > 1)
        return false;
    vec_foreach (name, &image->digests)
        if (!same_repository(first, *name))
            return false;
    return true;
}

/* With the last tag of a repository, its names by digest go too. */
static int untag_digests_of(struct removal *r, struct image *image, const char *name)
{
    vec_foreach (tag, &image->tags)
        if (same_repository(*tag, name))
            return 0;
    for (size_t i = 0; i < image->digests.count;) {
        if (!same_repository(image->digests.items[i], name))
            i++;
        else if (untag(r, image->digests.items[i]) < 0)
            return -1;
    }
    return 0;
}

/* --- Images and layers ---------------------------------------------------------------------------------------------
 */

static int delete_layers(struct removal *r, const char *top)
{
    char chain_id[DIGEST_SIZE];
    (void)snprintf(chain_id, sizeof(chain_id), "%s", top);
    struct stored_layer *stored;
    while ((stored = map_get(&r->store->layers, chain_id)) && --stored->users == 0) {
        if (db_run(r->store->db, r->err, "DELETE FROM image_layers WHERE chain_id = ?", "s", chain_id) < 0)
            return -1;
        tell_deleted(r, chain_id);
        r->ret->space += stored->layer.size;
        store_doom_layer(r->store, stored->layer.name);
        (void)map_remove(&r->store->layers, chain_id);
        (void)snprintf(chain_id, sizeof(chain_id), "%s", stored->layer.parent);
        free(stored);
    }
    return 0;
}

/* Does another image need this blob? */
static bool is_needed(struct image_store *store, const char *digest)
{
    struct image *image;
    list_foreach (image, &store->images, link) {
        if (str_eq(image->id, digest) || str_same(image->manifest, digest))
            return true;
        vec_foreach (name, &image->digests)
            if (str_ends(*name, digest))
                return true;
    }
    return false;
}

static void doom_blob(struct image_store *store, const char *digest)
{
    if (!is_needed(store, digest))
        store_doom(store, "images/blobs/%s/%s", digest_algorithm(digest) == DIGEST_SHA512 ? "sha512" : "sha256",
                   digest_hex(digest));
}

/* The image, its names, and the layers that nobody else counts on. */
static int delete_image(struct removal *r, struct image *image)
{
    struct image_store *store = r->store;
    struct strings lists = {0}; /* digests of its manifest lists */
    vec_foreach (name, &image->digests)
        vec_push_in(r->ret->arena, &lists, arena_strdup(r->ret->arena, strchr(*name, '@') + 1));
    if (untag_all(r, image) < 0 ||
        db_run(store->db, r->err, "DELETE FROM image_images WHERE id = ?", "s", image->id) < 0)
        return -1;
    tell_deleted(r, image->id);
    list_remove(&image->link);
    (void)map_remove(&store->by_id, image->id);
    doom_blob(store, image->id);
    if (image->manifest)
        doom_blob(store, image->manifest);
    vec_foreach (digest, &lists)
        if (!str_same(*digest, image->manifest))
            doom_blob(store, *digest);
    int failed = delete_layers(r, image->top);
    store_free_image(image);
    return failed;
}

/* --- By whom it is used --------------------------------------------------------------------------------------------
 */

static enum image_use used_by(struct removal *r, const struct image *image, char user[ID_SIZE])
{
    user[0] = '\0';
    return r->usage && r->usage->f ? r->usage->f(r->usage->data, image->id, user) : IMAGE_UNUSED;
}

static int refuse_used(struct removal *r, const struct image *image, enum image_use use, const char *user)
{
    return err_set(r->err, ERR_CONFLICT, "unable to delete %.12s (%s) - image is being used by %s container %.12s",
                   digest_hex(image->id), use == IMAGE_RUNNING || r->force ? "cannot be forced" : "must be forced",
                   use == IMAGE_RUNNING ? "running" : "stopped", user);
}

/* --- docker rmi ----------------------------------------------------------------------------------------------------
 */

static int remove_by_id(struct removal *r, struct image *image)
{
    char user[ID_SIZE];
    enum image_use use = used_by(r, image, user);
    bool named = image->tags.count + image->digests.count > 0;
    if (use == IMAGE_RUNNING || (use == IMAGE_STOPPED && (!r->force || !named)))
        return refuse_used(r, image, use, user);
    if (!r->force && !is_single(image))
        return err_set(r->err, ERR_CONFLICT,
                       "unable to delete %.12s (must be forced) - image is referenced in multiple repositories",
                       digest_hex(image->id));
    /* A stopped container starts from the layers: forced, the names go, and the image when the container has gone. */
    return use == IMAGE_STOPPED ? untag_all(r, image) : delete_image(r, image);
}

static int remove_by_name(struct removal *r, struct image *image, const char *name)
{
    char user[ID_SIZE];
    enum image_use use = used_by(r, image, user);
    if (use != IMAGE_UNUSED && !r->force && is_single(image))
        return err_set(r->err, ERR_CONFLICT,
                       "unable to remove repository reference \"%s\" (must force) - container %.12s is using its "
                       "referenced image %.12s",
                       familiar(r->ret->arena, name), user, digest_hex(image->id));
    if (untag(r, name) < 0 || untag_digests_of(r, image, name) < 0)
        return -1;
    if (image->tags.count + image->digests.count > 0 || use != IMAGE_UNUSED)
        return 0;
    return delete_image(r, image);
}

/* The name among the image's that text means; NULL where it means the ID. */
static const char *name_meant(struct image_store *store, struct image *image, const char *text, struct arena *arena)
{
    struct reference reference;
    struct err ignored;
    char name[REFERENCE_MAX];
    if (str_starts(text, "sha256:") || reference_parse(text, &reference, &ignored) < 0)
        return NULL;
    reference_default_tag(&reference);
    reference_name(&reference, name);
    bool by_digest = *reference.digest;
    char *full =
        arena_printf(arena, "%s%s%s", name, by_digest ? "@" : ":", by_digest ? reference.digest : reference.tag);
    return map_get(&store->by_name, full) == image ? full : NULL;
}

int image_store_remove(struct image_store *store, const char *text, bool force, const struct image_usage *usage,
                       struct image_removal *ret, struct err *err)
{
    struct removal r = {store, ret, usage, force, err};
    struct image *image = image_store_find(store, text, err);
    if (!image)
        return -1;
    const char *name = name_meant(store, image, text, ret->arena);
    return name ? remove_by_name(&r, image, name) : remove_by_id(&r, image);
}

/* --- docker image prune --------------------------------------------------------------------------------------------
 */

static bool is_prunable(struct removal *r, const struct image_prune_options *options, const struct image *image)
{
    char user[ID_SIZE];
    if (!options->all && image->tags.count > 0)
        return false;
    if (options->older_than_ns && image->added_ns >= options->older_than_ns)
        return false;
    if (options->keep && options->keep(options->keep_data, image))
        return false;
    return used_by(r, image, user) == IMAGE_UNUSED;
}

int image_store_prune(struct image_store *store, const struct image_prune_options *options,
                      const struct image_usage *usage, struct image_removal *ret, struct err *err)
{
    struct removal r = {store, ret, usage, true, err};
    struct image *image;
    list_foreach (image, &store->images, link)
        if (is_prunable(&r, options, image) && delete_image(&r, image) < 0)
            return -1;
    return 0;
}

/* --- The doomed ----------------------------------------------------------------------------------------------------
 */

struct strings image_store_take_doomed(struct image_store *store)
{
    struct strings doomed = store->doomed;
    store->doomed = (struct strings){0};
    return doomed;
}

bool image_store_has_doomed(const struct image_store *store)
{
    return store->doomed.count > 0;
}
