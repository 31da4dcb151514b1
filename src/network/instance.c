#include "network/instance.h"

#include "base/cleanup.h"
#include "base/str.h"

#include <limits.h>
#include <stdio.h>

static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyz";

/* FNV-1a: no secret, only spread. */
static uint32_t hash(const char *s)
{
    uint32_t h = 2166136261U;
    for (; *s; s++)
        h = (h ^ (uint8_t)*s) * 16777619U;
    return h ? h : 1; /* 0 as a metric would mean none */
}

int instance_init(struct instance *instance, const char *data_dir, struct err *err)
{
    char *real cleanup_free = realpath(data_dir, NULL);
    if (!real && data_dir[0] != '/')
        return err_set(err, ERR_INVALID, "data directory %s must be an absolute path", data_dir);
    instance->number = hash(real ? real : data_dir);
    (void)snprintf(instance->text, sizeof(instance->text), "%08x", instance->number);
    (void)snprintf(instance->table, sizeof(instance->table), "shoal-%s", instance->text);
    (void)snprintf(instance->link_prefix, sizeof(instance->link_prefix), "sh%s", instance->text);
    (void)snprintf(instance->link_pattern, sizeof(instance->link_pattern), "sh%s*", instance->text);
    return 0;
}

void instance_link_name(const struct instance *instance, uint32_t serial, char name[LINK_NAME_MAX])
{
    char tail[6] = "00000";
    for (int i = 4; i >= 0; i--, serial /= 36)
        tail[i] = digits[serial % 36];
    (void)snprintf(name, LINK_NAME_MAX, "%.10s%s", instance->link_prefix, tail);
}

int64_t instance_link_serial(const struct instance *instance, const char *name)
{
    const char *tail = str_after(name, instance->link_prefix);
    int64_t serial = 0;
    if (!tail || strlen(tail) != 5)
        return -1;
    for (; *tail; tail++) {
        const char *digit = strchr(digits, *tail);
        if (!digit)
            return -1;
        serial = serial * 36 + (digit - digits);
    }
    return serial;
}
