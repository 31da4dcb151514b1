#include "compose/to_spec.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "compose/spec_copy.h"
#include "compose/to_spec_parts.h"

static const struct spec_copy network_copies[] = {
    COPY(struct network_spec, name, "name", TEXT),
    COPY(struct network_spec, driver, "driver", TEXT),
    COPY(struct network_spec, internal, "internal", BOOL),
    COPY(struct network_spec, attachable, "attachable", BOOL),
    COPY(struct network_spec, enable_ipv6, "enable_ipv6", BOOL),
    COPY(struct network_spec, enable_ipv4, "enable_ipv4", OPT_BOOL),
    COPY(struct network_spec, options, "driver_opts", PAIRS),
    COPY(struct network_spec, labels, "labels", PAIRS),
    {0},
};

static const struct spec_copy pool_copies[] = {
    COPY(struct ipam_pool, subnet, "subnet", TEXT),
    COPY(struct ipam_pool, ip_range, "ip_range", TEXT),
    COPY(struct ipam_pool, gateway, "gateway", TEXT),
    COPY(struct ipam_pool, auxiliary_addresses, "aux_addresses", PAIRS),
    {0},
};

static const struct spec_copy volume_copies[] = {
    COPY(struct volume_spec, name, "name", TEXT),
    COPY(struct volume_spec, driver, "driver", TEXT),
    COPY(struct volume_spec, driver_options, "driver_opts", PAIRS),
    COPY(struct volume_spec, labels, "labels", PAIRS),
    {0},
};

char *spec_real_name(const struct spec_maker *m, const char *kind, const char *key)
{
    char *name = spec_text(m->arena, yaml_get(yaml_get(m->project->model, kind), key), "name");
    return name ? name : arena_strdup(m->arena, key);
}

void spec_add_label(const struct spec_maker *m, struct pairs *labels, const char *key, const char *value)
{
    vec_push_in(m->arena, labels, (struct pair){arena_strdup(m->arena, key), arena_strdup(m->arena, value)});
}

static void make_network(const struct spec_maker *m, const struct yaml_pair *pair, struct stack_network *ret)
{
    const struct yaml *ipam = yaml_get(pair->value, "ipam"), *pools = yaml_get(ipam, "config");
    ret->key = arena_strdup(m->arena, pair->key);
    ret->external = yaml_get_bool(pair->value, "external");
    spec_copy(m->arena, network_copies, pair->value, &ret->network);
    ret->network.ipam.driver = spec_text(m->arena, ipam, "driver");
    spec_pairs(m->arena, yaml_get(ipam, "options"), &ret->network.ipam.options);
    for (size_t i = 0; pools && i < pools->list.count; i++) {
        struct ipam_pool pool = {0};
        spec_copy(m->arena, pool_copies, pools->list.items[i], &pool);
        vec_push_in(m->arena, &ret->network.ipam.pools, pool);
    }
    spec_add_label(m, &ret->network.labels, "com.docker.compose.project", m->project->name);
    spec_add_label(m, &ret->network.labels, "com.docker.compose.network", pair->key);
}

static void make_volume(const struct spec_maker *m, const struct yaml_pair *pair, struct stack_volume *ret)
{
    ret->key = arena_strdup(m->arena, pair->key);
    ret->external = yaml_get_bool(pair->value, "external");
    spec_copy(m->arena, volume_copies, pair->value, &ret->volume);
    spec_add_label(m, &ret->volume.labels, "com.docker.compose.project", m->project->name);
    spec_add_label(m, &ret->volume.labels, "com.docker.compose.volume", pair->key);
}

