#include "api/filters.h"

#include "base/clock.h"
#include "base/str.h"
#include "codec/json.h"
#include "codec/units.h"

#include <regex.h>

/* --- Reading */

static bool is_known(const char *known, const char *name, size_t size)
{
    for (const char *p = known; *p;) {
        size_t word = strcspn(p, " ");
        if (word == size && memcmp(p, name, size) == 0)
            return true;
        p += word + (p[word] == ' ');
    }
    return false;
}

static int add_value(struct arena *arena, struct filter *filter, const char *value, struct err *err)
{
    if (!value)
        return err_set(err, ERR_INVALID, "invalid filter '%.60s': its values are texts", filter->name);
    if (filter->values.count >= FILTER_VALUES_MAX)
        return err_set(err, ERR_LIMIT, "the filter '%.60s' has more than %d values", filter->name, FILTER_VALUES_MAX);
    vec_push_in(arena, &filter->values, arena_strdup(arena, value));
    return 0;
}

static int read_values(struct arena *arena, struct filter *filter, const json_value *values, struct err *err)
{
    if (json_type_of(values) == JSON_TYPE_ARRAY) {
        for (size_t i = 0; i < json_count(values); i++)
            if (add_value(arena, filter, json_as_text(json_at(values, i)), err) < 0)
                return -1;
        return 0;
    }
    if (json_type_of(values) != JSON_TYPE_OBJECT)
        return err_set(err, ERR_INVALID, "invalid filter '%.60s': expected a list, found %s", filter->name,
                       json_type_name(json_type_of(values)));
    for (void *i = json_first(values); i; i = json_next(values, i))
        if (json_as_bool(json_iter_value(i), true) && add_value(arena, filter, json_iter_key(i), err) < 0)
            return -1;
    return 0;
}

int filters_parse(const char *text, const char *known, struct arena *arena, struct filters *ret, struct err *err)
{
    *ret = (struct filters){0};
    if (str_empty(text))
        return 0;
    json_value *value cleanup(json_freep) = json_parse(text, strlen(text), "the filters", err);
    if (!value)
        return -1;
    if (json_type_of(value) != JSON_TYPE_OBJECT)
        return err_set(err, ERR_INVALID, "the filters: expected an object, found %s",
                       json_type_name(json_type_of(value)));
    for (void *i = json_first(value); i; i = json_next(value, i)) {
        struct filter filter = {.name = arena_strdup(arena, json_iter_key(i))};
        if (!is_known(known, filter.name, strlen(filter.name)))
            return err_set(err, ERR_INVALID, "invalid filter '%.60s'; known: %s", filter.name, known);
        if (read_values(arena, &filter, json_iter_value(i), err) < 0)
            return -1;
        if (filter.values.count)
            vec_push_in(arena, &ret->list, filter);
    }
    return 0;
}

int filters_of(struct http_request *request, const char *known, struct filters *ret, struct err *err)
{
    return filters_parse(http_query(request, "filters"), known, &request->arena, ret, err);
}

const struct strings *filters_get(const struct filters *filters, const char *name)
{
    vec_foreach (filter, &filters->list)
        if (str_eq(filter->name, name))
            return &filter->values;
    return NULL;
}

/* --- Matching */

static bool match_any(const struct filters *filters, const char *name, const char *value,
                      bool (*fits)(const char *wanted, const char *value))
{
    const struct strings *values = filters_get(filters, name);
    if (!values)
        return true;
    vec_foreach (wanted, values)
        if (fits(*wanted, value))
            return true;
    return false;
}

static bool fits_prefix(const char *wanted, const char *value)
{
    return str_starts(value, wanted);
}

/* Repetition counts and back-references alone make a short pattern costly. */
static bool is_costly(const char *pattern)
{
    for (const char *p = pattern; *p; p++)
        if (*p == '{' || (*p == '\\' && p[1] >= '1' && p[1] <= '9'))
            return true;
    return strlen(pattern) > FILTER_PATTERN_MAX;
}

static bool fits_pattern(const char *wanted, const char *value)
{
    regex_t regex;
    if (str_eq(wanted, value))
        return true;
    if (!strpbrk(wanted, "^$.[]()|*+?\\") || is_costly(wanted) || regcomp(&regex, wanted, REG_EXTENDED | REG_NOSUB))
        return strstr(value, wanted) != NULL;
    bool fits = regexec(&regex, value, 0, NULL, 0) == 0;
    regfree(&regex);
    return fits;
}

bool filters_match(const struct filters *filters, const char *name, const char *value)
{
    return match_any(filters, name, value, str_eq);
}

bool filters_match_prefix(const struct filters *filters, const char *name, const char *value)
{
    return match_any(filters, name, value, fits_prefix);
}

bool filters_match_pattern(const struct filters *filters, const char *name, const char *value)
{
    return match_any(filters, name, value, fits_pattern);
}

/* "key" or "key=value". */
static bool has_label(const struct pairs *labels, const char *wanted)
{
    size_t key = strcspn(wanted, "=");
    vec_foreach (label, labels)
        if (strlen(label->key) == key && memcmp(label->key, wanted, key) == 0)
            return !wanted[key] || str_eq(label->value ? label->value : "", wanted + key + 1);
    return false;
}

bool filters_match_labels(const struct filters *filters, const char *name, const struct pairs *labels)
{
    const struct strings *values = filters_get(filters, name);
    if (!values)
        return true;
    vec_foreach (wanted, values)
        if (!has_label(labels, *wanted))
            return false;
    return true;
}

bool filters_keep_labels(const struct filters *filters, const struct pairs *labels)
{
    const struct strings *unwanted = filters_get(filters, "label!");
    if (unwanted)
        vec_foreach (label, unwanted)
            if (has_label(labels, *label))
                return false;
    return filters_match_labels(filters, "label", labels);
}

/* --- Single values */

static int single(const struct filters *filters, const char *name, const char **ret, struct err *err)
{
    const struct strings *values = filters_get(filters, name);
    *ret = values ? values->items[0] : NULL;
    if (values && values->count > 1)
        return err_set(err, ERR_INVALID, "invalid filter '%s': it takes one value", name);
    return 0;
}

int filters_bool(const struct filters *filters, const char *name, bool fallback, bool *ret, struct err *err)
{
    static const char *const yes[] = {"1", "true", NULL};
    static const char *const no[] = {"0", "false", NULL};
    const char *value;
    if (single(filters, name, &value, err) < 0)
        return -1;
    *ret = value ? str_in(value, yes) : fallback;
    if (value && !*ret && !str_in(value, no))
        return err_set(err, ERR_INVALID, "invalid filter '%s=[%.60s]'", name, value);
    return 0;
}

bool filters_parse_time(const char *text, int64_t now_ns, int64_t *ret_ns)
{
    int64_t back_ns;
    if (clock_parse(text, ret_ns))
        return true;
    if (!duration_parse(text, &back_ns))
        return false;
    *ret_ns = now_ns - back_ns;
    return true;
}

int filters_time(const struct filters *filters, const char *name, int64_t now_ns, int64_t *ret_ns, struct err *err)
{
    const char *value;
    *ret_ns = 0;
    if (single(filters, name, &value, err) < 0)
        return -1;
    if (!value || filters_parse_time(value, now_ns, ret_ns))
        return 0;
    return err_set(
        err, ERR_INVALID,
        "invalid filter '%s=[%.60s]': expected a time (2026-11-22T14:30:00Z, Unix seconds) or a duration (24h)", name,
        value);
}
