/* Which namespaces a container has of its own, shares with the host, or joins. */
#include "engine/describe.h"

#include "engine/private.h"

#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>

struct joining {
    struct described *ret;
    struct description_join joins[4];
};

static void join(struct joining *joining, uint32_t type, int fd)
{
    joining->joins[joining->ret->description.join_count++] = (struct description_join){type, fd};
}

/* The namespace of a running container, by /proc/PID/ns/NAME. */
static int join_container(struct joining *joining, struct container *c, const char *reference, const char *name,
                          uint32_t type, struct err *err)
{
    struct container *other = engine_find_container(c->engine, reference, err);
    if (!other)
        return -1;
    if (!container_is_running(other))
        return err_set(err, ERR_CONFLICT, "cannot join the %s namespace of container %s, which is not running", name,
                       other->name);
    char path[64];
    (void)snprintf(path, sizeof(path), "/proc/%d/ns/%s", other->pid, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_errno(err, errno, "cannot join the %s namespace of container %s", name, other->name);
    vec_push(&joining->ret->fds, fd);
    join(joining, type, fd);
    return 0;
}

/* mode is "", "private" …, "host", or "container:x". */
static int choose(struct joining *joining, struct container *c, const char *mode, const char *name, uint32_t type,
                  struct err *err)
{
    const char *other = mode ? str_after(mode, "container:") : NULL;
    if (other)
        return join_container(joining, c, other, name, type, err);
    if (!str_same(mode, "host"))
        joining->ret->description.namespaces |= type;
    return 0;
}

static int choose_network(struct joining *joining, struct container *c, int netns, struct err *err)
{
    if (netns < 0)
        return choose(joining, c, c->outline.network_mode, "net", CLONE_NEWNET, err);
    join(joining, CLONE_NEWNET, netns);
    return 0;
}

int describe_namespaces(struct container *c, const struct container_spec *spec, int netns, struct described *ret,
                        struct err *err)
{
    const struct host_config *host = &spec->host;
    struct joining *joining = ARENA_NEW(&ret->arena, struct joining);
    struct description *d = &ret->description;
    joining->ret = ret;
    d->joins = joining->joins;
    d->namespaces = CLONE_NEWNS;
    if (choose(joining, c, host->pid_mode, "pid", CLONE_NEWPID, err) < 0 ||
        choose(joining, c, host->uts_mode, "uts", CLONE_NEWUTS, err) < 0 ||
        choose(joining, c, is_lean(host) ? "host" : host->ipc_mode, "ipc", CLONE_NEWIPC, err) < 0 ||
        choose(joining, c, is_lean(host) ? "host" : host->cgroupns_mode, "cgroup", CLONE_NEWCGROUP, err) < 0 ||
        choose_network(joining, c, netns, err) < 0)
        return -1;
    if (d->namespaces & CLONE_NEWUTS) {
        d->hostname = str_empty(spec->hostname) ? NULL : spec->hostname;
        d->domainname = str_empty(spec->domainname) ? NULL : spec->domainname;
    }
    return 0;
}
