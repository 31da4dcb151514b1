#pragma once
/*
 * Field tables: a struct and its JSON form, described once.
 *
 *     static const struct field port_fields[] = {
 *         FIELD(struct port, host_ip, "HostIp", STRING),
 *         FIELD(struct port, container, "PrivatePort", INT, .flags = FIELD_ALWAYS),
 *         {0},
 *     };
 *     const struct fields port_table = {"port", sizeof(struct port), port_fields};
 *
 * Reading: into memory of an arena; a value of the wrong type is an error that names the path
 * ("HostConfig.Ulimits[2].Soft: expected a number, found a string"). null counts as absent. A key that the table does
 * not know is given to a callback, so that nobody drops one in silence. Writing: a field at its zero value is left out
 * unless FIELD_ALWAYS is set.
 */
#include "base/arena.h"
#include "base/err.h"
#include "base/vec.h"
#include "codec/json.h"

struct opt_bool {
    bool set, value;
};

struct opt_i64 {
    bool set;
    int64_t value;
};

/* A mapping from text to text, in the order given. */
struct pair {
    char *key, *value;
};

struct pairs {
    struct pair *items;
    size_t count, capacity;
};

/* The value of key, or NULL. */
const char *pairs_get(const struct pairs *pairs, const char *key);

enum field_type {
    FIELD_STRING,   /* char * */
    FIELD_BOOL,     /* bool */
    FIELD_INT,      /* int */
    FIELD_I64,      /* int64_t */
    FIELD_DOUBLE,   /* double */
    FIELD_OPT_BOOL, /* struct opt_bool */
    FIELD_OPT_I64,  /* struct opt_i64 */
    FIELD_ENUM,     /* int, index into names (NULL-terminated) */
    FIELD_STRINGS,  /* struct strings; [] gives items != NULL and count 0, null or absent gives items == NULL */
    FIELD_PAIRS,    /* struct pairs; an object of strings; null as a value is NULL */
    FIELD_SET,      /* struct strings; an object whose values are empty objects: {"80/tcp": {}} */
    FIELD_OBJECT,   /* a struct in place, described by of */
    FIELD_POINTER,  /* a pointer to such a struct, NULL where absent */
    FIELD_LIST,     /* VEC(struct) of such structs */
    FIELD_MAP,      /* VEC(struct) whose first member is char *key: {"key": {…}} */
    FIELD_VARIANT,  /* struct strings; a string or a list of strings is read; a list is written */
};

enum {
    FIELD_REQUIRED = 1, /* absent is an error; always written */
    FIELD_ALWAYS = 2, /* written even at its zero value ("" 0 false [] {}; null for a NULL pointer or absent strings) */
};

struct field {
    const char *name;
    enum field_type type;
    size_t offset;
    const struct fields *of;
    const char *const *names;
    unsigned flags;
};

struct fields {
    const char *noun; /* "container", for messages */
    size_t size;
    const struct field *list; /* ends with {0} */
    /* True where the JSON form is not an object but the value of list[0]: with FIELD_MAP, {"80/tcp": [ … ]}. */
    bool bare;
};

#define FIELD(structure, member, json_name, kind, ...)                                                                 \
    {                                                                                                                  \
        .name = (json_name), .type = FIELD_##kind, .offset = offsetof(structure, member), __VA_ARGS__                  \
    }

/* Called for each key that no table knows; path is the whole path. Negative (with *err filled) ends the reading. */
typedef int fields_unknown(void *data, const char *path, const json_value *value, struct err *err);

/* A fields_unknown that refuses: "unknown field: HostConfig.Foo". */
int fields_refuse(void *data, const char *path, const json_value *value, struct err *err);

/* Reads value into *out, which is zeroed first; what it points to lives in arena. path is the start of paths in
 * messages ("" for none). */
int fields_read(const struct fields *table, const json_value *value, struct arena *arena, void *out, const char *path,
                fields_unknown *unknown, void *unknown_data, struct err *err);

void fields_write(const struct fields *table, const void *in, struct json_out *out);
/* The members alone, into an object that is open. */
void fields_write_members(const struct fields *table, const void *in, struct json_out *out);

/* Text in and out at once: what a database row holds. */
int fields_read_text(const struct fields *table, const char *text, size_t size, struct arena *arena, void *out,
                     const char *what, struct err *err);
char *fields_to_text(const struct fields *table, const void *in, struct arena *arena);
