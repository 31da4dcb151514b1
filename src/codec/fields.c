#include "codec/fields.h"

#include "base/str.h"

#include <stdio.h>
#include <strings.h>

#define PATH_SIZE 512
#define TEXT_MAX  ((size_t)64 << 20)

/* VEC(T) without its T. */
struct any_vec {
    char *items;
    size_t count, capacity;
};

struct reader {
    struct arena *arena;
    fields_unknown *unknown;
    void *unknown_data;
    struct err *err;
};

const char *pairs_get(const struct pairs *pairs, const char *key)
{
    vec_foreach (pair, pairs)
        if (str_eq(pair->key, key))
            return pair->value;
    return NULL;
}

int fields_refuse(void *data, const char *path, const json_value *value, struct err *err)
{
    return err_set(err, ERR_INVALID, "unknown field: %s", path);
}

/* --- Reading */

static int read_object(struct reader *r, const struct fields *table, const json_value *value, const char *path,
                       void *out);

static void join_path(char joined[PATH_SIZE], const char *path, const char *name)
{
    (void)snprintf(joined, PATH_SIZE, "%s%s%s", path, *path ? "." : "", name);
}

static int wrong_type(struct reader *r, const char *path, const char *expected, const json_value *value)
{
    return err_set(r->err, ERR_INVALID, "%s: expected %s, found %s", *path ? path : "the document", expected,
                   json_type_name(json_type_of(value)));
}

static int read_string(struct reader *r, const json_value *value, const char *path, char **out)
{
    if (json_type_of(value) != JSON_TYPE_STRING)
        return wrong_type(r, path, "a string", value);
    *out = arena_strdup(r->arena, json_as_text(value));
    return 0;
}

static int read_bool(struct reader *r, const json_value *value, const char *path, bool *out)
{
    if (json_type_of(value) != JSON_TYPE_BOOL)
        return wrong_type(r, path, "true or false", value);
    *out = json_as_bool(value, false);
    return 0;
}

static int read_i64(struct reader *r, const json_value *value, const char *path, int64_t *out)
{
    *out = json_as_int(value, 0);
    if (*out != json_as_int(value, 1)) /* the default came back: no whole number */
        return wrong_type(r, path, "a whole number", value);
    return 0;
}

static int read_int(struct reader *r, const json_value *value, const char *path, int *out)
{
    int64_t wide = 0;
    if (read_i64(r, value, path, &wide) < 0)
        return -1;
    if (wide < INT32_MIN || wide > INT32_MAX)
        return err_set(r->err, ERR_INVALID, "%s: %lld is out of range", path, (long long)wide);
    *out = (int)wide;
    return 0;
}

static int read_double(struct reader *r, const json_value *value, const char *path, double *out)
{
    enum json_type type = json_type_of(value);
    if (type != JSON_TYPE_INT && type != JSON_TYPE_DOUBLE)
        return wrong_type(r, path, "a number", value);
    *out = json_as_double(value, 0);
    return 0;
}

static int read_enum(struct reader *r, const struct field *field, const json_value *value, const char *path, int *out)
{
    if (json_type_of(value) != JSON_TYPE_STRING)
        return wrong_type(r, path, "a string", value);
    const char *text = json_as_text(value);
    for (int i = 0; field->names[i]; i++)
        if (str_eq(field->names[i], text)) {
            *out = i;
            return 0;
        }
    char expected[200] = "";
    for (int i = 0; field->names[i]; i++)
        (void)snprintf(expected + strlen(expected), sizeof(expected) - strlen(expected), "%s%s", i ? ", " : "",
                       field->names[i]);
    return err_set(r->err, ERR_INVALID, "%s: expected one of %s; found '%s'", path, expected, text);
}

static int read_strings(struct reader *r, const json_value *value, const char *path, struct strings *out)
{
    if (json_type_of(value) != JSON_TYPE_ARRAY)
        return wrong_type(r, path, "a list of strings", value);
    size_t n = json_count(value);
    *out = (struct strings){.items = arena_alloc_array(r->arena, n + 1, sizeof(*out->items)), .capacity = n + 1};
    for (; out->count < n; out->count++) {
        char item[PATH_SIZE];
        (void)snprintf(item, sizeof(item), "%s[%zu]", path, out->count);
        if (read_string(r, json_at(value, out->count), item, &out->items[out->count]) < 0)
            return -1;
    }
    return 0;
}

