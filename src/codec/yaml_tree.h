#pragma once
/*
 * YAML as a tree of values that know where they stood. Text comes in through libyaml's events; what the events mean is
 * decided here:
 *
 * - scalars follow the core schema of YAML 1.2 (yes, no, on and off are text), with the two extensions that compose
 * files in the wild rely on: a leading 0 makes an integer octal, and _ may separate digits;
 * - anchors, aliases and merge keys (`<<`) are resolved; an alias is a copy of what it stands for, so a tree is a tree;
 * - a key that stands twice in one mapping, a key that is not text and a tag of an unknown kind are errors;
 * - !reset and !override, the two tags of the Compose Specification (section Merge), are kept on the node for whoever
 * merges.
 *
 * Everything is bounded: YAML_BYTES_MAX of text, YAML_NODES_MAX nodes after the aliases were resolved (a billion laughs
 * ends there), YAML_DEPTH_MAX levels. Errors read "FILE:LINE:COLUMN: …".
 *
 * Nodes live in the arena given and are changed in place. All functions that take a node accept NULL as "absent".
 */
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "codec/json.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define YAML_BYTES_MAX (4U << 20)
#define YAML_NODES_MAX 200000U
#define YAML_DEPTH_MAX 128U

enum yaml_kind { YAML_NULL, YAML_BOOL, YAML_INT, YAML_FLOAT, YAML_STRING, YAML_LIST, YAML_MAP };
enum yaml_mark { YAML_UNMARKED, YAML_RESET, YAML_OVERRIDE };

struct yaml;

/* A value may be replaced in place; keys come and go by the functions below. */
struct yaml_pair {
    const char *key;
    struct yaml *value;
    unsigned line, column; /* of the key */
};

struct yaml {
    enum yaml_kind kind;
    enum yaml_mark mark;
    unsigned line, column; /* from 1; 0 where no text stands behind it */
    const char *file;      /* as yaml_parse() was given it; NULL where no text stands behind it */
    union {
        bool boolean;
        int64_t integer;
        double number;
        const char *string; /* UTF-8, without NUL */
        struct {
            struct yaml **items;
            size_t count, capacity;
        } list;
        struct {
            struct yaml_pair *items; /* in the order of the text; keys differ from each other */
            size_t count, capacity;
            uint32_t *index; /* of large mappings, for yaml_get(): hashed keys; NULL: none */
            size_t index_size;
        } map;
    };
};

struct yaml_documents {
    struct yaml **items;
    size_t count, capacity;
};

/* Reads all documents of a text (none where it is empty). file names it in errors and nodes; it must live as long as
 * the arena. */
int yaml_parse(struct arena *arena, const char *text, size_t size, const char *file, struct yaml_documents *ret,
               struct err *err);

/* What a plain scalar means (codec/yaml_scalar.c): fills kind and value of *ret. */
void yaml_resolve_plain(const char *text, struct yaml *ret);

/* Building. `at` gives the new node its place in a text, and may be NULL. Strings are copied into the arena. */
struct yaml *yaml_new(struct arena *arena, enum yaml_kind kind, const struct yaml *at);
struct yaml *yaml_new_string(struct arena *arena, const char *text, const struct yaml *at);
struct yaml *yaml_new_bool(struct arena *arena, bool value, const struct yaml *at);
struct yaml *yaml_new_int(struct arena *arena, int64_t value, const struct yaml *at);
struct yaml *yaml_clone(struct arena *arena, const struct yaml *node);

/* Mappings: NULL where node is none or the key is absent. yaml_set() replaces or appends, and returns value. */
struct yaml *yaml_get(const struct yaml *node, const char *key);
struct yaml *yaml_set(struct arena *arena, struct yaml *map, const char *key, struct yaml *value);
void yaml_remove(struct yaml *map, const char *key);
/* Removes the pairs that keep() says no to. Harmless on what is no mapping. */
typedef bool yaml_keep(void *data, const struct yaml_pair *pair);
void yaml_filter(struct yaml *map, yaml_keep *keep, void *data);
/* The pair itself, or NULL: until the mapping changes. */
struct yaml_pair *yaml_find(const struct yaml *map, const char *key);
/* Appends a pair whose key is known not to be there. */
void yaml_append(struct arena *arena, struct yaml *map, struct yaml_pair pair);
/* Sorts the pairs by key (bytewise); only this mapping, not those in it. */
void yaml_sort(struct yaml *map);
void yaml_push(struct arena *arena, struct yaml *list, struct yaml *item);

static inline bool yaml_is(const struct yaml *node, enum yaml_kind kind)
{
    return node && node->kind == kind;
}

static inline bool yaml_is_scalar(const struct yaml *node)
{
    return node && node->kind != YAML_LIST && node->kind != YAML_MAP;
}

/* The text of a string node; NULL where it is something else. */
const char *yaml_string(const struct yaml *node);
/* A mapping's string, or NULL. */
const char *yaml_get_string(const struct yaml *map, const char *key);
/* A mapping's boolean; false where absent or something else. */
bool yaml_get_bool(const struct yaml *map, const char *key);

/*
 * A scalar as text, as Docker's tools write it where text is wanted: null is "", 1.50 is 1.5, 1000000.0 is 1e+06. NULL
 * for lists and mappings.
 */
const char *yaml_text(struct arena *arena, const struct yaml *node);
/* The shortest decimal that reads back as the same number; above max_exponent (and below -4) in scientific notation. */
void yaml_format_number(double number, int max_exponent, char text[40]);

/* Equal in kind and value; the order of a mapping's keys does not matter. */
bool yaml_equal(const struct yaml *a, const struct yaml *b);

/* "a mapping", "a list", "text" …: for errors. */
const char *yaml_kind_name(enum yaml_kind kind);

/* Writes block style with an indentation of two, such that yaml_parse() reads the same tree. */
void yaml_print(struct buf *out, const struct yaml *node);
/* The same tree as JSON, keys in their order. */
void yaml_write_json(const struct yaml *node, struct json_out *out);
