#include "compose/lengthen.h"

#include <ctype.h>
#include <string.h>

/* services.* (Compose Specification, "Services"), but for what has a table of its own. */

static const struct shape rate_bytes = {"a size such as 1mb", TAKES_INT | TAKES_TEXT, .type = TYPE_BYTES};
static const struct key rate_keys[] = {{"path", &shape_text, KEY_ALWAYS}, {"rate", &rate_bytes, KEY_ALWAYS}, {0}};
static const struct shape rate = {"a mapping with path and rate", TAKES_MAP, .keys = rate_keys, .type = TYPE_STRUCT,
                                  .closed = true};
static const struct shape rates = {"a list of limits", TAKES_LIST, .items = &rate, .type = TYPE_LIST};
static const struct key weight_keys[] = {{"path", &shape_text, KEY_ALWAYS}, {"weight", &shape_int, KEY_ALWAYS}, {0}};
static const struct shape weight = {"a mapping with path and weight", TAKES_MAP, .keys = weight_keys,
                                    .type = TYPE_STRUCT, .closed = true};
static const struct shape weights = {"a list of weights", TAKES_LIST, .items = &weight, .type = TYPE_LIST};
static const struct key blkio_keys[] = {
    {"weight", &shape_int},
    {"weight_device", &weights},
    {"device_read_bps", &rates},
    {"device_read_iops", &rates},
    {"device_write_bps", &rates},
    {"device_write_iops", &rates},
    {0},
};
static const struct shape blkio = {"a mapping", TAKES_MAP, .keys = blkio_keys, .type = TYPE_STRUCT, .closed = true};

static const struct shape cgroup = {"host or private", TAKES_TEXT,
                                    .words = (const char *const[]){"host", "private", NULL}, .type = TYPE_TEXT};
static const struct shape capabilities = {"a list of capabilities", TAKES_LIST, .items = &shape_text, .type = TYPE_LIST,
                                          .unique = UNIQUE_KEY};
/* As the specification's schema has it, [a-zA-Z0-9][a-zA-Z0-9_.-]+ anywhere in the text. */
static bool is_container_name(const char *text)
{
    for (; *text; text++) {
        if (isalnum((unsigned char)*text) && text[1] && (isalnum((unsigned char)text[1]) || strchr("_.-", text[1])))
            return true;
    }
    return false;
}

static const struct shape container_name = {"a name of at least two letters, digits, _, . and -", TAKES_TEXT,
                                            .fits = is_container_name, .type = TYPE_TEXT};
static const struct shape cpu_count = {"a whole number", TAKES_INT | TAKES_TEXT, .type = TYPE_INT, .max = INT32_MAX};
static const struct shape cpu_percent = {"a percentage", TAKES_INT | TAKES_TEXT, .type = TYPE_FLOAT, .max = 100};
static const struct shape cpu_number = {"a whole number", TAKES_NUMBER | TAKES_TEXT, .type = TYPE_INT};
static const struct shape oom_score_adj = {"a whole number", TAKES_INT | TAKES_TEXT, .type = TYPE_INT, .min = -1000,
                                           .max = 1000};

static const struct key credential_keys[] = {
    {"config", &shape_text}, {"file", &shape_text}, {"registry", &shape_text}, {0}};
static const struct shape credential_spec = {"a mapping", TAKES_MAP, .keys = credential_keys, .type = TYPE_STRUCT};

static const struct shape condition = {
    "service_started, service_healthy or service_completed_successfully", TAKES_TEXT,
    .words = (const char *const[]){"service_started", "service_healthy", "service_completed_successfully", NULL},
    .type = TYPE_TEXT};
static const struct key dependency_keys[] = {
    {"condition", &condition, KEY_WHEN_SET, true},
    {"restart", &shape_bool},
    {"required", &shape_strict_bool, KEY_ALWAYS},
    {0},
};
static const struct shape dependency = {"a mapping with condition", TAKES_MAP, .keys = dependency_keys,
                                        .type = TYPE_STRUCT};
