#include "compose/loader.h"

#include "base/str.h"
#include "base/vec.h"
#include "compose/check.h"
#include "compose/merge.h"
#include "compose/paths.h"
#include "compose/variables.h"

#define CHAIN_MAX 100 /* bases of a service, one after the other */

/* The services on the way from a service to its last base. */
struct chain {
    const struct chain *up;
    const char *path; /* of the file */
    const char *service;
};

/* A file with services: the one that is being loaded, or one that holds a base. */
struct origin {
    const char *path, *name;
    const char *folder; /* for file: in extends */
    struct yaml *services;
};

static int extend(const struct loader *loader, const struct origin *origin, const char *name, const struct chain *chain,
                  struct yaml **ret);

static int refuse_cycle(const struct loader *loader, const struct chain *chain, const struct yaml *at)
{
    const char *way = chain->service;
    unsigned length = 0;
    for (const struct chain *c = chain->up; c; c = c->up) {
        if (++length > CHAIN_MAX)
            return place_fail(loader->walk, NULL, at, "more than %d services extend each other", CHAIN_MAX);
        way = arena_printf(loader->walk->arena, "%s -> %s", c->service, way);
        if (str_eq(c->path, chain->path) && str_eq(c->service, chain->service))
            return place_fail(loader->walk, NULL, at, "services extend each other: %s", way);
    }
    return 0;
}

/* Loads another file's services: variables replaced, long forms, paths absolute. */
static int load_origin(const struct loader *loader, const char *path, const char *name, const struct yaml *at,
                       struct origin *ret)
{
    struct walk *walk = loader->walk;
    struct yaml_documents documents;
    const char *home = env_get(loader->options->env, "HOME");
    if (loader_read(loader, path, name, &documents) < 0)
        return err_wrap(walk->err, "%s:%u:%u: extends", at->file, at->line, at->column);
    struct yaml *root = documents.count ? documents.items[0] : yaml_new(walk->arena, YAML_MAP, NULL);
    if (root->kind != YAML_MAP)
        return place_fail(walk, NULL, root, "%s, expected a mapping with services", yaml_kind_name(root->kind));
    if (!walk->raw && variables_replace(walk, root, loader->env) < 0)
        return -1;
    *ret = (struct origin){path, name, path_folder(walk->arena, path), yaml_get(root, "services")};
    if (!yaml_is(ret->services, YAML_MAP))
        return place_fail(walk, NULL, root, "no services, expected those that %s:%u extends", at->file, at->line);
    struct place services = {.key = "services"};
    vec_foreach (pair, &ret->services->map) {
        struct place here = {.up = &services, .key = pair->key};
        if (pair->value->kind != YAML_NULL && check_service(walk, &here, pair->value) < 0)
            return -1;
    }
    struct yaml *services_alone = yaml_new(walk->arena, YAML_MAP, root);
    yaml_set(walk->arena, services_alone, "services", ret->services);
    if (loader_settle(loader, &services_alone) < 0)
        return -1;
    return loader->options->keep_paths ? 0 : paths_resolve(walk, services_alone, ret->folder, home ? home : "");
}

/* The base that extends names, with its own bases merged in. */
static int find_base(const struct loader *loader, const struct origin *origin, const struct yaml *extends,
                     const struct chain *chain, struct yaml **ret)
{
    struct arena *arena = loader->walk->arena;
    struct origin other = *origin;
    const char *file = yaml_get_string(extends, "file");
    const char *name = extends->kind == YAML_STRING ? extends->string : yaml_get_string(extends, "service");
    struct place here = {.up = &(struct place){.up = &(struct place){.key = "services"}, .key = chain->service},
                         .key = "extends"};
    if (!name)
        return place_fail(loader->walk, &here, extends, "service is missing, expected the name of one");
    if (file && load_origin(loader, path_join(arena, origin->folder, file), file, extends, &other) < 0)
        return -1;
    if (!yaml_get(other.services, name))
        return place_fail(loader->walk, &here, extends, "no service %s in %s, expected the name of one", name,
                          other.name);
    return extend(loader, &other, name, chain, ret);
}

static int extend(const struct loader *loader, const struct origin *origin, const char *name, const struct chain *chain,
                  struct yaml **ret)
{
    struct walk *walk = loader->walk;
    struct yaml *service = yaml_get(origin->services, name), *extends = yaml_get(service, "extends"), *base = NULL;
    *ret = service;
    if (!extends || extends->mark == YAML_RESET)
        return 0;
    struct chain here = {chain, origin->path, name};
    if (refuse_cycle(loader, &here, extends) < 0 || find_base(loader, origin, extends, &here, &base) < 0)
        return -1;
    yaml_remove(service, "extends");
    if (!yaml_is(base, YAML_MAP))
        return 0;
    struct place place = {.up = &(struct place){.key = "services"}, .key = name};
    base = yaml_clone(walk->arena, base);
    *ret = merge_trees(walk, &shape_service, &place, base, service, true);
    if (!*ret)
        return -1;
    yaml_remove(*ret, "extends");
    yaml_set(walk->arena, origin->services, name, *ret);
    return 0;
}

int extends_apply(const struct loader *loader, const struct compose_file *file, struct yaml *root)
{
    struct origin origin = {file->path, file->name, loader->folder, yaml_get(root, "services")};
    struct yaml *extended;
    if (!yaml_is(origin.services, YAML_MAP))
        return 0;
    for (size_t i = 0; i < origin.services->map.count; i++) {
        if (extend(loader, &origin, origin.services->map.items[i].key, NULL, &extended) < 0)
            return -1;
    }
    return 0;
}
