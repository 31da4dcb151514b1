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