static const struct shape depends_on = {"a list of services, or a mapping from services to conditions",
                                        TAKES_LIST | TAKES_MAP,
                                        .values = &dependency,
                                        .items = &shape_text,
                                        .names = NAMES_RESOURCE,
                                        .type = TYPE_NAMED,
                                        .merge = MERGE_DEPENDS,
                                        .unique = UNIQUE_ITEMS,
                                        .lengthen = lengthen_depends_on};

#define DNS_TEXTS TAKES_LIST | TAKES_TEXT, .items = &shape_text, .type = TYPE_TEXTS, .merge = MERGE_SEQUENCE
static const struct shape dns = {"an address or a list of addresses", DNS_TEXTS, .unique = UNIQUE_KEY,
                                 .lengthen = lengthen_texts};
static const struct shape dns_search = {"a domain or a list of domains", DNS_TEXTS, .unique = UNIQUE_KEY};
static const struct shape dns_opt = {"a list of options",     TAKES_LIST,
                                     .items = &shape_text,    .type = TYPE_LIST,
                                     .merge = MERGE_SEQUENCE, .unique = UNIQUE_KEY};
static const struct shape tmpfs = {"a path or a list of paths", DNS_TEXTS, .unique = UNIQUE_KEY};

static const struct shape provider_option = {"a text, a number, a boolean or a list of them",
                                             TAKES_TEXT | TAKES_NUMBER | TAKES_BOOL | TAKES_LIST};
static const struct shape provider_options = {"a mapping", TAKES_MAP, .values = &provider_option, .type = TYPE_LISTS};
static const struct key provider_keys[] = {
    {"type", &shape_text, KEY_WHEN_SET, true}, {"options", &provider_options}, {0}};
static const struct shape provider = {"a mapping with type", TAKES_MAP, .keys = provider_keys, .type = TYPE_STRUCT};

static const struct shape file_path = {"a path", TAKES_TEXT, .type = TYPE_TEXT, .path = PATH_FILE};
static const struct key env_file_keys[] = {
    {"path", &file_path, KEY_WHEN_SET, true}, {"required", &shape_bool, KEY_ALWAYS}, {"format", &shape_text}, {0}};
static const struct shape env_file = {"a path, or a mapping with path", TAKES_TEXT | TAKES_MAP, .keys = env_file_keys,
                                      .type = TYPE_ENV_FILE, .closed = true};
static const struct shape env_files = {"a path or a list of paths",
                                       TAKES_TEXT | TAKES_LIST,
                                       .items = &env_file,
                                       .type = TYPE_LIST,
                                       .merge = MERGE_SEQUENCE,
                                       .unique = UNIQUE_PATH,
                                       .lengthen = lengthen_env_files};
static const struct shape label_files = {"a path or a list of paths", TAKES_TEXT | TAKES_LIST,
                                         .items = &file_path,         .type = TYPE_TEXTS,
                                         .merge = MERGE_SEQUENCE,     .lengthen = lengthen_texts};

static const struct shape expose = {"a list of ports", TAKES_LIST, .items = &shape_text_or_number, .type = TYPE_LIST,
                                    .unique = UNIQUE_TEXT};
static const struct shape group_add = {"a list of groups", TAKES_LIST, .items = &shape_text_or_number,
                                       .type = TYPE_LIST, .unique = UNIQUE_ITEMS};
static const struct key extends_keys[] = {{"file", &file_path}, {"service", &shape_text, KEY_WHEN_SET, true}, {0}};
static const struct shape extends = {"a service, or a mapping with service",
                                     TAKES_TEXT | TAKES_MAP,
                                     .keys = extends_keys,
                                     .type = TYPE_STRUCT,
                                     .closed = true,
                                     .lengthen = lengthen_extends};

static const struct shape test = {"a text or a list of texts", TAKES_TEXT | TAKES_LIST, .items = &shape_text,
                                  .type = TYPE_TEST, .merge = MERGE_REPLACE};
