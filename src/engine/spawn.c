/*
 * The second part of a start: opens and makes everything that the payload needs, in one go, and sends it to the keeper.
 */
#include "engine/private.h"

#include "engine/describe.h"
#include "engine/devices.h"
#include "engine/endpoints.h"
#include "engine/etc.h"
#include "engine/limits.h"
#include "engine/profiles.h"
#include "engine/rootfs.h"
#include "engine/streams.h"

#include "base/str.h"
#include "sys/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>

/* What it opens and the payload keeps, or nobody. */
struct start_fds {
    struct rootfs root;
    int netns, cgroup, stdio[3];
};

static void close_all(struct start_fds *fds)
{
    closep(&fds->root.fd);
    closep(&fds->netns);
    closep(&fds->cgroup);
    for (int i = 0; i < 3; i++)
        closep(&fds->stdio[i]);
}

static int open_cgroup(struct container *c, const struct host_config *host, struct err *err)
{
    int parent = cgroups_for(c, err), fd = parent < 0 ? parent : cgroup_create(parent, c->id);
    if (parent < 0)
        return -1;
    if (fd < 0)
        return err_errno(err, fd, "cannot make a control group for container %.12s", c->id);
    if (devices_apply(host, fd, err) < 0) {
        closep(&fd);
        return -1;
    }
    unsigned needed = limits_controllers(host);
    if (!needed)
        return fd;
    int r = limits_enable(parent, needed);
    if (r < 0)
        err_errno(err, r, "cannot switch on the controllers that the limits of container %s need", c->name);
    else
        r = limits_apply(host, fd, err);
    if (r < 0)
        closep(&fd);
    return r < 0 ? -1 : fd;
}

/* DATA/containers/ID, opened; the caller closes it. */
static int open_folder(struct container *c, struct err *err)
{
    if (container_make_folder(c, err) < 0)
        return -1;
    int fd = openat(c->engine->containers_fd, c->id, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? err_errno(err, errno, "cannot open the folder of container %s", c->name) : fd;
}

static int write_etc(struct container *c, const struct container_spec *spec, const struct rootfs *root, struct err *err)
{
    struct arena arena cleanup(arena_done) = {0};
    struct etc_file files[ETC_FILES];
    if (root->has_etc)
        return 0;
    etc_files(c, spec, &arena, files);
    if (!root->shared)
        return etc_write(root->fd, files, err);
    cleanup_fd int own = open_folder(c, err);
    return own < 0 ? -1 : etc_write(own, files, err);
}

static int open_everything(struct container *c, const struct container_spec *spec, struct start_fds *fds,
                           struct err *err)
{
    if (rootfs_mount(c, spec, &fds->root, err) < 0)
        return -1;
    fds->cgroup = open_cgroup(c, &spec->host, err);
    if (fds->cgroup < 0 || endpoints_attach(c, spec, &fds->netns, err) < 0)
        return -1;
    return write_etc(c, spec, &fds->root, err) < 0 ? -1 : streams_for_payload(c, fds->stdio, err);
}

static void spawn_answered(void *data, const struct err *err, const void *payload, size_t size, int fd)
{
    struct adoption *asked = data;
    struct container *c = map_get(&asked->engine->by_id, asked->id);
    if (err && c && c->state.status == CONTAINER_STARTING)
        start_failed(c, err);
    free(asked);
}

static int spawn(struct container *c, const struct host_config *host, const struct description *description,
                 struct err *err)
{
    char data[DESCRIPTION_SIZE_MAX];
    int fds[DESCRIPTION_FDS_MAX];
    unsigned fd_count;
    ssize_t size = description_encode(description, data, sizeof(data), fds, &fd_count, err);
    const uint8_t *key = size < 0 ? NULL : profile_launcher(c->engine, host, err);
    if (!key)
        return -1;
    bool shares_pids = !(description->namespaces & CLONE_NEWPID);
    keeper_client_spawn(c->engine->keeper,
                        &(struct keeper_client_spawn){
                            .id = c->id,
                            .key = key,
                            .flags = shares_pids ? KEEPER_KILL_CGROUP : 0,
                            .description = data,
                            .description_size = (size_t)size,
                            .fds = fds,
                            .fd_count = fd_count,
                        },
                        spawn_answered, adoption_new(c->engine, c->id));
    return 0;
}

static int describe_and_spawn(struct container *c, const struct container_spec *spec, const struct start_fds *fds,
                              struct err *err)
{
    struct described described;
    struct describe_options options = {
        .root = fds->root.fd,
        .root_shared = fds->root.shared,
        .netns = fds->netns,
        .cgroup = fds->cgroup,
        .stdio = {fds->stdio[0], fds->stdio[1], fds->stdio[2]},
    };
    if (describe_container(c, spec, &options, &described, err) < 0)
        return -1;
    int r = spawn(c, &spec->host, &described.description, err);
    described_done(&described);
    return r;
}

void start_now(struct container *c)
{
    struct err err;
    struct arena arena cleanup(arena_done) = {0};
    struct start_fds fds = {{.fd = -1}, -1, -1, {-1, -1, -1}};
    const struct container_spec *spec = container_definition(c, &arena, &err);
    bool connected = keeper_client_connected(c->engine->keeper);
    if (spec && !connected)
        err_set(&err, ERR_UNAVAILABLE, "the keeper of this node is not there: it is being started, try again");
    bool ok =
        spec && connected && open_everything(c, spec, &fds, &err) == 0 && describe_and_spawn(c, spec, &fds, &err) == 0;
    close_all(&fds);
    if (!ok)
        start_failed(c, &err);
}
