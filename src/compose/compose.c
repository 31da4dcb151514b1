#include "compose/compose.h"

#include "base/str.h"
#include "compose/consistency.h"
#include "compose/files_of_service.h"
#include "compose/interpolate.h"
#include "compose/loader.h"
#include "compose/model.h"
#include "compose/normalise.h"
#include "compose/select.h"

#include <ctype.h>

const char *compose_normalise_name(struct arena *arena, const char *name)
{
    char *out = arena_alloc(arena, strlen(name) + 1);
    size_t n = 0;
    for (const char *p = name; *p; p++) {
        char c = (char)tolower((unsigned char)*p);
        bool dash = c == '-' || c == '_';
        if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (dash && n))
            out[n++] = c;
    }
    return out;
}

/* The last name: that a file has at its top; NULL where none has. */
static int find_name(const struct compose_options *options, struct walk *walk, struct env *env, const char **ret)
{
    unsigned files = 0;
    struct loader loader = {.options = options, .walk = walk, .env = env, .files = &files};
    for (size_t i = 0; i < options->files.count; i++) {
        struct yaml_documents documents;
        if (str_eq(options->files.items[i].path, "-"))
            continue; /* it can be read only once */
        if (loader_read(&loader, options->files.items[i].path, options->files.items[i].name, &documents) < 0)
            return -1;
        vec_foreach (document, &documents) {
            const char *name = yaml_get_string(*document, "name");
            if (!str_empty(name))
                *ret = name;
        }
    }
    struct interpolation in = {.arena = walk->arena, .lookup = env_lookup_env, .data = env, .err = walk->err};
    if (*ret && !walk->raw && !(*ret = interpolate_text(&in, *ret)))
        return -1;
    return 0;
}

static int choose_name(const struct compose_options *options, struct walk *walk, struct compose_project *project)
{
    const char *name = options->project_name;
    if (!str_empty(name)) {
        if (!str_eq(compose_normalise_name(walk->arena, name), name))
            return err_set(
                walk->err, ERR_INVALID,
                "the project name \"%s\": expected lower-case letters, digits, - and _, a letter or a digit first",
                name);
    } else {
        name = NULL;
        if (find_name(options, walk, &project->env, &name) < 0)
            return -1;
        name = compose_normalise_name(walk->arena, name ? name : options->default_name ? options->default_name : "");
    }
    if (!*name)
        return err_set(walk->err, ERR_INVALID, "the project has no name, expected --project-name or name: in the file");
    project->name = name;
    env_set(&project->env, "COMPOSE_PROJECT_NAME", name);
    return 0;
}

/* From the loaded tree to the canonical model of the services that are meant. */
static int canonicalise(const struct compose_options *options, struct walk *walk, struct compose_project *project)
{
    struct yaml *disabled;
    if (model_type(walk, &shape_file, NULL, &project->model) < 0)
        return -1;
    struct yaml *model = project->model;
    select_profiles(walk, options, model, &disabled);
    project->disabled = disabled;
    if (!options->unchecked && consistency_check(walk, model, disabled) < 0)
        return -1;
    if (files_of_services(walk, options->io, model, &project->env, options->keep_env_files) < 0)
        return -1;
    if (select_services(walk, options, model, disabled) < 0)
        return -1;
    if (!options->keep_unused)
        select_used(walk, model);
    return 0;
}

static int load(const struct compose_options *options, struct walk *walk, struct compose_project *project)
{
    unsigned files = 0;
    struct loader loader = {
        .options = options, .walk = walk, .env = &project->env, .folder = options->folder, .files = &files};
    if (choose_name(options, walk, project) < 0)
        return -1;
    struct yaml *root = loader_load(&loader, options->files.items, options->files.count);
    if (!root)
        return -1;
    if (!root->map.count)
        return err_set(walk->err, ERR_INVALID, "%s is empty, expected a mapping with services",
                       options->files.items[0].name);
    yaml_set(walk->arena, root, "name", yaml_new_string(walk->arena, project->name, NULL));
    normalise(walk, root, project->name, &project->env);
    project->model = root;
    if (!walk->raw)
        return canonicalise(options, walk, project);
    model_sort(root);
    return 0;
}

int compose_load(const struct compose_options *options, struct arena *arena, struct compose_project *ret,
                 struct err *err)
{
    struct walk walk = {
        .arena = arena, .err = err, .raw = options->raw, .warn = options->io->warn, .warn_data = options->io->data};
    *ret = (struct compose_project){.folder = options->folder};
    env_init(&ret->env, arena);
    if (!options->raw) /* where variables stay, environment takes no values from around either */
        env_add(&ret->env, options->env);
    if (load(options, &walk, ret) == 0)
        return 0;
    compose_project_done(ret);
    return -1;
}

void compose_project_done(struct compose_project *project)
{
    env_done(&project->env);
}