static const struct shape retries = {"a whole number", TAKES_NUMBER | TAKES_TEXT, .type = TYPE_INT};
static const struct key healthcheck_keys[] = {
    {"test", &test},
    {"timeout", &shape_duration, KEY_WHEN_GIVEN},
    {"interval", &shape_duration, KEY_WHEN_GIVEN},
    {"retries", &retries, KEY_WHEN_GIVEN},
    {"start_period", &shape_duration, KEY_WHEN_GIVEN},
    {"start_interval", &shape_duration, KEY_WHEN_GIVEN},
    {"disable", &shape_bool},
    {0},
};
static const struct shape healthcheck = {"a mapping with test", TAKES_MAP, .keys = healthcheck_keys,
                                         .type = TYPE_STRUCT};

static const struct key logging_keys[] = {{"driver", &shape_text}, {"options", &shape_options}, {0}};
static const struct shape logging = {"a mapping with driver", TAKES_MAP, .keys = logging_keys, .type = TYPE_STRUCT,
                                     .merge = MERGE_LOGGING};

static const struct key model_keys[] = {{"endpoint_var", &shape_text}, {"model_var", &shape_text}, {0}};
static const struct shape model = {"a mapping or nothing", TAKES_MAP | TAKES_NULL, .keys = model_keys,
                                   .type = TYPE_STRUCT};
static const struct shape models = {"a list of models, or a mapping",
                                    TAKES_LIST | TAKES_MAP,
                                    .values = &model,
                                    .items = &shape_text,
                                    .type = TYPE_NAMED,
                                    .merge = MERGE_NAMES,
                                    .unique = UNIQUE_ITEMS,
                                    .lengthen = lengthen_names};

static const struct shape addresses = {"a list of texts", TAKES_LIST, .items = &shape_text, .type = TYPE_LIST,
                                       .unique = UNIQUE_KEY};
static const struct shape priority = {"a number", TAKES_NUMBER, .type = TYPE_INT};
static const struct key network_keys[] = {
    {"aliases", &addresses},        {"driver_opts", &shape_options},
    {"gw_priority", &priority},     {"interface_name", &shape_text},
    {"ipv4_address", &shape_text},  {"ipv6_address", &shape_text},
    {"link_local_ips", &addresses}, {"mac_address", &shape_text},
    {"priority", &priority},        {0},
};
static const struct shape network = {"a mapping or nothing", TAKES_MAP | TAKES_NULL, .keys = network_keys,
                                     .type = TYPE_STRUCT};
static const struct shape networks = {"a list of networks, or a mapping",
                                      TAKES_LIST | TAKES_MAP,
                                      .values = &network,
                                      .items = &shape_text,
                                      .names = NAMES_RESOURCE,
                                      .type = TYPE_NAMED,
                                      .merge = MERGE_NAMES,
                                      .unique = UNIQUE_ITEMS,
                                      .lengthen = lengthen_names};

static const struct shape links = {"a list of services", TAKES_LIST, .items = &shape_text, .type = TYPE_LIST,
                                   .unique = UNIQUE_KEY};
static const struct shape pid = {"a text", TAKES_TEXT | TAKES_NULL, .type = TYPE_TEXT};
static const struct shape pull_policy = {
    "always, never, missing, if_not_present, build, refresh, daily, weekly or every_DURATION", TAKES_TEXT,
    .words = (const char *const[]){"*always*", "*never*", "*build*", "*if_not_present*", "*missing*", "*refresh*",
                                   "*daily*", "*weekly*", "*every_?*", NULL},
    .type = TYPE_TEXT};
static const struct shape storage_opt = {"a mapping", TAKES_MAP, .type = TYPE_LABELS};
static const struct shape mem_swappiness = {"a whole number", TAKES_INT | TAKES_TEXT, .type = TYPE_BYTES};
static const struct shape profiles = {"a list of profiles", TAKES_LIST, .items = &shape_text, .type = TYPE_LIST,
                                      .unique = UNIQUE_KEY};

static const struct key x_shoal_keys[] = {{0}};
static const struct shape x_shoal = {"a mapping", TAKES_MAP, .keys = x_shoal_keys, .closed = true};

