#include "engine/describe.h"

#include "engine/limits.h"
#include "engine/private.h"
#include "engine/profiles.h"

#include "base/str.h"
#include "sys/capabilities.h"

#include <sys/mount.h>

bool is_lean(const struct host_config *host)
{
    return str_same(host->runtime, "lean");
}

void described_done(struct described *d)
{
    vec_foreach (fd, &d->fds)
        closep(fd);
    vec_done(&d->fds);
    arena_done(&d->arena);
}

/* --- Capabilities */

static const int default_capabilities[] = {
    CAP_AUDIT_WRITE,      CAP_CHOWN,   CAP_DAC_OVERRIDE, CAP_FOWNER, CAP_FSETID,  CAP_KILL,   CAP_MKNOD,
    CAP_NET_BIND_SERVICE, CAP_NET_RAW, CAP_SETFCAP,      CAP_SETGID, CAP_SETPCAP, CAP_SETUID, CAP_SYS_CHROOT,
};

static uint64_t named_capabilities(const struct strings *names)
{
    uint64_t set = 0;
    vec_foreach (name, names) {
        int cap = capability_by_name(*name);
        set |= cap < 0 ? capability_all() : CAPABILITY(cap); /* validated: what is no name is "ALL" */
    }
    return set;
}

/* "ALL" in one list gives way to names in the other: --cap-drop ALL --cap-add CHOWN leaves one. */
uint64_t capabilities_of(const struct host_config *host)
{
    uint64_t set = 0, added = named_capabilities(&host->cap_add), dropped = named_capabilities(&host->cap_drop);
    if (host->privileged)
        return capability_all();
    for (size_t i = 0; i < ARRAY_SIZE(default_capabilities); i++)
        set |= CAPABILITY(default_capabilities[i]);
    if (dropped == capability_all())
        return added;
    if (added == capability_all())
        return added & ~dropped;
    return (set & ~dropped) | added;
}

static void describe_capabilities(const struct host_config *host, struct description *d)
{
    uint64_t set = capabilities_of(host) & capability_all();
    d->bounding = d->permitted = d->effective = set; /* exec(2) takes them from who is not root */
}

/* --- The rest */

static void describe_limits(const struct host_config *host, struct described *ret)
{
    struct description *d = &ret->description;
    struct description_rlimit *rlimits = arena_alloc_array(&ret->arena, host->ulimits.count, sizeof(*rlimits));
    vec_foreach (limit, &host->ulimits)
        rlimits[d->rlimit_count++] = (struct description_rlimit){
            .resource = (uint32_t)rlimit_by_name(limit->name),
            .soft = (uint64_t)limit->soft,
            .hard = (uint64_t)limit->hard,
        };
    d->rlimits = rlimits;
    if (host->oom_score_adj) {
        d->flags |= DESCRIPTION_OOM_SCORE;
        d->oom_score_adj = host->oom_score_adj;
    }
}

/* Docker's, where the network namespace is the container's own: low ports and ping for everybody in it. */
static const struct description_sysctl network_sysctls[] = {
    {"net.ipv4.ip_unprivileged_port_start", "0"},
    {"net.ipv4.ping_group_range", "0 2147483647"},
};

static void describe_sysctls(const struct host_config *host, bool own_network, struct described *ret)
{
    struct description *d = &ret->description;
    const struct pairs *sysctls = &host->sysctls;
    size_t most = sysctls->count + ARRAY_SIZE(network_sysctls);
    struct description_sysctl *list = arena_alloc_array(&ret->arena, most, sizeof(*list));
    for (size_t i = 0; own_network && i < ARRAY_SIZE(network_sysctls); i++)
        if (!pairs_get(sysctls, network_sysctls[i].name))
            list[d->sysctl_count++] = network_sysctls[i];
    vec_foreach (sysctl, sysctls)
        list[d->sysctl_count++] = (struct description_sysctl){sysctl->key, sysctl->value};
    d->sysctls = list;
}

static const char *const *terminated(struct described *ret, const struct strings *list)
{
    const char **items = arena_alloc_array(&ret->arena, list->count + 1, sizeof(*items));
    for (size_t i = 0; i < list->count; i++)
        items[i] = list->items[i];
    return items;
}

void describe_no_new_privileges(const struct host_config *host, struct description *d)
{
    vec_foreach (option, &host->security_options)
        if (str_starts(*option, "no-new-privileges") && !str_ends(*option, "false"))
            d->flags |= DESCRIPTION_NO_NEW_PRIVILEGES;
}

static void describe_security(const struct host_config *host, struct described *ret)
{
    struct description *d = &ret->description;
    describe_no_new_privileges(host, d);
    if (is_lean(host)) /* it has neither /proc nor /sys */
        return;
    d->masked_paths = terminated(ret, &host->masked_paths);
    d->readonly_paths = terminated(ret, &host->readonly_paths);
}

int describe_container(struct container *c, const struct container_spec *spec, const struct describe_options *options,
                       struct described *ret, struct err *err)
{
    struct description *d = &ret->description;
    const struct host_config *host = &spec->host;
    *ret = (struct described){0};
    description_init(d);
    d->root = options->root;
    d->cgroup = options->cgroup;
    for (int i = 0; i < 3; i++)
        d->stdio[i] = options->stdio[i];
    if (spec->tty)
        d->flags |= DESCRIPTION_TTY;
    if (host->console_size.count == 2) {
        d->tty_rows = (uint32_t)host->console_size.items[0].cells;
        d->tty_columns = (uint32_t)host->console_size.items[1].cells;
    }
    if (host->init.set && host->init.value)
        d->flags |= DESCRIPTION_INIT;
    if (profile_is_unconfined(host))
        d->flags |= DESCRIPTION_NEW_KEYRING;
    if (host->readonly_rootfs || is_lean(host))
        d->flags |= DESCRIPTION_ROOT_READONLY;
    describe_capabilities(host, d);
    describe_limits(host, ret);
    describe_sysctls(host, options->netns >= 0, ret);
    describe_security(host, ret);
    if (describe_process(spec, options->root, ret, err) < 0 ||
        describe_namespaces(c, spec, options->netns, ret, err) < 0 ||
        describe_mounts(c, spec, options->root_shared, ret, err) < 0) {
        described_done(ret);
        return -1;
    }
    return 0;
}