static int read_variant(struct reader *r, const json_value *value, const char *path, struct strings *out)
{
    if (json_type_of(value) != JSON_TYPE_STRING)
        return read_strings(r, value, path, out);
    *out = (struct strings){0};
    vec_push_in(r->arena, out, arena_strdup(r->arena, json_as_text(value)));
    return 0;
}

static int read_pairs(struct reader *r, const json_value *value, const char *path, struct pairs *out)
{
    if (json_type_of(value) != JSON_TYPE_OBJECT)
        return wrong_type(r, path, "an object of strings", value);
    *out = (struct pairs){0};
    for (void *i = json_first(value); i; i = json_next(value, i)) {
        struct pair pair = {.key = arena_strdup(r->arena, json_iter_key(i))};
        char item[PATH_SIZE];
        join_path(item, path, pair.key);
        const json_value *text = json_iter_value(i);
        if (json_type_of(text) != JSON_TYPE_NULL && read_string(r, text, item, &pair.value) < 0)
            return -1;
        vec_push_in(r->arena, out, pair);
    }
    return 0;
}

static int read_set(struct reader *r, const json_value *value, const char *path, struct strings *out)
{
    if (json_type_of(value) != JSON_TYPE_OBJECT)
        return wrong_type(r, path, "an object", value);
    *out = (struct strings){0};
    for (void *i = json_first(value); i; i = json_next(value, i))
        vec_push_in(r->arena, out, arena_strdup(r->arena, json_iter_key(i)));
    return 0;
}

static int read_pointer(struct reader *r, const struct fields *table, const json_value *value, const char *path,
                        void **out)
{
    void *object = arena_alloc(r->arena, table->size);
    if (read_object(r, table, value, path, object) < 0)
        return -1;
    *out = object;
    return 0;
}

/* Afresh: a key may come twice, in another case, and the last one counts. */
static void alloc_items(struct reader *r, const struct fields *table, size_t capacity, struct any_vec *out)
{
    *out = (struct any_vec){.items = arena_alloc_array(r->arena, capacity, table->size), .capacity = capacity};
}

static int read_list(struct reader *r, const struct fields *table, const json_value *value, const char *path,
                     struct any_vec *out)
{
    if (json_type_of(value) != JSON_TYPE_ARRAY)
        return wrong_type(r, path, "a list", value);
    alloc_items(r, table, json_count(value), out);
    for (; out->count < out->capacity; out->count++) {
        char item[PATH_SIZE];
        (void)snprintf(item, sizeof(item), "%s[%zu]", path, out->count);
        if (read_object(r, table, json_at(value, out->count), item, out->items + out->count * table->size) < 0)
            return -1;
    }
    return 0;
}

static int read_map(struct reader *r, const struct fields *table, const json_value *value, const char *path,
                    struct any_vec *out)
{
    if (json_type_of(value) != JSON_TYPE_OBJECT)
        return wrong_type(r, path, "an object", value);
    alloc_items(r, table, json_count(value), out);
    for (void *i = json_first(value); i; i = json_next(value, i)) {
        char *item = out->items + out->count++ * table->size, item_path[PATH_SIZE];
        join_path(item_path, path, json_iter_key(i));
        const json_value *member = json_iter_value(i);
        if (json_type_of(member) != JSON_TYPE_NULL && read_object(r, table, member, item_path, item) < 0)
            return -1;
        *(char **)item = arena_strdup(r->arena, json_iter_key(i));
    }
    return 0;
}

static int read_field(struct reader *r, const struct field *field, const json_value *value, const char *path, void *out)
{
    switch (field->type) {
    case FIELD_STRING:
        return read_string(r, value, path, out);
    case FIELD_BOOL:
        return read_bool(r, value, path, out);
    case FIELD_INT:
        return read_int(r, value, path, out);
    case FIELD_I64:
        return read_i64(r, value, path, out);
    case FIELD_DOUBLE:
        return read_double(r, value, path, out);
    case FIELD_OPT_BOOL:
        ((struct opt_bool *)out)->set = true;
        return read_bool(r, value, path, &((struct opt_bool *)out)->value);
    case FIELD_OPT_I64:
        ((struct opt_i64 *)out)->set = true;
        return read_i64(r, value, path, &((struct opt_i64 *)out)->value);
    case FIELD_ENUM:
        return read_enum(r, field, value, path, out);
    case FIELD_STRINGS:
        return read_strings(r, value, path, out);
    case FIELD_VARIANT:
        return read_variant(r, value, path, out);
    case FIELD_PAIRS:
        return read_pairs(r, value, path, out);
    case FIELD_SET:
        return read_set(r, value, path, out);
    case FIELD_OBJECT:
        return read_object(r, field->of, value, path, out);
    case FIELD_POINTER:
        return read_pointer(r, field->of, value, path, out);
    case FIELD_LIST:
        return read_list(r, field->of, value, path, out);
    case FIELD_MAP:
        return read_map(r, field->of, value, path, out);
    }
    return err_set(r->err, ERR_INTERNAL, "%s: a field of no type", path);
}

