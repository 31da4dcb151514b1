#include "image/config.h"

#include "base/clock.h"
#include "base/str.h"

#include <stdio.h>

static const struct field run_fields[] = {
    FIELD(struct image_run_config, hostname, "Hostname", STRING),
    FIELD(struct image_run_config, domainname, "Domainname", STRING),
    FIELD(struct image_run_config, user, "User", STRING),
    FIELD(struct image_run_config, exposed_ports, "ExposedPorts", SET),
    FIELD(struct image_run_config, env, "Env", STRINGS),
    FIELD(struct image_run_config, entrypoint, "Entrypoint", VARIANT),
    FIELD(struct image_run_config, cmd, "Cmd", VARIANT),
    FIELD(struct image_run_config, volumes, "Volumes", SET),
    FIELD(struct image_run_config, working_dir, "WorkingDir", STRING),
    FIELD(struct image_run_config, labels, "Labels", PAIRS),
    FIELD(struct image_run_config, stop_signal, "StopSignal", STRING),
    FIELD(struct image_run_config, health_check, "Healthcheck", POINTER, .of = &health_check_table),
    FIELD(struct image_run_config, on_build, "OnBuild", STRINGS),
    FIELD(struct image_run_config, shell, "Shell", STRINGS),
    FIELD(struct image_run_config, image, "Image", STRING),
    FIELD(struct image_run_config, args_escaped, "ArgsEscaped", BOOL),
    {0},
};
const struct fields image_run_config_table = {"image configuration", sizeof(struct image_run_config), run_fields};

static const struct field history_fields[] = {
    FIELD(struct image_history, created, "created", STRING),
    FIELD(struct image_history, created_by, "created_by", STRING),
    FIELD(struct image_history, author, "author", STRING),
    FIELD(struct image_history, comment, "comment", STRING),
    FIELD(struct image_history, empty_layer, "empty_layer", BOOL),
    {0},
};
static const struct fields image_history_table = {"history entry", sizeof(struct image_history), history_fields};

static const struct field rootfs_fields[] = {
    FIELD(struct image_rootfs, type, "type", STRING),
    FIELD(struct image_rootfs, diff_ids, "diff_ids", STRINGS),
    {0},
};
static const struct fields rootfs_table = {"rootfs", sizeof(struct image_rootfs), rootfs_fields};

static const struct field config_fields[] = {
    FIELD(struct image_config, architecture, "architecture", STRING),
    FIELD(struct image_config, variant, "variant", STRING),
    FIELD(struct image_config, os, "os", STRING),
    FIELD(struct image_config, os_version, "os.version", STRING),
    FIELD(struct image_config, created, "created", STRING),
    FIELD(struct image_config, author, "author", STRING),
    FIELD(struct image_config, comment, "comment", STRING),
    FIELD(struct image_config, docker_version, "docker_version", STRING),
    FIELD(struct image_config, parent, "parent", STRING),
    FIELD(struct image_config, run, "config", OBJECT, .of = &image_run_config_table),
    FIELD(struct image_config, rootfs, "rootfs", OBJECT, .of = &rootfs_table),
    FIELD(struct image_config, history, "history", LIST, .of = &image_history_table),
    {0},
};
const struct fields image_config_table = {"image configuration", sizeof(struct image_config), config_fields};

static int check(const struct image_config *config, const char *what, struct err *err)
{
    const struct strings *diff_ids = &config->rootfs.diff_ids;
    if (!config->rootfs.type || !str_eq(config->rootfs.type, "layers"))
        return err_set(err, ERR_INVALID, "%s: rootfs.type: expected \"layers\", found %s", what,
                       config->rootfs.type ? config->rootfs.type : "nothing: this is no image configuration");
    if (diff_ids->count > IMAGE_LAYERS_MAX)
        return err_set(err, ERR_LIMIT, "%s: %zu layers, %d at most", what, diff_ids->count, IMAGE_LAYERS_MAX);
    for (size_t i = 0; i < diff_ids->count; i++)
        if (!digest_is_valid(diff_ids->items[i]))
            return err_set(err, ERR_INVALID, "%s: rootfs.diff_ids[%zu]: expected a digest, found \"%.100s\"", what, i,
                           diff_ids->items[i] ? diff_ids->items[i] : "null");
    return 0;
}

int image_config_read(const char *text, size_t size, struct arena *arena, struct image_config *ret, const char *what,
                      struct err *err)
{
    if (size > IMAGE_CONFIG_MAX)
        return err_set(err, ERR_LIMIT, "%s: more than %zu bytes", what, IMAGE_CONFIG_MAX);
    json_value *value cleanup(json_freep) = json_parse(text, size, what, err);
    if (!value)
        return -1;
    if (fields_read(&image_config_table, value, arena, ret, "", NULL, NULL, err) < 0)
        return err_wrap(err, "%s", what);
    return check(ret, what, err);
}

int64_t image_config_created_ns(const struct image_config *config)
{
    int64_t ns = 0;
    return config->created && clock_parse(config->created, &ns) ? ns : 0;
}

void image_config_platform(const struct image_config *config, struct platform *ret)
{
    platform_set(ret, config->os, config->architecture, config->variant);
}

void image_chain_id(const char *parent, const char *diff_id, char ret[DIGEST_SIZE])
{
    char text[2 * DIGEST_SIZE];
    if (!*parent) {
        (void)snprintf(ret, DIGEST_SIZE, "%s", diff_id);
        return;
    }
    int n = snprintf(text, sizeof(text), "%s %s", parent, diff_id);
    digest_of(text, (size_t)n, ret);
}