/* RFC 4648, section 4 */
static char *base64(struct arena *arena, const unsigned char *data, size_t size)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char *out = arena_alloc(arena, (size + 2) / 3 * 4 + 1), *p = out;
    for (size_t i = 0; i < size; i += 3) {
        size_t left = size - i;
        unsigned bits = (unsigned)data[i] << 16 | (left > 1 ? (unsigned)data[i + 1] << 8 : 0) |
                        (left > 2 ? (unsigned)data[i + 2] : 0);
        *p++ = digits[bits >> 18];
        *p++ = digits[bits >> 12 & 63];
        *p++ = left > 1 ? digits[bits >> 6 & 63] : '=';
        *p++ = left > 2 ? digits[bits & 63] : '=';
    }
    return out;
}

/* content, environment or file: what stands in the config or secret. */
static int read_content(const struct spec_maker *m, const struct yaml_pair *pair, const char *noun, char **ret)
{
    const struct compose_io *io = m->options->io;
    const char *content = yaml_get_string(pair->value, "content"), *file = yaml_get_string(pair->value, "file");
    const char *variable = yaml_get_string(pair->value, "environment");
    struct buf text cleanup(buf_done) = BUF(COMPOSE_FILE_CONTENT_MAX + COMPOSE_READ_ROOM);
    if (variable && !(content = env_get(&m->project->env, variable)))
        return err_set(m->err, ERR_INVALID, "the %s %s: the variable %s is not set, expected it in the environment",
                       noun, pair->key, variable);
    if (content)
        buf_adds(&text, content);
    else if (file && io->read(io->data, file, &text, m->err) < 0)
        return err_wrap(m->err, "the %s %s", noun, pair->key);
    if (text.size > COMPOSE_FILE_CONTENT_MAX || buf_failed(&text))
        return err_set(m->err, ERR_LIMIT, "the %s %s is larger than %u bytes", noun, pair->key,
                       COMPOSE_FILE_CONTENT_MAX);
    *ret = base64(m->arena, (const unsigned char *)buf_str(&text), text.size);
    return 0;
}

typedef VEC(struct stack_file) stack_files;

static int make_files(const struct spec_maker *m, const char *key, const char *noun, void *ret)
{
    stack_files *files = ret;
    const struct yaml *map = yaml_get(m->project->model, key);
    for (size_t i = 0; map && i < map->map.count; i++) {
        const struct yaml_pair *pair = &map->map.items[i];
        struct stack_file file = {.key = arena_strdup(m->arena, pair->key),
                                  .external = yaml_get_bool(pair->value, "external"),
                                  .name = spec_text(m->arena, pair->value, "name")};
        if (!file.external && read_content(m, pair, noun, &file.content) < 0)
            return -1;
        vec_push_in(m->arena, files, file);
    }
    return 0;
}

int compose_to_spec(const struct compose_options *options, const struct compose_project *project, struct arena *arena,
                    struct stack_spec *ret, struct err *err)
{
    const struct spec_maker maker = {options, project, arena, err};
    const struct yaml *services = yaml_get(project->model, "services");
    const struct yaml *networks = yaml_get(project->model, "networks"), *volumes = yaml_get(project->model, "volumes");
    *ret = (struct stack_spec){.name = arena_strdup(arena, project->name),
                               .working_dir = arena_strdup(arena, project->folder)};
    vec_foreach (file, &options->files)
        vec_push_in(arena, &ret->config_files, arena_strdup(arena, file->path));
    for (size_t i = 0; services && i < services->map.count; i++) {
        struct service_spec service = {0};
        spec_make_service(&maker, services->map.items[i].key, services->map.items[i].value, &service);
        vec_push_in(arena, &ret->services, service);
    }
    for (size_t i = 0; networks && i < networks->map.count; i++) {
        struct stack_network network = {0};
        make_network(&maker, &networks->map.items[i], &network);
        vec_push_in(arena, &ret->networks, network);
    }
    for (size_t i = 0; volumes && i < volumes->map.count; i++) {
        struct stack_volume volume = {0};
        make_volume(&maker, &volumes->map.items[i], &volume);
        vec_push_in(arena, &ret->volumes, volume);
    }
    return make_files(&maker, "configs", "config", &ret->configs) < 0
               ? -1
               : make_files(&maker, "secrets", "secret", &ret->secrets);
}