static const struct key service_keys[] = {
    {"profiles", &profiles},
    {"annotations", &shape_labels},
    {"attach", &shape_bool, KEY_WHEN_GIVEN},
    {"build", &shape_build, KEY_WHEN_GIVEN},
    {"develop", &shape_develop, KEY_WHEN_GIVEN},
    {"blkio_config", &blkio, KEY_WHEN_GIVEN},
    {"cap_add", &capabilities},
    {"cap_drop", &capabilities},
    {"cgroup_parent", &shape_text},
    {"cgroup", &cgroup},
    {"cpu_count", &cpu_count},
    {"cpu_percent", &cpu_percent},
    {"cpu_period", &cpu_number},
    {"cpu_quota", &cpu_number},
    {"cpu_rt_period", &cpu_number},
    {"cpu_rt_runtime", &cpu_number},
    {"cpus", &shape_number},
    {"cpuset", &shape_text},
    {"cpu_shares", &cpu_number},
    {"command", &shape_command, KEY_NULL},
    {"configs", &shape_config_grants},
    {"container_name", &container_name},
    {"credential_spec", &credential_spec, KEY_WHEN_GIVEN},
    {"depends_on", &depends_on},
    {"deploy", &shape_deploy, KEY_WHEN_GIVEN},
    {"device_cgroup_rules", &shape_unique_texts},
    {"devices", &shape_devices},
    {"dns", &dns},
    {"dns_opt", &dns_opt},
    {"dns_search", &dns_search},
    {"domainname", &shape_text},
    {"entrypoint", &shape_command, KEY_NULL},
    {"provider", &provider, KEY_WHEN_GIVEN},
    {"environment", &shape_pairs},
    {"env_file", &env_files},
    {"expose", &expose},
    {"extends", &extends, KEY_WHEN_GIVEN},
    {"external_links", &shape_unique_texts},
    {"extra_hosts", &shape_hosts},
    {"group_add", &group_add},
    {"gpus", &shape_gpus},
    {"hostname", &shape_text},
    {"healthcheck", &healthcheck, KEY_WHEN_GIVEN},
    {"image", &shape_text},
    {"init", &shape_bool, KEY_WHEN_GIVEN},
    {"ipc", &shape_text},
    {"isolation", &shape_text},
    {"labels", &shape_labels},
    {"label_file", &label_files},
    {"links", &links},
    {"logging", &logging, KEY_WHEN_GIVEN},
    {"mem_limit", &shape_bytes},
    {"mem_reservation", &shape_bytes},
    {"memswap_limit", &shape_bytes},
    {"mem_swappiness", &mem_swappiness},
    {"mac_address", &shape_text},
    {"models", &models},
    {"network_mode", &shape_text},
    {"networks", &networks},
    {"oom_kill_disable", &shape_bool},
    {"oom_score_adj", &oom_score_adj},
    {"pid", &pid},
    {"pids_limit", &cpu_number},
    {"platform", &shape_text},
    {"ports", &shape_ports},
    {"privileged", &shape_bool},
    {"pull_policy", &pull_policy},
    {"pull_refresh_after", &shape_text},
    {"read_only", &shape_bool},
    {"restart", &shape_text},
    {"runtime", &shape_text},
    {"scale", &shape_int, KEY_WHEN_GIVEN},
    {"secrets", &shape_secret_grants},
    {"security_opt", &shape_unique_texts},
    {"shm_size", &shape_bytes},
    {"stdin_open", &shape_bool},
    {"stop_grace_period", &shape_duration, KEY_WHEN_GIVEN},
    {"stop_signal", &shape_text},
    {"storage_opt", &storage_opt},
    {"sysctls", &shape_labels},
    {"tmpfs", &tmpfs},
    {"tty", &shape_bool},
    {"ulimits", &shape_ulimits},
    {"use_api_socket", &shape_strict_bool},
    {"user", &shape_text},
    {"userns_mode", &shape_text},
    {"uts", &shape_text},
    {"volumes", &shape_mounts},
    {"volumes_from", &shape_unique_texts},
    {"working_dir", &shape_text},
    {"post_start", &shape_hooks},
    {"pre_stop", &shape_hooks},
    {0},
};
const struct shape shape_service = {"a mapping", TAKES_MAP, .keys = service_keys, .x_shoal = &x_shoal,
                                    .type = TYPE_STRUCT};
