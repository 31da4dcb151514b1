#include "compose/unsupported.h"

#include "base/str.h"
#include "compose/shape.h"

#define DEPTH_MAX 24

#define WINDOWS   "is for containers on Windows"
#define PLANNER   "has no effect yet: services are updated one replica after the other"
#define NOT_YET   "has no effect yet"
#define NO_BUILD  "has no effect yet: images are not built here, one of that name must exist"

/* A place (* is any name, [] any item), and for some only certain values: * within them is any text. */
static const struct row {
    const char *place, *value;
    const char *why;
} table[] = {
    {"models.*", NULL, NOT_YET},
    {"networks.*.driver", "overlay", "has no effect yet: networks do not span nodes"},
    {"networks.*.driver", "macvlan", NOT_YET},
    {"networks.*.driver", "ipvlan", NOT_YET},
    {"networks.*.ipam.driver", "*", NOT_YET},
    {"networks.*.ipam.options", NULL, NOT_YET},
    {"volumes.*.driver_opts", NULL, NOT_YET},
    {"configs.*.template_driver", NULL, NOT_YET},
    {"secrets.*.template_driver", NULL, NOT_YET},
    {"secrets.*.driver", NULL, NOT_YET},
    {"services.*.build", NULL, NO_BUILD},
    {"services.*.blkio_config", NULL, NOT_YET},
    {"services.*.cpu_count", NULL, WINDOWS},
    {"services.*.cpu_percent", NULL, WINDOWS},
    {"services.*.cpu_rt_period", NULL, NOT_YET},
    {"services.*.cpu_rt_runtime", NULL, NOT_YET},
    {"services.*.credential_spec", NULL, WINDOWS},
    {"services.*.deploy.endpoint_mode", NULL, NOT_YET},
    {"services.*.deploy.placement", NULL, "has no effect on one node"},
    {"services.*.deploy.resources.reservations.cpus", NULL, NOT_YET},
    {"services.*.deploy.resources.reservations.devices", NULL, NOT_YET},
    {"services.*.deploy.resources.reservations.generic_resources", NULL, NOT_YET},
    {"services.*.deploy.rollback_config", NULL, PLANNER},
    {"services.*.deploy.update_config", NULL, PLANNER},
    {"services.*.develop", NULL, "is for development: nothing is watched"},
    {"services.*.external_links", NULL, NOT_YET},
    {"services.*.gpus", NULL, NOT_YET},
    {"services.*.isolation", NULL, WINDOWS},
    {"services.*.mac_address", NULL, NOT_YET},
    {"services.*.models", NULL, NOT_YET},
    {"services.*.networks.*.interface_name", NULL, NOT_YET},
    {"services.*.networks.*.mac_address", NULL, NOT_YET},
    {"services.*.networks.*.link_local_ips", NULL, NOT_YET},
    {"services.*.ports.[].app_protocol", NULL, "says what it is, and has no effect"},
    {"services.*.ports.[].name", NULL, "says what it is, and has no effect"},
    {"services.*.post_start", NULL, NOT_YET},
    {"services.*.pre_stop", NULL, NOT_YET},
    {"services.*.provider", NULL, NOT_YET},
    {"services.*.pull_policy", "daily", "is taken as missing"},
    {"services.*.pull_policy", "weekly", "is taken as missing"},
    {"services.*.pull_policy", "refresh", "is taken as missing"},
    {"services.*.pull_policy", "every_*", "is taken as missing"},
    {"services.*.pull_refresh_after", NULL, NOT_YET},
    {"services.*.storage_opt", NULL, NOT_YET},
    {"services.*.use_api_socket", NULL, NOT_YET},
    {"services.*.userns_mode", NULL, NOT_YET},
    {"services.*.volumes.[].bind.selinux", NULL, "has no effect: labels of SELinux are not set"},
    {"services.*.volumes.[].consistency", NULL, "has no effect on Linux"},
    {"services.*.volumes.[].type", "npipe", WINDOWS},
    {"services.*.volumes.[].type", "cluster", NOT_YET},
};

struct finder {
    struct arena *arena;
    struct strings *found;
};

static bool place_matches(const struct place *place, const char *pattern)
{
    const struct place *way[DEPTH_MAX];
    size_t n = 0;
    for (; place; place = place->up) {
        if (n == DEPTH_MAX)
            return false;
        way[n++] = place;
    }
    while (n && *pattern) {
        const struct place *p = way[--n];
        size_t length = strcspn(pattern, ".");
        bool any = length == 1 && *pattern == '*' && p->key;
        bool item = length == 2 && strncmp(pattern, "[]", 2) == 0 && !p->key;
        bool same = p->key && strlen(p->key) == length && strncmp(p->key, pattern, length) == 0;
        if (!any && !item && !same)
            return false;
        pattern += length + (pattern[length] == '.');
    }
    return !n && !*pattern;
}

/* What up does anyway is nothing to report: the empty mappings and false flags of the canonical model. */
static bool asks_for_something(const struct yaml *node)
{
    switch (node->kind) {
    case YAML_NULL:
        return false;
    case YAML_BOOL:
        return node->boolean;
    case YAML_LIST:
        return node->list.count;
    case YAML_MAP:
        return node->map.count;
    default:
        return true;
    }
}

static int find(struct walk *walk, const struct shape *shape, const struct place *place, struct yaml **node)
{
    struct finder *f = walk->data;
    for (size_t i = 0; i < ARRAY_SIZE(table) && asks_for_something(*node); i++) {
        const struct yaml *at = *node;
        if (!place_matches(place, table[i].place) ||
            (table[i].value && !str_glob(table[i].value, yaml_text(walk->arena, at))))
            continue;
        const char *where = at->file ? arena_printf(f->arena, "%s:%u:%u: ", at->file, at->line, at->column) : "";
        vec_push_in(f->arena, f->found,
                    arena_printf(f->arena, "%s%s: %s", where, place_text(f->arena, place), table[i].why));
        return 0;
    }
    return shape_each(walk, shape, place, *node, find);
}

void compose_unsupported(struct arena *arena, const struct compose_project *project, struct strings *ret)
{
    struct finder finder = {arena, ret};
    struct walk walk = {.arena = arena, .data = &finder};
    (void)shape_each(&walk, &shape_file, NULL, project->model, find);
}
