#pragma once
/*
 * From the canonical model to the structs of spec/, by tables: which key goes where. Values of the model have their
 * canonical type, so nothing here can fail.
 */
#include "base/arena.h"
#include "codec/fields.h"
#include "codec/yaml_tree.h"

enum copy_kind {
    COPY_TEXT,           /* char * */
    COPY_BOOL,           /* bool */
    COPY_INT,            /* int */
    COPY_I64,            /* int64_t; sizes (text) too */
    COPY_OPT_BOOL,       /* struct opt_bool */
    COPY_OPT_I64,        /* struct opt_i64 */
    COPY_DOUBLE,         /* double */
    COPY_TEXTS,          /* struct strings */
    COPY_PAIRS,          /* struct pairs */
    COPY_PAIRS_AS_TEXTS, /* struct strings of KEY=VALUE; KEY alone where there is no value */
    COPY_DURATION,       /* int64_t, nanoseconds */
};

struct spec_copy {
    const char *key; /* NULL ends a table */
    enum copy_kind kind;
    size_t offset;
};

#define COPY(structure, member, name, type)                                                                            \
    {                                                                                                                  \
        .key = (name), .kind = COPY_##type, .offset = offsetof(structure, member)                                      \
    }

/* Copies what from has; what it has not stays as it is in *to. from may be NULL. */
void spec_copy(struct arena *arena, const struct spec_copy *table, const struct yaml *from, void *to);

/* One value each. Absent: NULL, 0, {0}. */
char *spec_text(struct arena *arena, const struct yaml *map, const char *key);
int64_t spec_number(const struct yaml *map, const char *key);
int64_t spec_duration(const struct yaml *map, const char *key);
void spec_texts(struct arena *arena, const struct yaml *list, struct strings *ret);
void spec_pairs(struct arena *arena, const struct yaml *map, struct pairs *ret);
