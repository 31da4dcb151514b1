#pragma once
/*
 * The Compose Specification as tables. A shape says of one place of a compose file what may stand there, and how each
 * stage of loading treats it: which short form it has (lengthen), how two files are merged there (merge, unique),
 * whether it is a path, and what the value is in the canonical model (type). Stages walk a tree and its shapes side by
 * side; what a shape does not describe, no stage touches.
 *
 * The keys of a mapping stand in the order in which Docker's tools print them.
 */
#include "base/arena.h"
#include "base/err.h"
#include "codec/yaml_tree.h"

/* What is taken in a file: a set of kinds. */
enum {
    TAKES_NULL = 1U << YAML_NULL,
    TAKES_BOOL = 1U << YAML_BOOL,
    TAKES_INT = 1U << YAML_INT,
    TAKES_NUMBER = 1U << YAML_INT | 1U << YAML_FLOAT,
    TAKES_TEXT = 1U << YAML_STRING,
    TAKES_LIST = 1U << YAML_LIST,
    TAKES_MAP = 1U << YAML_MAP,
    TAKES_SCALAR = TAKES_NULL | TAKES_BOOL | TAKES_NUMBER | TAKES_TEXT,
    TAKES_ANYTHING = TAKES_SCALAR | TAKES_LIST | TAKES_MAP,
};

/* What it is in the canonical model. */
enum shape_type {
    TYPE_ANY,      /* left alone */
    TYPE_TEXT,     /* numbers and booleans become text */
    TYPE_BOOL,     /* text becomes a boolean */
    TYPE_INT,      /* text becomes an integer */
    TYPE_FLOAT,    /* text becomes a number of single precision */
    TYPE_BYTES,    /* "64m" becomes "67108864" */
    TYPE_DURATION, /* "90s" becomes "1m30s" */
    TYPE_COUNT,    /* "all" becomes -1 */
    TYPE_MODE,     /* a file mode: text is read as octal, printed as "0440" */
    TYPE_STRUCT,   /* a mapping of keys */
    TYPE_NAMED,    /* a mapping from names to values */
    TYPE_LIST,     /* a list of items */
    TYPE_TEXTS,    /* one text, or a list of them: becomes a list */
    TYPE_COMMAND,  /* text is split as a shell would */
    TYPE_TEST,     /* a health check's command: text is for a shell */
    TYPE_PAIRS,    /* KEY=VALUE: a list becomes a mapping; KEY alone has null */
    TYPE_LABELS,   /* the same; KEY alone has "" */
    TYPE_LISTS,    /* a mapping from names to texts or lists of them: becomes lists */
    TYPE_HOSTS,    /* host=address */
    TYPE_ULIMIT,   /* a number, or soft and hard */
    TYPE_SSH,
    TYPE_ENV_FILE, /* the path alone, where nothing else is worth saying */
    TYPE_COUNT_,
};

/* How a second file's value meets the first's (Compose Specification, "Merge"). */
enum merge_rule {
    MERGE_BY_KIND,  /* mappings by key, lists are appended, the rest is replaced */
    MERGE_REPLACE,  /* the second wins */
    MERGE_SEQUENCE, /* both become lists of KEY=VALUE, and are appended */
    MERGE_HOSTS,    /* the same, without what is there already */
    MERGE_BUILD,    /* text is the context */
    MERGE_NAMES,    /* lists of names become mappings */
    MERGE_DEPENDS,  /* the same, with the default condition */
    MERGE_LOGGING,  /* options are those of a driver, and go with it */
    MERGE_IPAM,     /* by subnet */
};

/* What makes two items of a list one: the later takes the earlier's place. */
enum unique_rule {
    UNIQUE_NONE,
    UNIQUE_ITEMS, /* nothing does: the same item twice is an error */
    UNIQUE_KEY,   /* KEY of KEY=VALUE */
    UNIQUE_TEXT,
    UNIQUE_VOLUME, /* the target */
    UNIQUE_DEVICE, /* the target */
    UNIQUE_CONFIG, /* the target, by default /NAME */
    UNIQUE_SECRET, /* the target, by default /run/secrets/NAME */
    UNIQUE_PORT,   /* address, published port, target and protocol */
    UNIQUE_PATH,   /* an env_file's path */
};

