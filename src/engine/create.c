/* Defining a container: its image's defaults taken in, checked, its volumes made, written to the database. */
#include "engine/private.h"

#include "engine/defaults.h"
#include "engine/endpoints.h"
#include "engine/limits.h"
#include "engine/mount_points.h"
#include "engine/names.h"
#include "engine/outline.h"
#include "engine/record.h"
#include "engine/validate.h"

#include "base/clock.h"
#include "base/str.h"

#define DEFINITION_MAX ((size_t)1024 * 1024) /* bytes of text: of a container's own, without its image's part */

static struct image *find_image(struct engine *engine, const struct container_create_options *options, struct err *err)
{
    struct image *image = image_store_find(images_store(engine->images), options->spec->image, err);
    struct platform wanted;
    if (!image || str_empty(options->platform))
        return image;
    if (platform_parse(options->platform, &wanted, err) < 0)
        return NULL;
    if (!str_eq(wanted.os, image->platform.os) || !str_eq(wanted.architecture, image->platform.architecture)) {
        err_set(err, ERR_NOT_FOUND,
                "image with reference %s was found but does not match the specified platform: wanted %s, actual: %s/%s",
                options->spec->image, options->platform, image->platform.os, image->platform.architecture);
        return NULL;
    }
    return image;
}

/* A deep copy by way of the text that the database will hold. */
static int copy_spec(const struct container_spec *from, struct arena *arena, struct container_spec *ret,
                     struct err *err)
{
    struct arena scratch cleanup(arena_done) = {0};
    const char *text = fields_to_text(&container_spec_table, from, &scratch);
    if (strlen(text) > DEFINITION_MAX)
        return err_set(err, ERR_LIMIT, "the container's definition is larger than %zu KiB", DEFINITION_MAX >> 10);
    return fields_read_text(&container_spec_table, text, strlen(text), arena, ret, "container", err);
}

/* Takes the defaults in, checks, makes volumes and writes the row. spec is the container's own, in arena. */
static int define(struct container *c, struct container_spec *spec, const struct image_config *image,
                  struct arena *arena, struct strings *warnings, struct err *err)
{
    struct engine *engine = c->engine;
    if (defaults_from_image(spec, &image->run, arena, err) < 0)
        return -1;
    defaults_of_engine(spec, c->id, arena);
    int controllers = limits_offered(engine->cgroups_fd);
    if (validate_spec(spec, controllers < 0 ? 0 : (unsigned)controllers, arena, warnings, err) < 0)
        return -1;
    outline_take(&engine->texts, spec, &c->outline);
    if (endpoints_check(c, spec, err) < 0 || mount_points_resolve(c, spec, err) < 0)
        return -1;
    return record_insert(c, spec, err);
}

static int choose_name(struct container *c, const char *name, struct err *err)
{
    if (name && *name == '/')
        name++;
    if (str_empty(name)) {
        c->name = name_choose(c->engine);
        return 0;
    }
    c->name = mem_strdup(name);
    return name_check(name, "container", err) < 0 || name_reserve(c->engine, name, err) < 0 ? -1 : 0;
}

int container_create(struct engine *engine, const struct container_create_options *options, struct container **ret,
                     struct arena *arena, struct strings *warnings, struct err *err)
{
    if (str_empty(options->spec->image))
        return err_set(err, ERR_INVALID, "no image specified: a container is made from one");
    struct image *image = find_image(engine, options, err);
    const struct image_config *config = image ? image_store_config(images_store(engine->images), image, err) : NULL;
    if (!config)
        return -1;
    struct container *c cleanup(container_freep) = container_new(engine);
    id_new(c->id);
    c->created_ns = clock_realtime_ns();
    c->image_id = intern(&engine->texts, image->id);
    c->state.status = CONTAINER_CREATED;
    struct container_spec spec;
    if (choose_name(c, options->name, err) < 0 || copy_spec(options->spec, arena, &spec, err) < 0 ||
        define(c, &spec, config, arena, warnings, err) < 0) {
        remove_anonymous_volumes(c); /* those that were made for it */
        return -1;
    }
    container_enter(c);
    mount_points_count(c, 1);
    emit_container(c, "create", NULL);
    *ret = TAKE(c);
    return 0;
}

int container_rename(struct container *c, const char *name, struct err *err)
{
    if (*name == '/')
        name++;
    if (name_check(name, "container", err) < 0 || name_reserve(c->engine, name, err) < 0)
        return -1;
    char *old cleanup(freep) = c->name;
    c->name = mem_strdup(name);
    if (record_update(c, err) < 0) {
        free(c->name);
        c->name = TAKE(old);
        return -1;
    }
    map_remove(&c->engine->by_name, old);
    map_put(&c->engine->by_name, c->name, c);
    endpoints_renamed(c);
    emit_container(c, "rename", (struct pair[]){{(char *)"oldName", old}, {0}});
    return 0;
}
