#include "api/detach_keys.h"

#include "base/str.h"

#include <ctype.h>

/* The control character of ctrl-<value>: a is 1, @ is 0, [ is 27 … */
static bool parse_key(const char *name, size_t size, char *ret)
{
    if (size == 1) {
        *ret = *name;
        return true;
    }
    if (size != strlen("ctrl-x") || !str_starts(name, "ctrl-"))
        return false;
    char value = name[size - 1];
    if (!islower((unsigned char)value) && !strchr("@[\\]^_", value))
        return false;
    *ret = (char)(value & 0x1f);
    return true;
}

int detach_keys_parse(const char *text, struct detach_keys *ret, struct err *err)
{
    *ret = (struct detach_keys){0};
    if (str_empty(text))
        text = DETACH_KEYS_DEFAULT;
    for (const char *p = text;;) {
        size_t size = strcspn(p, ",");
        if (ret->count == DETACH_KEYS_MAX)
            return err_set(err, ERR_LIMIT, "Invalid escape keys (%.60s) provided: %d at most", text, DETACH_KEYS_MAX);
        if (!parse_key(p, size, &ret->keys[ret->count++]))
            return err_set(err, ERR_INVALID,
                           "Invalid escape keys (%.60s) provided: '%.*s' is neither a character nor ctrl-<a-z@[\\]^_>",
                           text, (int)(size < 20 ? size : 20), p);
        if (!p[size])
            return 0;
        p += size + 1;
    }
}

size_t detach_keys_feed(struct detach_keys *keys, const char *typed, size_t size, bool *detach)
{
    *detach = false;
    for (size_t i = 0; i < size && keys->count; i++) {
        if (typed[i] != keys->keys[keys->pressed])
            keys->pressed = typed[i] == keys->keys[0];
        else
            keys->pressed++;
        if (keys->pressed == keys->count) {
            *detach = true;
            return i;
        }
    }
    return size;
}
