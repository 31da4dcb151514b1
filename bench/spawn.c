/*
 * How fast containers start and what each costs the machine, by the keeper alone: no daemon, no images, no network.
 *
 *     bench_spawn KEEPER ROOTFS CLASS COUNT COMMAND…
 *
 * CLASS is one of
 *     process   vfork and exec from this program: the floor
 *     lean      pid, mount and uts namespaces, shared read-only root, one shared /dev, seccomp, cgroup
 *     default   what Docker isolates by default, but for the network: /proc, /dev, /sys, masked paths, ipc, seccomp,
 * cgroup
 *
 * COMMAND must run on. Prints starts a second and, while all run, the memory of each: the difference of MemAvailable,
 * and where it went. Needs root, and a machine that does little else meanwhile.
 */
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "ipc/keeper_client.h"
#include "runtime/description.h"
#include "runtime/seccomp_profile.h"
#include "sys/cgroup.h"
#include "sys/files.h"
#include "sys/mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

#define DOCKERS_CAPABILITIES 0xa80425fbULL

static struct bench {
    struct loop *loop;
    struct keeper_client *client;
    int count, started, failed, exited;
    bool ready;
    char **command;
    struct seccomp_profile profile;
    int cgroups; /* the parent of theirs; -1 where there is no cgroup v2 */
    char cgroup_path[PATH_MAX];
    const char *rootfs;
    bool lean;
} bench;

/* --- Memory --------------------------------------------------------------------------------------------------------
 */

static const char *const fields[] = {"MemAvailable:", "Slab:", "KernelStack:", "PageTables:", "Percpu:", "AnonPages:"};

struct memory {
    int64_t kib[ARRAY_SIZE(fields)];
};

static struct memory look(void)
{
    struct memory m = {0};
    char text[16384];
    if (file_read_at(AT_FDCWD, "/proc/meminfo", text, sizeof(text)) < 0)
        return m;
    for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
        const char *at = strstr(text, fields[i]);
        m.kib[i] = at ? strtoll(at + strlen(fields[i]), NULL, 10) : 0;
    }
    return m;
}

static int64_t pss_of(pid_t pid)
{
    char path[64], text[8192];
    (void)snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", pid);
    const char *at = file_read_at(AT_FDCWD, path, text, sizeof(text)) < 0 ? NULL : strstr(text, "\nPss:");
    return at ? strtoll(at + 5, NULL, 10) : 0;
}

static void print_memory(const struct memory *before)
{
    struct memory now = look();
    printf("KiB each:");
    for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
        int64_t grown = i ? now.kib[i] - before->kib[i] : before->kib[i] - now.kib[i];
        printf("  %s %.1f", fields[i], (double)grown / bench.count);
    }
    printf("\n");
}

/* --- The floor -----------------------------------------------------------------------------------------------------
 */

static void run_processes(void)
{
    struct memory before = look();
    cleanup_free pid_t *pids = mem_alloc_array((size_t)bench.count, sizeof(*pids));
    int64_t start = clock_monotonic_ms();
    for (int i = 0; i < bench.count; i++) {
        pids[i] = vfork(); /* NOLINT: the floor that is measured against is what vfork(2) costs */
        if (pids[i] == 0) {
            (void)execv(bench.command[0], bench.command);
            _exit(127);
        }
    }
    int64_t ms = clock_monotonic_ms() - start;
    (void)sleep(1);
    printf("process: %d in %lld ms, %.0f/s\n", bench.count, (long long)ms, bench.count * 1000.0 / (double)ms);
    print_memory(&before);
    for (int i = 0; i < bench.count; i++)
        (void)kill(pids[i], SIGKILL);
    for (int i = 0; i < bench.count; i++)
        (void)waitpid(pids[i], NULL, 0);
}

/* --- Containers ----------------------------------------------------------------------------------------------------
 */

static void on_ready(void *data, const struct keeper_welcome *welcome)
{
    bench.ready = true;
}

