#include "compose/paths.h"

#include "base/str.h"

#include <ctype.h>

const char *path_clean(struct arena *arena, const char *path)
{
    bool absolute = *path == '/';
    char *out = arena_alloc(arena, strlen(path) + 2);
    size_t root = absolute ? 1 : 0, n = root;
    size_t floor = root; /* what ".." may not remove: the root, or the ".." of a relative path */
    memcpy(out, "/", root);
    for (const char *p = path; *p;) {
        size_t length = strcspn(p, "/");
        bool dots = length == 2 && p[0] == '.' && p[1] == '.';
        if (dots && n > floor) {
            while (n > floor && out[n - 1] != '/')
                n--;
            n -= n > floor; /* the slash before it */
        } else if (length && !(length == 1 && *p == '.') && !(dots && absolute)) {
            if (n > root)
                out[n++] = '/';
            memcpy(out + n, p, length);
            n += length;
            floor = dots ? n : floor;
        }
        p += length + (p[length] == '/');
    }
    out[n] = 0;
    return n ? out : ".";
}

const char *path_join(struct arena *arena, const char *folder, const char *path)
{
    return path_clean(arena, *path == '/' ? path : arena_printf(arena, "%s/%s", folder, path));
}

const char *path_folder(struct arena *arena, const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash)
        return ".";
    return slash == path ? "/" : path_clean(arena, arena_strndup(arena, path, (size_t)(slash - path)));
}

const char *path_last(struct arena *arena, const char *path)
{
    const char *clean = path_clean(arena, path), *slash = strrchr(clean, '/');
    return slash && slash[1] ? slash + 1 : clean;
}

struct resolver {
    const char *folder, *home;
};

/* Cleaned only where it was relative: an absolute path stays as it was written. */
static void resolve(struct walk *walk, struct yaml **node)
{
    const struct resolver *r = walk->data;
    const char *text = yaml_string(*node);
    if (!text || *text == '/')
        return;
    if (*text == '~' && *r->home)
        text = path_clean(walk->arena, arena_printf(walk->arena, "%s/%s", r->home, text + 1));
    else
        text = path_join(walk->arena, r->folder, text);
    *node = yaml_new_string(walk->arena, text, *node);
}

static void resolve_source(struct walk *walk, struct yaml **node)
{
    const char *text = yaml_string(*node);
    if (text && isalpha((unsigned char)*text) && text[1] == ':' && (text[2] == '/' || text[2] == '\\'))
        return;
    resolve(walk, node);
}

static void resolve_under(struct walk *walk, struct yaml *map, const char *key)
{
    struct yaml *value = yaml_get(map, key);
    if (value) {
        resolve_source(walk, &value);
        yaml_set(walk->arena, map, key, value);
    }
}

static bool is_remote(const char *context)
{
    return strstr(context, "://") || str_starts(context, "service:") || str_starts(context, "git@") ||
           str_starts(context, "github.com/");
}

static int resolve_mount(struct walk *walk, const struct place *place, struct yaml *mount)
{
    if (!str_same(yaml_get_string(mount, "type"), "bind"))
        return 0;
    if (!yaml_get(mount, "source"))
        return place_fail(walk, place, mount, "a mount of type bind without source, expected a path");
    resolve_under(walk, mount, "source");
    return 0;
}

static void resolve_driver(struct walk *walk, const struct yaml *volume)
{
    struct yaml *options = yaml_get(volume, "driver_opts");
    if (str_same(yaml_get_string(volume, "driver"), "local") && str_same(yaml_get_string(options, "o"), "bind"))
        resolve_under(walk, options, "device");
}

static int visit(struct walk *walk, const struct shape *shape, const struct place *place, struct yaml **node)
{
    const char *text = yaml_string(*node);
    switch (shape->path) {
    case PATH_NONE:
        return shape_each(walk, shape, place, *node, visit);
    case PATH_FILE:
        if (!str_empty(text))
            resolve(walk, node);
        return 0;
    case PATH_SOURCE:
        resolve_source(walk, node);
        return 0;
    case PATH_CONTEXT:
        if (!str_empty(text) && !is_remote(text))
            resolve(walk, node);
        return 0;
    case PATH_MOUNT:
        return resolve_mount(walk, place, *node);
    case PATH_DRIVER:
        resolve_driver(walk, *node);
        return 0;
    }
    return 0;
}

int paths_resolve(struct walk *walk, struct yaml *root, const char *folder, const char *home)
{
    struct resolver resolver = {folder, home};
    walk->data = &resolver;
    return visit(walk, &shape_file, NULL, &root);
}
