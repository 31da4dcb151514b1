#include "compose/lengthen.h"

/* services.*.deploy (Compose Deploy Specification), and the requests for devices that gpus shares with it. */

static const struct shape order = {"start-first or stop-first", TAKES_TEXT,
                                   .words = (const char *const[]){"start-first", "stop-first", NULL},
                                   .type = TYPE_TEXT};

static const struct key update_keys[] = {
    {"parallelism", &shape_int, KEY_WHEN_GIVEN},
    {"delay", &shape_duration},
    {"failure_action", &shape_text},
    {"monitor", &shape_duration},
    {"max_failure_ratio", &shape_number},
    {"order", &order},
    {0},
};
static const struct shape update = {"a mapping", TAKES_MAP, .keys = update_keys, .type = TYPE_STRUCT};

static const struct shape count = {"a number or all", TAKES_TEXT | TAKES_INT, .type = TYPE_COUNT};
static const struct key device_request_keys[] = {
    {"capabilities", &shape_unique_texts, KEY_WHEN_SET, true},
    {"driver", &shape_text},
    {"count", &count, KEY_WHEN_GIVEN},
    {"device_ids", &shape_unique_texts},
    {"options", &shape_labels},
    {0},
};
static const struct shape device_request = {"a mapping with capabilities", TAKES_MAP, .keys = device_request_keys,
                                            .type = TYPE_STRUCT, .fill = fill_device_request};
static const struct shape device_requests = {"a list of device requests", TAKES_LIST, .items = &device_request,
                                             .type = TYPE_LIST};

static const struct key gpu_keys[] = {
    {"capabilities", &shape_unique_texts}, {"driver", &shape_text},    {"count", &count, KEY_WHEN_GIVEN},
    {"device_ids", &shape_unique_texts},   {"options", &shape_labels}, {0},
};
static const struct shape gpu = {"a mapping", TAKES_MAP, .keys = gpu_keys, .type = TYPE_STRUCT,
                                 .fill = fill_device_request};
const struct shape shape_gpus = {
    "all, or a list of device requests",         TAKES_LIST | TAKES_TEXT, .items = &gpu,
    .words = (const char *const[]){"all", NULL}, .type = TYPE_LIST,       .lengthen = lengthen_gpus};

static const struct key discrete_keys[] = {{"kind", &shape_text, KEY_ALWAYS}, {"value", &shape_int, KEY_ALWAYS}, {0}};
static const struct shape discrete = {"a mapping with kind and value", TAKES_MAP, .keys = discrete_keys,
                                      .type = TYPE_STRUCT};
static const struct key generic_keys[] = {{"discrete_resource_spec", &discrete, KEY_WHEN_GIVEN}, {0}};
static const struct shape generic = {"a mapping with discrete_resource_spec", TAKES_MAP, .keys = generic_keys,
                                     .type = TYPE_STRUCT};
static const struct shape generics = {"a list of resources", TAKES_LIST, .items = &generic, .type = TYPE_LIST};

static const struct shape memory = {"a size such as 64m", TAKES_TEXT, .type = TYPE_BYTES};
static const struct key limit_keys[] = {{"cpus", &shape_number}, {"memory", &memory}, {"pids", &shape_int}, {0}};
static const struct shape limits = {"a mapping", TAKES_MAP, .keys = limit_keys, .type = TYPE_STRUCT};
static const struct key reservation_keys[] = {
    {"cpus", &shape_number}, {"memory", &memory}, {"devices", &device_requests}, {"generic_resources", &generics}, {0},
};
static const struct shape reservations = {"a mapping", TAKES_MAP, .keys = reservation_keys, .type = TYPE_STRUCT};
static const struct key resource_keys[] = {
    {"limits", &limits, KEY_WHEN_GIVEN}, {"reservations", &reservations, KEY_WHEN_GIVEN}, {0}};
static const struct shape resources = {"a mapping with limits and reservations", TAKES_MAP, .keys = resource_keys,
                                       .type = TYPE_STRUCT};

static const struct key restart_keys[] = {
    {"condition", &shape_text},
    {"delay", &shape_duration, KEY_WHEN_GIVEN},
    {"max_attempts", &shape_int, KEY_WHEN_GIVEN},
    {"window", &shape_duration, KEY_WHEN_GIVEN},
    {0},
};
static const struct shape restart_policy = {"a mapping", TAKES_MAP, .keys = restart_keys, .type = TYPE_STRUCT};

static const struct key preference_keys[] = {{"spread", &shape_text}, {0}};
static const struct shape preference = {"a mapping with spread", TAKES_MAP, .keys = preference_keys,
                                        .type = TYPE_STRUCT};
static const struct shape preferences = {"a list of preferences", TAKES_LIST, .items = &preference, .type = TYPE_LIST};
static const struct key placement_keys[] = {
    {"constraints", &shape_text_list}, {"preferences", &preferences}, {"max_replicas_per_node", &shape_int}, {0}};
static const struct shape placement = {"a mapping", TAKES_MAP, .keys = placement_keys, .type = TYPE_STRUCT};

static const struct key deploy_keys[] = {
    {"mode", &shape_text},
    {"replicas", &shape_int, KEY_WHEN_GIVEN},
    {"labels", &shape_labels},
    {"update_config", &update, KEY_WHEN_GIVEN},
    {"rollback_config", &update, KEY_WHEN_GIVEN},
    {"resources", &resources, KEY_ALWAYS},
    {"restart_policy", &restart_policy, KEY_WHEN_GIVEN},
    {"placement", &placement, KEY_ALWAYS},
    {"endpoint_mode", &shape_text},
    {0},
};
const struct shape shape_deploy = {"a mapping", TAKES_MAP | TAKES_NULL, .keys = deploy_keys, .type = TYPE_STRUCT};
