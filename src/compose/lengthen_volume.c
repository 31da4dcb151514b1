#include "compose/lengthen.h"

#include "base/str.h"
#include "compose/paths.h"

#include <ctype.h>

/* The sections of a short volume. A colon within ${…} separates nothing, and neither does that of a Windows drive. */
struct sections {
    const char *parts[3];
    size_t count;
};

static const char *split_sections(struct arena *arena, const char *text, struct sections *ret)
{
    unsigned variables = 0;
    const char *start = text;
    for (const char *p = text;; p++) {
        if (p[0] == '$' && p[1] == '{')
            variables++;
        else if (*p == '}' && variables)
            variables--;
        bool drive = *p == ':' && p == start + 1 && isalpha((unsigned char)*start);
        if (*p && (*p != ':' || variables || drive))
            continue;
        if (p == start)
            return "an empty section between colons";
        if (ret->count == 3)
            return "more than three sections";
        ret->parts[ret->count++] = arena_strndup(arena, start, (size_t)(p - start));
        if (!*p)
            return NULL;
        start = p + 1;
    }
}

static bool is_path(const char *source)
{
    return strchr("./~", *source) || str_starts(source, "\\\\") ||
           (isalpha((unsigned char)*source) && source[1] == ':');
}

static struct yaml *part(struct arena *arena, struct yaml *volume, const char *key)
{
    struct yaml *map = yaml_get(volume, key);
    return map ? map : yaml_set(arena, volume, key, yaml_new(arena, YAML_MAP, volume));
}

/* "ro,z": returns an option that nobody knows, which Docker's tools ignore; NULL where there is none. */
static const char *add_options(struct arena *arena, struct yaml *volume, const char *text)
{
    static const char *const propagations[] = {"rprivate", "private", "rshared", "shared", "rslave", "slave", NULL};
    const char *unknown = NULL;
    char *rest = arena_strdup(arena, text);
    for (char *option; (option = str_split(&rest, ','));) {
        if (str_eq(option, "ro"))
            yaml_set(arena, volume, "read_only", yaml_new_bool(arena, true, volume));
        else if (str_eq(option, "rw"))
            yaml_remove(volume, "read_only");
        else if (str_eq(option, "nocopy"))
            yaml_set(arena, part(arena, volume, "volume"), "nocopy", yaml_new_bool(arena, true, volume));
        else if (str_eq(option, "z") || str_eq(option, "Z"))
            yaml_set(arena, part(arena, volume, "bind"), "selinux", yaml_new_string(arena, option, volume));
        else if (str_in(option, propagations))
            yaml_set(arena, part(arena, volume, "bind"), "propagation", yaml_new_string(arena, option, volume));
        else
            unknown = option;
    }
    return unknown;
}

struct yaml *volume_from_text(struct arena *arena, const char *text, const struct yaml *at, const char **why)
{
    struct sections sections = {0};
    if (!*text) {
        *why = "it is empty";
        return NULL;
    }
    if (strlen(text) <= 2)
        sections = (struct sections){{text}, 1};
    else if ((*why = split_sections(arena, text, &sections)))
        return NULL;
    const char *source = sections.count > 1 ? sections.parts[0] : NULL;
    const char *target = sections.parts[source ? 1 : 0];
    bool bind = source && is_path(source);
    struct yaml *volume = yaml_new(arena, YAML_MAP, at);
    yaml_set(arena, volume, "type", yaml_new_string(arena, bind ? "bind" : "volume", at));
    if (source)
        yaml_set(arena, volume, "source", yaml_new_string(arena, source, at));
    yaml_set(arena, volume, "target", yaml_new_string(arena, path_clean(arena, target), at));
    if (sections.count == 3)
        *why = add_options(arena, volume, sections.parts[2]);
    if (bind)
        yaml_set(arena, part(arena, volume, "bind"), "create_host_path", yaml_new_bool(arena, true, at));
    else if (strlen(text) > 2)
        part(arena, volume, "volume");
    return volume;
}

int lengthen_volume(struct walk *walk, const struct place *place, struct yaml **node)
{
    const char *why = NULL;
    if ((*node)->kind != YAML_STRING)
        return 0;
    struct yaml *volume = volume_from_text(walk->arena, (*node)->string, *node, &why);
    if (!volume && !walk->raw)
        return place_fail(walk, place, *node, "\"%s\": %s, expected [SOURCE:]TARGET[:OPTIONS]", (*node)->string, why);
    if (volume && why)
        place_warn(walk, place, *node, "the option \"%s\" is not known and has no effect", why);
    if (volume)
        *node = volume;
    return 0;
}
