#include "compose/lengthen.h"

/* A whole compose file: services, networks, volumes, configs, secrets, models, include. */

static const struct shape external = {"true or false", TAKES_BOOL | TAKES_TEXT | TAKES_MAP, .type = TYPE_BOOL};
static const struct shape source_path = {"a path", TAKES_TEXT, .type = TYPE_TEXT, .path = PATH_SOURCE};

static const struct shape text_map = {"a mapping of texts", TAKES_MAP, .values = &shape_text, .type = TYPE_LABELS};
static const struct key pool_keys[] = {
    {"subnet", &shape_text}, {"gateway", &shape_text}, {"ip_range", &shape_text}, {"aux_addresses", &text_map}, {0}};
static const struct shape pool = {"a mapping with subnet", TAKES_MAP, .keys = pool_keys, .type = TYPE_STRUCT};
static const struct shape pools = {"a list of subnets", TAKES_LIST, .items = &pool, .type = TYPE_LIST,
                                   .merge = MERGE_IPAM};
static const struct key ipam_keys[] = {{"driver", &shape_text}, {"config", &pools}, {"options", &text_map}, {0}};
static const struct shape ipam = {"a mapping", TAKES_MAP, .keys = ipam_keys, .type = TYPE_STRUCT};

static const struct key network_keys[] = {
    {"name", &shape_text},
    {"driver", &shape_text},
    {"driver_opts", &shape_options},
    {"ipam", &ipam, KEY_ALWAYS},
    {"external", &external},
    {"internal", &shape_bool},
    {"attachable", &shape_bool},
    {"labels", &shape_labels},
    {"enable_ipv4", &shape_bool, KEY_WHEN_GIVEN},
    {"enable_ipv6", &shape_bool, KEY_WHEN_GIVEN},
    {0},
};
static const struct shape network = {"a mapping or nothing", TAKES_MAP | TAKES_NULL, .keys = network_keys,
                                     .type = TYPE_STRUCT, .lengthen = lengthen_external};

static const struct key volume_keys[] = {
    {"name", &shape_text},   {"driver", &shape_text},   {"driver_opts", &shape_options},
    {"external", &external}, {"labels", &shape_labels}, {0},
};
static const struct shape volume = {"a mapping or nothing", TAKES_MAP | TAKES_NULL, .keys = volume_keys,
                                    .type = TYPE_STRUCT,    .path = PATH_DRIVER,    .lengthen = lengthen_external};

static const struct key secret_keys[] = {
    {"name", &shape_text},           {"file", &source_path},           {"environment", &shape_text},
    {"external", &external},         {"labels", &shape_labels},        {"driver", &shape_text},
    {"driver_opts", &shape_options}, {"template_driver", &shape_text}, {0},
};
static const struct shape secret = {"a mapping with file or environment", TAKES_MAP, .keys = secret_keys,
                                    .type = TYPE_STRUCT, .lengthen = lengthen_external};

static const struct key config_keys[] = {
    {"name", &shape_text},   {"file", &source_path},    {"environment", &shape_text},     {"content", &shape_text},
    {"external", &external}, {"labels", &shape_labels}, {"template_driver", &shape_text}, {0},
};
static const struct shape config = {"a mapping with file, content or environment", TAKES_MAP, .keys = config_keys,
                                    .type = TYPE_STRUCT, .lengthen = lengthen_external};

static const struct key model_keys[] = {
    {"name", &shape_text},
    {"model", &shape_text, KEY_WHEN_SET, true},
    {"context_size", &shape_int},
    {"runtime_flags", &shape_text_list},
    {0},
};
static const struct shape model = {"a mapping with model", TAKES_MAP, .keys = model_keys, .type = TYPE_STRUCT};

static const struct key include_keys[] = {
    {"path", &shape_texts}, {"project_directory", &shape_text}, {"env_file", &shape_texts}, {0}};
static const struct shape include = {"a path, or a mapping with path", TAKES_TEXT | TAKES_MAP, .keys = include_keys,
                                     .closed = true};
static const struct shape includes = {"a list of files", TAKES_LIST, .items = &include};

#define NAMED(of)                                                                                                      \
    {                                                                                                                  \
        "a mapping from names", TAKES_MAP | TAKES_NULL, .values = &(of), .names = NAMES_RESOURCE, .type = TYPE_NAMED   \
    }
static const struct shape services = NAMED(shape_service);
static const struct shape networks = NAMED(network);
static const struct shape volumes = NAMED(volume);
static const struct shape secrets = NAMED(secret);
static const struct shape configs = NAMED(config);
static const struct shape models = NAMED(model);

static const struct key x_shoal_keys[] = {{0}};
static const struct shape x_shoal = {"a mapping", TAKES_MAP, .keys = x_shoal_keys, .closed = true};

static const struct key file_keys[] = {
    {"version", &shape_text}, {"include", &includes},
    {"name", &shape_text},    {"services", &services, KEY_ALWAYS},
    {"networks", &networks},  {"volumes", &volumes},
    {"secrets", &secrets},    {"configs", &configs},
    {"models", &models},      {0},
};
const struct shape shape_file = {"a mapping", TAKES_MAP, .keys = file_keys, .x_shoal = &x_shoal, .type = TYPE_STRUCT};
