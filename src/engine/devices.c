#include "engine/devices.h"

#include "base/str.h"
#include "sys/device_filter.h"

#include <errno.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

static bool set_access(struct device_rule *rule, const char *text)
{
    for (const char *c = text; *c; c++) {
        if (!strchr("rwm", *c))
            return false;
        rule->read |= *c == 'r';
        rule->write |= *c == 'w';
        rule->make |= *c == 'm';
    }
    return *text != '\0';
}

static bool parse_number(const char *text, int64_t *ret)
{
    uint64_t value;
    *ret = -1;
    if (str_eq(text, "*"))
        return true;
    if (!str_to_u64(text, &value) || value > INT32_MAX)
        return false;
    *ret = (int64_t)value;
    return true;
}

/* "c 1:3 rwm", "b *:* m", "a *:* rwm". */
static bool parse_rule(const char *text, struct device_rule *ret)
{
    char copy[64], *rest = copy;
    if (strlen(text) >= sizeof(copy))
        return false;
    memcpy(copy, text, strlen(text) + 1);
    const char *type = str_split(&rest, ' ');
    const char *major = rest ? str_split(&rest, ':') : NULL, *minor = rest ? str_split(&rest, ' ') : NULL;
    *ret = (struct device_rule){.type = *type};
    return minor && rest && strlen(type) == 1 && strchr("abc", *type) && parse_number(major, &ret->major) &&
           parse_number(minor, &ret->minor) && set_access(ret, rest);
}

static bool parse_device(const struct device_mapping *device, struct device_rule *ret, struct err *err)
{
    struct stat st;
    const char *permissions = str_empty(device->cgroup_permissions) ? "rwm" : device->cgroup_permissions;
    *ret = (struct device_rule){0};
    if (!set_access(ret, permissions))
        return err_set(err, ERR_INVALID, "device %s: invalid permissions %s: expected some of r, w and m",
                       device->path_on_host, permissions) >= 0;
    if (stat(device->path_on_host, &st) < 0)
        return err_errno(err, errno, "error gathering device information while adding custom device \"%s\"",
                         device->path_on_host) >= 0;
    ret->type = S_ISBLK(st.st_mode) ? 'b' : 'c';
    ret->major = major(st.st_rdev);
    ret->minor = minor(st.st_rdev);
    return true;
}

int devices_check(const struct host_config *host, struct err *err)
{
    struct device_rule rule;
    vec_foreach (text, &host->device_cgroup_rules)
        if (!parse_rule(*text, &rule))
            return err_set(err, ERR_INVALID, "invalid device cgroup rule '%s': expected one like 'c 1:3 rwm'", *text);
    if (host->devices.count + host->device_cgroup_rules.count + device_rules_default_count > DEVICE_RULES_MAX)
        return err_set(err, ERR_LIMIT, "too many devices and device rules: %d at most", DEVICE_RULES_MAX);
    return 0;
}

int devices_apply(const struct host_config *host, int cgroup, struct err *err)
{
    struct device_rule rules[DEVICE_RULES_MAX];
    size_t count = device_rules_default_count;
    int r;
    if (!host->privileged && !host->devices.count && !host->device_cgroup_rules.count)
        return 0;
    memcpy(rules, device_rules_default, count * sizeof(*rules));
    vec_foreach (device, &host->devices)
        if (!parse_device(device, &rules[count++], err))
            return -1;
    vec_foreach (text, &host->device_cgroup_rules)
        (void)parse_rule(*text, &rules[count++]); /* checked when it was created */
    r = host->privileged ? device_filter_attach_all(cgroup) : device_filter_attach(cgroup, rules, count);
    return r < 0 ? err_errno(err, r, "cannot set the devices that the container may use") : 0;
}
