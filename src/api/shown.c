#include "api/shown.h"

#include "base/str.h"

void shown_write(const struct fields *table, const void *in, const char *const *spared, const char *const *hidden,
                 struct json_out *out)
{
    json_put_object(out);
    for (const struct field *field = table->list; field->name; field++) {
        struct field one[] = {*field, {0}};
        if (str_in(field->name, hidden))
            continue;
        if (!str_in(field->name, spared))
            one[0].flags |= FIELD_ALWAYS;
        fields_write_members(&(struct fields){.noun = table->noun, .size = table->size, .list = one}, in, out);
    }
    json_put_object_end(out);
}

void shown_pairs(struct json_out *out, const char *key, const struct pairs *pairs)
{
    json_key(out, key);
    if (!pairs->count) {
        json_put_null(out);
        return;
    }
    json_put_object(out);
    vec_foreach (pair, pairs)
        json_key_string(out, pair->key, pair->value ? pair->value : "");
    json_put_object_end(out);
}