/* Which text is a path of the file that it stands in. */
enum path_rule {
    PATH_NONE,
    PATH_FILE,    /* relative to the file's folder; ~ is the home folder; "" stays */
    PATH_SOURCE,  /* the same, but "" is the folder, and what looks absolute on Windows stays */
    PATH_CONTEXT, /* the same, but for URLs, image and service references */
    PATH_MOUNT,   /* the source of a mount of type bind */
    PATH_DRIVER,  /* the device of a local volume with o=bind */
};

enum key_rule {
    KEY_WHEN_SET,   /* printed unless it is null, "", 0, false or empty; if required, unless it is null */
    KEY_WHEN_GIVEN, /* printed unless it is null */
    KEY_ALWAYS,     /* printed always, an absent mapping as {} */
    KEY_NULL,       /* printed always, absent as null (in JSON) */
};

enum names_rule {
    NAMES_ANY,
    NAMES_RESOURCE, /* [a-zA-Z0-9._-]+ */
};

struct shape;
struct place;

/* What the stages share. */
struct walk {
    struct arena *arena;
    struct err *err;
    bool raw;     /* variables still stand in the text: what cannot be read stays as it is */
    size_t ports; /* made out of ranges so far; PORTS_MAX at most */
    void *data;   /* the stage's own */
    /* Told, with its place, of what is accepted but worth a word; may be NULL. */
    void (*warn)(void *data, const char *message);
    void *warn_data;
};

#define PORTS_MAX 200000U

/* One stage's work on one node, which it may replace. */
typedef int shape_step(struct walk *walk, const struct place *place, struct yaml **node);

struct key {
    const char *name;
    const struct shape *shape;
    enum key_rule rule;
    bool required;
};

struct shape {
    const char *expected; /* "a list of ports": what errors ask for */
    unsigned takes;
    const struct key *keys;         /* of a mapping; ends with {0} */
    const struct shape *values;     /* of a mapping with names of the user's choice (then without keys) */
    const struct shape *items;      /* of a list */
    const struct shape *x_shoal;    /* what our extension may hold here; NULL where it may not stand */
    const char *const *words;       /* the texts allowed, * in them is any text; NULL: any */
    bool (*fits)(const char *text); /* is a text allowed? NULL: all are */
    int64_t min, max;               /* of an integer, where not both 0 */
    enum names_rule names;
    enum shape_type type;
    enum merge_rule merge;
    enum unique_rule unique;
    enum path_rule path;
    bool closed; /* not even x- keys */
    shape_step *lengthen, *fill;
};

/* Where in the model a stage is: services.web.ports[2]. Built on the stack on the way down. */
struct place {
    const struct place *up;
    const char *key; /* NULL in a list */
    size_t index;
};

/* "services.web.ports[2]", "" for the whole file. */
const char *place_text(struct arena *arena, const struct place *place);

/* Fills err with "FILE:LINE:COLUMN: PLACE: message" (what is not known is left out); returns -1. */
int place_fail(const struct walk *walk, const struct place *place, const struct yaml *at, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* The same place and message, as a warning. */
void place_warn(const struct walk *walk, const struct place *place, const struct yaml *at, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* The shape under a key of a mapping; NULL where the table does not say. */
const struct shape *shape_under(const struct shape *shape, const char *key);

/* Calls step for every child of node that has a shape. */
typedef int shape_visit(struct walk *walk, const struct shape *shape, const struct place *place, struct yaml **node);
int shape_each(struct walk *walk, const struct shape *shape, const struct place *place, struct yaml *node,
               shape_visit *visit);

extern const struct shape shape_file;    /* a whole compose file */
extern const struct shape shape_service; /* one service */

/* Used by several tables. */
extern const struct shape shape_text, shape_text_or_number, shape_bool, shape_strict_bool, shape_int, shape_number,
    shape_bytes, shape_duration, shape_texts, shape_unique_texts, shape_text_list, shape_pairs, shape_labels,
    shape_options, shape_command, shape_hosts, shape_ulimits;
/* Parts of a service with tables of their own. */
extern const struct shape shape_build, shape_deploy, shape_develop, shape_hooks, shape_gpus, shape_grants,
    shape_config_grants, shape_secret_grants, shape_mounts, shape_devices, shape_ports;
