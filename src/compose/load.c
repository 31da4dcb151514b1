#include "compose/loader.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "compose/check.h"
#include "compose/consistency.h"
#include "compose/lengthen.h"
#include "compose/merge.h"
#include "compose/normalise.h"
#include "compose/paths.h"
#include "compose/variables.h"

int loader_read(const struct loader *loader, const char *path, const char *name, struct yaml_documents *ret)
{
    const struct compose_io *io = loader->options->io;
    struct walk *walk = loader->walk;
    struct buf text cleanup(buf_done) = BUF(YAML_BYTES_MAX + COMPOSE_READ_ROOM);
    if (++*loader->files > COMPOSE_FILES_MAX)
        return err_set(walk->err, ERR_LIMIT, "more than %d compose files", COMPOSE_FILES_MAX);
    if (io->read(io->data, path, &text, walk->err) < 0)
        return -1;
    return yaml_parse(walk->arena, buf_str(&text), text.size, name, ret, walk->err);
}

/* dns: ["", "1.1.1.1"] is what an unset variable leaves; Docker's tools drop the empty ones. */
static void drop_empty_dns(struct yaml *root)
{
    const struct yaml *services = yaml_get(root, "services");
    for (size_t s = 0; yaml_is(services, YAML_MAP) && s < services->map.count; s++) {
        struct yaml *dns = yaml_get(services->map.items[s].value, "dns");
        for (size_t i = 0; yaml_is(dns, YAML_LIST) && i < dns->list.count;) {
            if (str_empty(yaml_string(dns->list.items[i])))
                vec_remove(&dns->list, i);
            else
                i++;
        }
    }
}

int loader_settle(const struct loader *loader, struct yaml **root)
{
    struct walk *walk = loader->walk;
    if (merge_unique(walk, &shape_file, NULL, root) < 0 || lengthen(walk, &shape_file, NULL, root) < 0)
        return -1;
    drop_empty_dns(*root);
    return merge_unique(walk, &shape_file, NULL, root);
}

static int load_document(const struct loader *loader, const struct compose_file *file, struct yaml *document,
                         struct yaml **root)
{
    struct walk *walk = loader->walk;
    if (document->kind != YAML_MAP)
        return place_fail(walk, NULL, document, "%s, expected a mapping with services", yaml_kind_name(document->kind));
    if (!walk->raw && variables_replace(walk, document, loader->env) < 0)
        return -1;
    if (check_file(walk, document) < 0 || extends_apply(loader, file, document) < 0 ||
        include_apply(loader, document) < 0)
        return -1;
    struct yaml *version = yaml_get(document, "version");
    if (version)
        place_warn(walk, NULL, version, "version is obsolete and has no effect");
    yaml_remove(document, "version");
    struct yaml *merged = merge_trees(walk, &shape_file, NULL, *root, document, false);
    if (!merged)
        return -1;
    *root = merged;
    merge_drop_marks(merged);
    return check_required(walk, merged) < 0 ? -1 : loader_settle(loader, root);
}

static int load_file(const struct loader *loader, const struct compose_file *file, struct yaml **root)
{
    struct yaml_documents documents;
    if (loader_read(loader, file->path, file->name, &documents) < 0)
        return -1;
    vec_foreach (document, &documents) {
        if (load_document(loader, file, *document, root) < 0)
            return -1;
    }
    return 0;
}

struct yaml *loader_load(struct loader *loader, const struct compose_file *files, size_t count)
{
    struct walk *walk = loader->walk;
    struct yaml *root = yaml_new(walk->arena, YAML_MAP, NULL);
    const char *home = env_get(loader->options->env, "HOME");
    loader->main_file = files[0].path;
    for (size_t i = 0; i < count; i++) {
        if (load_file(loader, &files[i], &root) < 0)
            return NULL;
    }
    if (fill_defaults(walk, &shape_file, NULL, &root) < 0 || consistency_check_resources(walk, root) < 0)
        return NULL;
    if (!loader->options->keep_paths && paths_resolve(walk, root, loader->folder, home ? home : "") < 0)
        return NULL;
    normalise_environment(walk, root, loader->env);
    return root;
}