/* Go's decoder, which every client of the Docker API was written against, does not mind the case of keys. */
static const struct field *find_field(const struct fields *table, const char *name)
{
    for (const struct field *field = table->list; field->name; field++)
        if (strcasecmp(field->name, name) == 0)
            return field;
    return NULL;
}

static int check_required(struct reader *r, const struct fields *table, const json_value *value, const char *path)
{
    for (const struct field *field = table->list; field->name; field++)
        if ((field->flags & FIELD_REQUIRED) && json_type_of(json_get(value, field->name)) == JSON_TYPE_NULL)
            return err_set(r->err, ERR_INVALID, "%s%s%s is missing", path, *path ? "." : "", field->name);
    return 0;
}

static int read_object(struct reader *r, const struct fields *table, const json_value *value, const char *path,
                       void *out)
{
    if (table->bare)
        return read_field(r, table->list, value, path, (char *)out + table->list->offset);
    if (json_type_of(value) != JSON_TYPE_OBJECT)
        return wrong_type(r, path, "an object", value);
    for (void *i = json_first(value); i; i = json_next(value, i)) {
        char item[PATH_SIZE];
        join_path(item, path, json_iter_key(i));
        const json_value *member = json_iter_value(i);
        const struct field *field = find_field(table, json_iter_key(i));
        if (!field) {
            if (r->unknown && r->unknown(r->unknown_data, item, member, r->err) < 0)
                return -1;
        } else if (json_type_of(member) != JSON_TYPE_NULL &&
                   read_field(r, field, member, item, (char *)out + field->offset) < 0) {
            return -1;
        }
    }
    return check_required(r, table, value, path);
}

int fields_read(const struct fields *table, const json_value *value, struct arena *arena, void *out, const char *path,
                fields_unknown *unknown, void *unknown_data, struct err *err)
{
    struct reader r = {arena, unknown, unknown_data, err};
    memset(out, 0, table->size);
    return read_object(&r, table, value, path, out);
}

int fields_read_text(const struct fields *table, const char *text, size_t size, struct arena *arena, void *out,
                     const char *what, struct err *err)
{
    json_value *value cleanup(json_freep) = json_parse(text, size, what, err);
    if (!value)
        return -1;
    return fields_read(table, value, arena, out, "", fields_refuse, NULL, err) < 0 ? err_wrap(err, "%s", what) : 0;
}

/* --- Writing */

static bool is_zero_field(const struct field *field, const void *at);

static bool is_zero_object(const struct fields *table, const void *in)
{
    for (const struct field *field = table->list; field->name; field++)
        if (!is_zero_field(field, (const char *)in + field->offset))
            return false;
    return true;
}

static bool is_zero_field(const struct field *field, const void *at)
{
    switch (field->type) {
    case FIELD_STRING:
        return str_empty(*(char *const *)at);
    case FIELD_BOOL:
        return !*(const bool *)at;
    case FIELD_INT:
    case FIELD_ENUM:
        return !*(const int *)at;
    case FIELD_I64:
        return !*(const int64_t *)at;
    case FIELD_DOUBLE:
        return *(const double *)at == 0;
    case FIELD_OPT_BOOL:
        return !((const struct opt_bool *)at)->set;
    case FIELD_OPT_I64:
        return !((const struct opt_i64 *)at)->set;
    case FIELD_STRINGS:
    case FIELD_VARIANT:
        return !((const struct strings *)at)->items;
    case FIELD_SET:
    case FIELD_PAIRS:
    case FIELD_LIST:
    case FIELD_MAP:
        return !((const struct any_vec *)at)->count;
    case FIELD_POINTER:
        return !*(void *const *)at;
    case FIELD_OBJECT:
        return is_zero_object(field->of, at);
    }
    return true;
}

