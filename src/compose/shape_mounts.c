#include "compose/lengthen.h"

/* What a service is given: volumes, devices, configs and secrets, ports. */

static const struct shape mode = {"a file mode such as 0440", TAKES_NUMBER | TAKES_TEXT, .type = TYPE_MODE};
static const struct key grant_keys[] = {
    {"source", &shape_text}, {"target", &shape_text},         {"uid", &shape_text},
    {"gid", &shape_text},    {"mode", &mode, KEY_WHEN_GIVEN}, {0},
};
#define GRANT                                                                                                          \
    "a name, or a mapping with source", TAKES_TEXT | TAKES_MAP, .keys = grant_keys, .type = TYPE_STRUCT,               \
                                                                .lengthen = lengthen_grant
static const struct shape grant = {GRANT};
static const struct shape secret_grant = {GRANT, .fill = fill_secret};
#define GRANTS "a list of names or mappings", TAKES_LIST, .type = TYPE_LIST
const struct shape shape_grants = {GRANTS, .items = &grant};
const struct shape shape_config_grants = {GRANTS, .items = &grant, .unique = UNIQUE_CONFIG};
const struct shape shape_secret_grants = {GRANTS, .items = &secret_grant, .unique = UNIQUE_SECRET};

static const struct shape recursive = {
    "enabled, disabled, writable or readonly", TAKES_TEXT,
    .words = (const char *const[]){"enabled", "disabled", "writable", "readonly", NULL}, .type = TYPE_TEXT};
static const struct shape selinux = {"z or Z", TAKES_TEXT, .words = (const char *const[]){"z", "Z", NULL},
                                     .type = TYPE_TEXT};
static const struct key bind_keys[] = {{"selinux", &selinux},
                                       {"propagation", &shape_text},
                                       {"create_host_path", &shape_bool},
                                       {"recursive", &recursive},
                                       {0}};
static const struct shape bind = {"a mapping", TAKES_MAP, .keys = bind_keys, .type = TYPE_STRUCT};
static const struct key volume_keys[] = {
    {"labels", &shape_labels}, {"nocopy", &shape_bool}, {"subpath", &shape_text}, {0}};
static const struct shape volume = {"a mapping", TAKES_MAP, .keys = volume_keys, .type = TYPE_STRUCT};
static const struct shape tmpfs_mode = {"a file mode such as 01777", TAKES_NUMBER | TAKES_TEXT, .type = TYPE_INT};
static const struct key tmpfs_keys[] = {{"size", &shape_bytes}, {"mode", &tmpfs_mode}, {0}};
static const struct shape tmpfs = {"a mapping", TAKES_MAP, .keys = tmpfs_keys, .type = TYPE_STRUCT};
static const struct key image_keys[] = {{"subpath", &shape_text}, {0}};
static const struct shape image = {"a mapping", TAKES_MAP, .keys = image_keys, .type = TYPE_STRUCT};
static const struct shape mount_type = {
    "bind, volume, tmpfs, cluster, npipe or image", TAKES_TEXT,
    .words = (const char *const[]){"bind", "volume", "tmpfs", "cluster", "npipe", "image", NULL}, .type = TYPE_TEXT};
static const struct key mount_keys[] = {
    {"type", &mount_type, KEY_WHEN_SET, true},
    {"source", &shape_text},
    {"target", &shape_text},
    {"read_only", &shape_bool},
    {"consistency", &shape_text},
    {"bind", &bind, KEY_WHEN_GIVEN},
    {"volume", &volume, KEY_WHEN_GIVEN},
    {"tmpfs", &tmpfs, KEY_WHEN_GIVEN},
    {"image", &image, KEY_WHEN_GIVEN},
    {0},
};
static const struct shape mount = {"[SOURCE:]TARGET[:OPTIONS], or a mapping with type",
                                   TAKES_TEXT | TAKES_MAP,
                                   .keys = mount_keys,
                                   .type = TYPE_STRUCT,
                                   .path = PATH_MOUNT,
                                   .lengthen = lengthen_volume};
const struct shape shape_mounts = {"a list of mounts", TAKES_LIST, .items = &mount, .type = TYPE_LIST,
                                   .unique = UNIQUE_VOLUME};

static const struct key device_keys[] = {
    {"source", &shape_text, KEY_WHEN_SET, true}, {"target", &shape_text}, {"permissions", &shape_text}, {0}};
static const struct shape device = {"HOST[:CONTAINER[:PERMISSIONS]], or a mapping with source", TAKES_TEXT | TAKES_MAP,
                                    .keys = device_keys, .type = TYPE_STRUCT, .lengthen = lengthen_device};
const struct shape shape_devices = {"a list of devices", TAKES_LIST, .items = &device, .type = TYPE_LIST,
                                    .unique = UNIQUE_DEVICE};

static const struct shape target = {"a port", TAKES_INT | TAKES_TEXT, .type = TYPE_INT, .min = 1, .max = 65535};
static const struct shape published = {"a port or a range of ports", TAKES_TEXT | TAKES_INT, .type = TYPE_TEXT};
static const struct key port_keys[] = {
    {"name", &shape_text},     {"mode", &shape_text},     {"host_ip", &shape_text},      {"target", &target},
    {"published", &published}, {"protocol", &shape_text}, {"app_protocol", &shape_text}, {0},
};
static const struct shape port = {"a port such as 8080:80, or a mapping with target",
                                  TAKES_TEXT | TAKES_NUMBER | TAKES_MAP, .keys = port_keys, .type = TYPE_STRUCT,
                                  .fill = fill_port};
const struct shape shape_ports = {"a list of ports",     TAKES_LIST,
                                  .items = &port,        .type = TYPE_LIST,
                                  .unique = UNIQUE_PORT, .lengthen = lengthen_ports};
