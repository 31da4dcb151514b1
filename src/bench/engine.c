#include "bench/engine.h"

#include "base/str.h"
#include "base/vec.h"
#include "http/connect.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <sys/socket.h>

/* --- Who answers */

static int find_listener(struct bench_engine *engine, struct err *err)
{
    struct ucred peer;
    socklen_t size = sizeof(peer);
    if (!engine->daemon.address.local)
        return err_set(err, ERR_UNSUPPORTED, "%s is not a unix socket: memory is measured on this machine",
                       engine->host);
    cleanup_fd int fd = http_connect(&engine->daemon.address, err);
    if (fd < 0)
        return -1;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
        return err_errno(err, errno, "cannot see who listens on %s", engine->host);
    engine->pid = peer.pid;
    return 0;
}

/* Docker and podman name themselves in their first component, Shoal in its platform, and so does Docker. */
static const char *product_of(const json_value *version)
{
    const char *component = json_get_text(json_at(json_get(version, "Components"), 0), "Name");
    const char *platform = json_get_text(json_get(version, "Platform"), "Name");
    return component && str_starts(component, "Podman") ? "Podman"
           : platform && str_starts(platform, "Shoal")  ? "Shoal"
                                                        : "Docker";
}

int engine_look(struct bench_engine *engine, struct err *err)
{
    json_value *version cleanup(json_freep) = NULL;
    if (find_listener(engine, err) < 0 || daemon_get(&engine->daemon, "/version", &version, err) < 0)
        return -1;
    const char *product = product_of(version), *number = json_get_text(version, "Version");
    engine->shoal = str_eq(product, "Shoal");
    (void)snprintf(engine->name, sizeof(engine->name), "%s %s", product, number ? number : "");
    return 0;
}

/* --- Its processes */

static const char *const others[] = {"dockerd",      "containerd",    "containerd-shim*", "docker-proxy",
                                     "docker-init",  "podman*",       "conmon",           "netavark",
                                     "aardvark-dns", "rootlessport*", "slirp4netns*",     NULL};

static const struct procfs_process *find(const struct procfs_list *all, pid_t pid)
{
    vec_foreach (process, all)
        if (process->pid == pid)
            return process;
    return NULL;
}

static bool is_helper(const struct procfs_process *process, const char *run_dir)
{
    const char *folder = procfs_argument(process->command, "--run-dir");
    return folder && str_eq(folder, run_dir) &&
           (str_starts(process->comm, "shoal-keeper") || str_starts(process->comm, "shoal-logger"));
}

static bool shoal_owns(const struct procfs_list *all, const struct procfs_process *process, pid_t pid,
                       const char *run_dir)
{
    const struct procfs_process *parent = find(all, process->parent);
    return process->pid == pid || process->parent == pid || is_helper(process, run_dir) ||
           (str_starts(process->comm, "shoal-launcher") && parent && is_helper(parent, run_dir));
}

bool engine_owns(const struct procfs_list *all, const struct procfs_process *process, pid_t pid, const char *run_dir)
{
    if (run_dir)
        return shoal_owns(all, process, pid, run_dir);
    /* Where a service manager made the socket, it is the one who listens, and not of the engine. */
    if (process->pid == pid && pid != 1)
        return true;
    for (const char *const *name = others; *name; name++)
        if (str_glob(*name, process->comm))
            return true;
    return false;
}

static bool run_dir_of(const struct bench_engine *engine, char run_dir[PATH_MAX])
{
    char path[sizeof(engine->daemon.address.path)];
    (void)snprintf(path, sizeof(path), "%s", engine->daemon.address.path);
    char *slash = strrchr(path, '/');
    if (slash)
        *slash = '\0';
    return engine->shoal && realpath(slash ? path : ".", run_dir);
}

struct engine_usage engine_usage(const struct bench_engine *engine)
{
    struct engine_usage usage = {0};
    struct procfs_list all cleanup(procfs_list_done) = {0};
    char run_dir[PATH_MAX];
    bool shoal = run_dir_of(engine, run_dir);
    procfs_all(&all);
    vec_foreach (process, &all)
        if (str_starts(process->comm, "shoal-"))
            procfs_read_command(process);
    vec_foreach (process, &all)
        if (engine_owns(&all, process, engine->pid, shoal ? run_dir : NULL)) {
            usage.processes++;
            procfs_add_usage(process->pid, &usage.sum);
        }
    return usage;
}
