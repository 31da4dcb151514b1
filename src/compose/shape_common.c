#include "compose/shape.h"

/* The shapes that several tables use. */

#define TAKES_FLAG  (TAKES_BOOL | TAKES_TEXT)
#define TAKES_PAIRS (TAKES_MAP | TAKES_LIST)

const struct shape shape_text = {"a text", TAKES_TEXT, .type = TYPE_TEXT};
const struct shape shape_text_or_number = {"a text or a number", TAKES_TEXT | TAKES_NUMBER, .type = TYPE_TEXT};
const struct shape shape_bool = {"true or false", TAKES_FLAG, .type = TYPE_BOOL};
const struct shape shape_strict_bool = {"true or false", TAKES_BOOL, .type = TYPE_BOOL};
const struct shape shape_int = {"a whole number", TAKES_INT | TAKES_TEXT, .type = TYPE_INT};
const struct shape shape_number = {"a number", TAKES_NUMBER | TAKES_TEXT, .type = TYPE_FLOAT};
const struct shape shape_bytes = {"a size such as 64m", TAKES_NUMBER | TAKES_TEXT, .type = TYPE_BYTES};
const struct shape shape_duration = {"a duration such as 1m30s", TAKES_TEXT, .type = TYPE_DURATION};

const struct shape shape_text_list = {"a list of texts", TAKES_LIST, .items = &shape_text, .type = TYPE_LIST};
const struct shape shape_unique_texts = {"a list of texts", TAKES_LIST, .items = &shape_text, .type = TYPE_LIST,
                                         .unique = UNIQUE_ITEMS};
const struct shape shape_texts = {"a text or a list of texts", TAKES_LIST | TAKES_TEXT, .items = &shape_text,
                                  .type = TYPE_TEXTS};

static const struct shape pair_value = {"a text, a number, a boolean or nothing", TAKES_SCALAR};
static const struct shape option_value = {"a text, a number or nothing", TAKES_TEXT | TAKES_NUMBER | TAKES_NULL};

#define PAIRS                                                                                                          \
    "a mapping or a list of KEY=VALUE", TAKES_PAIRS, .values = &pair_value, .items = &shape_text,                      \
                                                     .merge = MERGE_SEQUENCE, .unique = UNIQUE_KEY

const struct shape shape_pairs = {PAIRS, .type = TYPE_PAIRS};
const struct shape shape_labels = {PAIRS, .type = TYPE_LABELS};
const struct shape shape_options = {"a mapping of texts and numbers", TAKES_MAP, .values = &option_value,
                                    .type = TYPE_LABELS};

const struct shape shape_command = {"a text or a list of texts", TAKES_NULL | TAKES_TEXT | TAKES_LIST,
                                    .items = &shape_text, .type = TYPE_COMMAND, .merge = MERGE_REPLACE};

static const struct shape host_addresses = {"an address or a list of addresses", TAKES_TEXT | TAKES_LIST | TAKES_NULL,
                                            .items = &shape_text};
const struct shape shape_hosts = {"a mapping or a list of HOST=ADDRESS",
                                  TAKES_PAIRS,
                                  .values = &host_addresses,
                                  .items = &shape_text,
                                  .type = TYPE_HOSTS,
                                  .merge = MERGE_HOSTS,
                                  .unique = UNIQUE_ITEMS};

static const struct key ulimit_keys[] = {
    {"soft", &shape_int, KEY_WHEN_SET, true}, {"hard", &shape_int, KEY_WHEN_SET, true}, {0}};
static const struct shape ulimit = {"a number, or a mapping with soft and hard", TAKES_INT | TAKES_TEXT | TAKES_MAP,
                                    .keys = ulimit_keys, .type = TYPE_ULIMIT, .merge = MERGE_REPLACE};
const struct shape shape_ulimits = {"a mapping of limits", TAKES_MAP, .values = &ulimit, .type = TYPE_NAMED};

static const struct key hook_keys[] = {
    {"command", &shape_command, KEY_NULL, true},
    {"user", &shape_text},
    {"privileged", &shape_bool},
    {"working_dir", &shape_text},
    {"environment", &shape_pairs},
    {0},
};
static const struct shape hook = {"a mapping with command", TAKES_MAP, .keys = hook_keys, .type = TYPE_STRUCT};
const struct shape shape_hooks = {"a list of hooks", TAKES_LIST, .items = &hook, .type = TYPE_LIST};

static const struct shape watch_path = {"a path", TAKES_TEXT, .type = TYPE_TEXT, .path = PATH_FILE};
static const struct shape watch_action = {
    "rebuild, sync, restart, sync+restart or sync+exec", TAKES_TEXT,
    .words = (const char *const[]){"rebuild", "sync", "restart", "sync+restart", "sync+exec", NULL}, .type = TYPE_TEXT};
static const struct key watch_keys[] = {
    {"path", &watch_path, KEY_ALWAYS, true},
    {"action", &watch_action, KEY_ALWAYS, true},
    {"target", &shape_text},
    {"exec", &hook, KEY_WHEN_GIVEN},
    {"include", &shape_texts},
    {"ignore", &shape_texts},
    {"initial_sync", &shape_strict_bool},
    {0},
};
static const struct shape watch = {"a mapping with path and action", TAKES_MAP, .keys = watch_keys,
                                   .type = TYPE_STRUCT};
static const struct shape watches = {"a list of rules", TAKES_LIST, .items = &watch, .type = TYPE_LIST};
static const struct key develop_keys[] = {{"watch", &watches}, {0}};
const struct shape shape_develop = {"a mapping with watch", TAKES_MAP | TAKES_NULL, .keys = develop_keys,
                                    .type = TYPE_STRUCT};