static void write_strings(const struct strings *strings, struct json_out *out)
{
    if (!strings->items) {
        json_put_null(out);
        return;
    }
    json_put_array(out);
    vec_foreach (s, strings)
        json_put_string(out, *s);
    json_put_array_end(out);
}

static void write_set(const struct strings *strings, struct json_out *out)
{
    json_put_object(out);
    vec_foreach (s, strings) {
        json_key(out, *s);
        json_put_raw(out, "{}");
    }
    json_put_object_end(out);
}

static void write_pairs(const struct pairs *pairs, struct json_out *out)
{
    json_put_object(out);
    vec_foreach (pair, pairs)
        json_key_string(out, pair->key, pair->value);
    json_put_object_end(out);
}

static void write_list(const struct fields *table, const struct any_vec *list, struct json_out *out)
{
    json_put_array(out);
    for (size_t i = 0; i < list->count; i++)
        fields_write(table, list->items + i * table->size, out);
    json_put_array_end(out);
}

static void write_map(const struct fields *table, const struct any_vec *map, struct json_out *out)
{
    json_put_object(out);
    for (size_t i = 0; i < map->count; i++) {
        const char *item = map->items + i * table->size;
        json_key(out, *(char *const *)item);
        fields_write(table, item, out);
    }
    json_put_object_end(out);
}

static void write_optional_bool(const struct opt_bool *value, struct json_out *out)
{
    if (value->set)
        json_put_bool(out, value->value);
    else
        json_put_null(out);
}

static void write_optional_i64(const struct opt_i64 *value, struct json_out *out)
{
    if (value->set)
        json_put_int(out, value->value);
    else
        json_put_null(out);
}

static void write_pointer(const struct fields *table, const void *object, struct json_out *out)
{
    if (object)
        fields_write(table, object, out);
    else
        json_put_null(out);
}

static void write_field(const struct field *field, const void *at, struct json_out *out)
{
    switch (field->type) {
    case FIELD_STRING:
        json_put_string(out, *(char *const *)at ? *(char *const *)at : "");
        break;
    case FIELD_BOOL:
        json_put_bool(out, *(const bool *)at);
        break;
    case FIELD_INT:
        json_put_int(out, *(const int *)at);
        break;
    case FIELD_ENUM:
        json_put_string(out, field->names[*(const int *)at]);
        break;
    case FIELD_I64:
        json_put_int(out, *(const int64_t *)at);
        break;
    case FIELD_DOUBLE:
        json_put_double(out, *(const double *)at);
        break;
    case FIELD_OPT_BOOL:
        write_optional_bool(at, out);
        break;
    case FIELD_OPT_I64:
        write_optional_i64(at, out);
        break;
    case FIELD_STRINGS:
    case FIELD_VARIANT:
        write_strings(at, out);
        break;
    case FIELD_SET:
        write_set(at, out);
        break;
    case FIELD_PAIRS:
        write_pairs(at, out);
        break;
    case FIELD_OBJECT:
        fields_write(field->of, at, out);
        break;
    case FIELD_POINTER:
        write_pointer(field->of, *(void *const *)at, out);
        break;
    case FIELD_LIST:
        write_list(field->of, at, out);
        break;
    case FIELD_MAP:
        write_map(field->of, at, out);
        break;
    }
}

void fields_write_members(const struct fields *table, const void *in, struct json_out *out)
{
    for (const struct field *field = table->list; field->name; field++) {
        const void *at = (const char *)in + field->offset;
        if (!(field->flags & (FIELD_ALWAYS | FIELD_REQUIRED)) && is_zero_field(field, at))
            continue;
        json_key(out, field->name);
        write_field(field, at, out);
    }
}

void fields_write(const struct fields *table, const void *in, struct json_out *out)
{
    if (table->bare) {
        write_field(table->list, (const char *)in + table->list->offset, out);
        return;
    }
    json_put_object(out);
    fields_write_members(table, in, out);
    json_put_object_end(out);
}

char *fields_to_text(const struct fields *table, const void *in, struct arena *arena)
{
    struct buf text cleanup(buf_done) = BUF(TEXT_MAX);
    struct json_out out = {.buf = &text};
    fields_write(table, in, &out);
    return arena_strndup(arena, buf_str(&text), text.size);
}