static void on_started(void *data, const char *id, pid_t pid, int64_t started_ns, int tty)
{
    bench.started++;
}

static void on_failed(void *data, const char *id, const struct err *err)
{
    if (!bench.failed++)
        log_error("%s", err->message);
}

static void on_exited(void *data, const char *id, int status, int64_t ended_ns)
{
    bench.exited++;
}

static const struct keeper_client_ops ops = {
    .ready = on_ready, .started = on_started, .failed = on_failed, .exited = on_exited};

static const struct description_mount default_mounts[] = {
    {.kind = MOUNT_KIND_PROC, .target = "/proc", .source = -1, .attributes = 14},
    {.kind = MOUNT_KIND_DEV, .target = "/dev", .source = -1, .attributes = MOUNT_ATTR_NOSUID},
    {.kind = MOUNT_KIND_DEVPTS, .target = "/dev/pts", .source = -1, .attributes = 10},
    {.kind = MOUNT_KIND_SYSFS, .target = "/sys", .source = -1, .attributes = 15},
    {.kind = MOUNT_KIND_MQUEUE, .target = "/dev/mqueue", .source = -1, .attributes = 14},
    {.kind = MOUNT_KIND_TMPFS, .target = "/dev/shm", .source = -1, .attributes = 14, .data = "mode=1777,size=64m"},
};
static const struct description_mount lean_mounts[] = {
    {.kind = MOUNT_KIND_LEAN_DEV, .target = "/dev", .source = -1},
};
static const char *const masked[] = {"/proc/acpi",       "/proc/kcore", "/proc/keys",    "/proc/latency_stats",
                                     "/proc/timer_list", "/proc/scsi",  "/sys/firmware", NULL};
static const char *const readonly[] = {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger", NULL};

static void describe(struct description *d, int root, int null, int cgroup)
{
    description_init(d);
    d->argv = (const char *const *)bench.command;
    d->root = root;
    d->cgroup = cgroup;
    d->stdio[0] = d->stdio[1] = d->stdio[2] = null;
    d->bounding = d->permitted = d->effective = DOCKERS_CAPABILITIES;
    d->hostname = "bench";
    d->flags = DESCRIPTION_ROOT_READONLY;
    d->namespaces = CLONE_NEWPID | CLONE_NEWUTS | (bench.lean ? 0 : CLONE_NEWIPC | CLONE_NEWCGROUP);
    d->mounts = bench.lean ? lean_mounts : default_mounts;
    d->mount_count = bench.lean ? ARRAY_SIZE(lean_mounts) : ARRAY_SIZE(default_mounts);
    d->masked_paths = bench.lean ? NULL : masked;
    d->readonly_paths = bench.lean ? NULL : readonly;
}

static void spawn(int number, int null)
{
    static char data[DESCRIPTION_SIZE_MAX];
    char id[ID_SIZE], name[32];
    struct description d;
    struct err err;
    int fds[DESCRIPTION_FDS_MAX];
    unsigned fd_count;
    (void)snprintf(name, sizeof(name), "c%d", number);
    cleanup_fd int cgroup = bench.cgroups >= 0 ? cgroup_create(bench.cgroups, name) : -1;
    cleanup_fd int root = mount_clone(AT_FDCWD, bench.rootfs, false);
    describe(&d, root, null, cgroup);
    ssize_t size = description_encode(&d, data, sizeof(data), fds, &fd_count, &err);
    id_new(id);
    struct keeper_client_spawn request = {.id = id,
                                          .key = bench.profile.key,
                                          .description = data,
                                          .description_size = (size_t)size,
                                          .fds = fds,
                                          .fd_count = fd_count};
    keeper_client_spawn(bench.client, &request, NULL, NULL);
}

static void turn(void)
{
    struct err err;
    (void)loop_turn(bench.loop, 1000, &err);
}

/* A window of requests, so that descriptors do not pile up here. */
static void run_containers(pid_t keeper, const char *class)
{
    cleanup_fd int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    struct memory before = look();
    int64_t start = clock_monotonic_ms();
    int sent = 0;
    while (bench.started + bench.failed < bench.count) {
        while (sent < bench.count && sent - bench.started - bench.failed < KEEPER_STARTING_MAX)
            spawn(sent++, null);
        turn();
    }
    int64_t ms = clock_monotonic_ms() - start;
    (void)sleep(1);
    printf("%s: %d in %lld ms, %.0f/s, %d failed\n", class, bench.count, (long long)ms,
           bench.count * 1000.0 / (double)ms, bench.failed);
    print_memory(&before);
    printf("keeper PSS %lld KiB\n", (long long)pss_of(keeper));
}

static void make_cgroup(void)
{
    char mount[PATH_MAX / 2];
    bench.cgroups = -1;
    if (cgroup_find_mount(mount, sizeof(mount)) < 0)
        return;
    (void)snprintf(bench.cgroup_path, sizeof(bench.cgroup_path), "%s/shoal-bench-%d", mount, getpid());
    bench.cgroups = cgroup_create(AT_FDCWD, bench.cgroup_path);
}

static void remove_cgroup(void)
{
    if (bench.cgroups < 0)
        return;
    (void)cgroup_kill(bench.cgroups);
    while (cgroup_populated(bench.cgroups) == 1)
        (void)usleep(10000);
    for (int i = 0; i < bench.count; i++) {
        char name[32];
        (void)snprintf(name, sizeof(name), "c%d", i);
        (void)cgroup_remove(bench.cgroups, name);
    }
    (void)cgroup_remove(AT_FDCWD, bench.cgroup_path);
}

static int with_keeper(const char *program, const char *class)
{
    char run_dir[] = "/tmp/shoal-bench-XXXXXX", path[PATH_MAX];
    struct err err;
    if (!mkdtemp(run_dir))
        return EXIT_FAILURE;
    pid_t keeper = fork();
    if (keeper == 0) {
        (void)execl(program, program, "--run-dir", run_dir, (char *)NULL);
        _exit(127);
    }
    (void)snprintf(path, sizeof(path), "%s/" KEEPER_SOCKET, run_dir);
    while (access(path, F_OK) < 0 && waitpid(keeper, NULL, WNOHANG) == 0)
        (void)usleep(1000);
    bench.loop = loop_new(&err);
    bench.client = keeper_client_new(bench.loop, &ops, NULL);
    if (keeper_client_connect(bench.client, path, &err) < 0 ||
        seccomp_profile_default(DOCKERS_CAPABILITIES, &bench.profile, &err) < 0) {
        log_error("%s", err.message);
        return EXIT_FAILURE;
    }
    while (!bench.ready)
        turn();
    keeper_client_launcher(bench.client, bench.profile.key, bench.profile.outer, bench.profile.outer_size,
                           bench.profile.inner, bench.profile.inner_size, NULL, NULL);
    make_cgroup();
    run_containers(keeper, class);
    remove_cgroup();
    while (bench.exited < bench.started && bench.cgroups >= 0)
        turn();
    (void)kill(keeper, SIGKILL);
    (void)waitpid(keeper, NULL, 0);
    (void)unlink(path);
    (void)snprintf(path, sizeof(path), "%s/keeper.lock", run_dir);
    (void)unlink(path);
    (void)rmdir(run_dir);
    return bench.failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    log_open("bench", LOG_LEVEL_INFO);
    if (argc < 6 || !str_to_int(argv[4], 1, 50000, &bench.count)) {
        (void)fprintf(stderr, "Usage: bench_spawn KEEPER ROOTFS process|lean|default COUNT COMMAND…\n");
        return EXIT_FAILURE;
    }
    bench.rootfs = argv[2];
    bench.command = argv + 5;
    bench.lean = str_eq(argv[3], "lean");
    if (!str_eq(argv[3], "process"))
        return with_keeper(argv[1], argv[3]);
    run_processes();
    return EXIT_SUCCESS;
}
