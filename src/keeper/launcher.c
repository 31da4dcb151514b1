#include "keeper/launcher.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "base/str.h"
#include "ipc/message.h"
#include "runtime/home.h"
#include "runtime/protection.h"
#include "sys/files.h"
#include "sys/mounts.h"
#include "sys/process.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#define SOCKET_FD       3
#define FILTERS_FD      4

#define PROC_ATTRIBUTES (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC)

struct launcher {
    int socket, proc;
    struct rlimit files;
    struct sock_filter inner[LAUNCHER_INNER_MAX];
    uint32_t inner_size;
    pid_t *helper_result; /* shared with helpers: the pid of the child they cloned */
    char *message;        /* MESSAGE_SIZE_MAX; children decode in place */
    char *scratch;        /* DESCRIPTION_SCRATCH_MAX; touched by children alone, but for the first pages */
};

/* One request while it is carried out. */
struct job {
    const struct launcher *launcher;
    struct launch launch;
    struct description d;
    int status, container;
    int maps[2]; /* a pipe, -1 where no id maps are to be written */
};

static int send_report(int status, const struct child_report *report, int fd)
{
    return message_send_data(status, report, sizeof(*report), &fd, fd >= 0);
}

static void report_failure(const struct job *job, const struct err *err)
{
    struct child_report report = child_failure(err);
    (void)send_report(job->status, &report, -1);
}

/* --- Children ----------------------------------------------------------------------------------------------------- */

static uint64_t joined(const struct description *d)
{
    uint64_t types = 0;
    for (uint32_t i = 0; i < d->join_count; i++)
        types |= d->joins[i].type;
    return types;
}

/* Those that are not the host's. */
static uint64_t namespaces_of(const struct job *job)
{
    return job->launch.exec ? job->launch.namespaces : CLONE_NEWNS | job->d.namespaces | joined(&job->d);
}

static _Noreturn void be_child(struct job *job)
{
    const struct launcher *l = job->launcher;
    struct child c = {
        .d = &job->d,
        .status = job->status,
        .send = send_report,
        .maps = job->maps[0],
        .user_namespace = namespaces_of(job) & CLONE_NEWUSER,
        .container = job->launch.namespaces & CLONE_NEWCGROUP ? job->container : -1,
        .inner = {.len = (unsigned short)(l->inner_size / sizeof(struct sock_filter)),
                  .filter = (struct sock_filter *)l->inner},
        .files = l->files,
        .keeper_proc = l->proc,
        .root = -1,
        .proc = -1,
        .sysfs = -1,
        .dev = -1,
        .devpts = -1,
        .tty = -1,
    };
    close_fd(&job->maps[1]); /* else it would not see the launcher's end close */
    _exit(job->launch.exec ? child_run_exec(&c) : child_run(&c));
}

/* The child itself, or -errno. Born into its cgroup and its namespaces. */
static pid_t clone_child(struct job *job)
{
    uint64_t flags = CLONE_PARENT;
    if (!job->launch.exec)
        flags |= CLONE_NEWNS | (job->d.namespaces & ~(uint64_t)CLONE_NEWCGROUP);
    pid_t pid = process_clone(flags, job->d.cgroup);
    if (pid == 0)
        be_child(job);
    return pid;
}

static int join_before_birth(const struct job *job, struct err *err)
{
    if (job->launch.exec) {
        int r = process_join(job->container, (int)(job->launch.namespaces & ~(uint32_t)CLONE_NEWCGROUP));
        return r < 0 ? err_errno(err, r, "joining the container") : 0;
    }
    for (uint32_t i = 0; i < job->d.join_count; i++) {
        const struct description_join *join = &job->d.joins[i];
        if (join->type != CLONE_NEWPID && join->type != CLONE_NEWUSER)
            continue;
        int r = process_join(join->fd, (int)join->type);
        if (r < 0)
            return err_errno(err, r, "joining the %s namespace", join->type == CLONE_NEWPID ? "pid" : "user");
    }
    return 0;
}

static int clone_failed(int r, struct err *err)
{
    return err_errno(err, r, "a new process in its namespaces and cgroup");
}

static _Noreturn void be_helper(struct job *job)
{
    struct err err;
    if (join_before_birth(job, &err) >= 0) {
        pid_t pid = clone_child(job);
        if (pid > 0) {
            *job->launcher->helper_result = pid;
            _exit(0);
        }
        (void)clone_failed(pid, &err);
    }
    report_failure(job, &err);
    _exit(1);
}

static int run_helper(struct job *job, struct launched *ret, struct err *err)
{
    pid_t *result = job->launcher->helper_result;
    *result = 0;
    pid_t pid = process_clone(CLONE_PARENT | CLONE_VFORK, -1);
    if (pid == 0)
        be_helper(job);
    if (pid < 0)
        return clone_failed(pid, err);
    ret->helper = pid;
    ret->pid = *result; /* 0 where it failed, and said so */
    return 0;
}

/* --- Id maps ------------------------------------------------------------------------------------------------------ */

static int write_map(const struct launcher *l, pid_t pid, const char *file, const struct description_id_map *maps,
                     uint32_t count, struct err *err)
{
    char text[4096], path[64]; /* the kernel takes less than a page */
    size_t used = 0;
    for (uint32_t i = 0; i < count && used < sizeof(text); i++)
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%u %u %u\n", maps[i].container, maps[i].host,
                                 maps[i].size);
    if (used >= sizeof(text))
        return err_set(err, ERR_LIMIT, "too many id mappings");
    (void)snprintf(path, sizeof(path), "%d/%s", pid, file);
    int r = file_write_at(l->proc, path, text);
    return r < 0 ? err_errno(err, r, "%s", file) : 0;
}

static int write_maps(const struct job *job, pid_t pid, struct err *err)
{
    const struct description *d = &job->d;
    if (job->maps[1] < 0)
        return 0;
    if (write_map(job->launcher, pid, "uid_map", d->uid_maps, d->uid_map_count, err) < 0 ||
        write_map(job->launcher, pid, "gid_map", d->gid_maps, d->gid_map_count, err) < 0)
        return -1;
    (void)!write(job->maps[1], "", 1);
    return 0;
}

/* --- Requests ----------------------------------------------------------------------------------------------------- */

/* A user namespace gets a proc of its own only where another one is in sight: for as long as the child is born. */
static int show_proc(struct err *err)
{
    struct mount_message why;
    cleanup_fd int proc = mount_new("proc", "proc", NULL, PROC_ATTRIBUTES, &why);
    int r = proc < 0 ? proc : mount_attach_at(proc, AT_FDCWD, HOME_PROC);
    return r < 0 ? err_errno(err, r, "a proc to show to a user namespace") : 0;
}

static int give_birth(struct job *job, struct launched *ret, struct err *err)
{
    if (job->launch.exec || joined(&job->d) & (CLONE_NEWPID | CLONE_NEWUSER)) {
        if (run_helper(job, ret, err) < 0)
            return -1;
    } else {
        pid_t pid = clone_child(job);
        if (pid < 0)
            return clone_failed(pid, err);
        ret->pid = pid;
    }
    return 0;
}

static int start_child(struct job *job, struct launched *ret, struct err *err)
{
    bool shown = !job->launch.exec && namespaces_of(job) & CLONE_NEWUSER;
    int r = shown ? show_proc(err) : 0;
    if (r >= 0)
        r = give_birth(job, ret, err);
    if (shown)
        (void)umount2(HOME_PROC, MNT_DETACH);
    return r >= 0 && ret->pid ? write_maps(job, ret->pid, err) : r;
}

static int prepare(struct job *job, struct launcher *l, size_t size, const struct message_fds *fds, struct err *err)
{
    unsigned taken = job->launch.exec ? 2 : 1;
    if (description_decode(l->message + sizeof(struct launch), size - sizeof(struct launch), fds->fd + taken,
                           fds->count - taken, l->scratch, DESCRIPTION_SCRATCH_MAX, &job->d, err) < 0 ||
        description_check(&job->d, job->launch.exec, err) < 0)
        return -1;
    if (job->d.namespaces & CLONE_NEWUSER && !job->launch.exec && pipe2(job->maps, O_CLOEXEC) < 0)
        return err_errno(err, errno, "a pipe");
    return 0;
}

static void carry_out(struct launcher *l, size_t size, struct message_fds *fds)
{
    struct job job = {.launcher = l, .container = -1, .maps = {-1, -1}};
    memcpy(&job.launch, l->message, sizeof(job.launch));
    job.status = fds->fd[0];
    if (job.launch.exec)
        job.container = fds->fd[1];
    struct launched report = {.slot = job.launch.slot, .generation = job.launch.generation};
    struct err err;
    if (prepare(&job, l, size, fds, &err) < 0 || start_child(&job, &report, &err) < 0)
        report_failure(&job, &err);
    report.namespaces = (uint32_t)namespaces_of(&job);
    close_fd(&job.maps[0]);
    close_fd(&job.maps[1]);
    if (message_send_data(l->socket, &report, sizeof(report), NULL, 0) < 0)
        _exit(1);
}

/* --- Starting ----------------------------------------------------------------------------------------------------- */

static int install_filters(struct launcher *l, const struct launcher_start *start)
{
    if (!start->outer_size)
        return 0;
    size_t size = (size_t)start->outer_size + start->inner_size;
    char *programs = mmap(NULL, size, PROT_READ, MAP_SHARED, FILTERS_FD, 0);
    if (programs == MAP_FAILED)
        return -errno;
    memcpy(l->inner, programs + start->outer_size, start->inner_size);
    l->inner_size = start->inner_size;
    struct sock_fprog outer = {.len = (unsigned short)(start->outer_size / sizeof(struct sock_filter)),
                               .filter = (struct sock_filter *)programs};
    int r = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &outer) < 0 ? -errno : 0;
    (void)munmap(programs, size);
    return r;
}

static void *reserve(size_t size)
{
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

/* Only the two descriptors and the standard ones remain of what the keeper has open; its mounts are its own. */
static int settle(struct launcher *l, const struct launcher_start *start)
{
    int filters = start->filters >= 0 ? start->filters : start->socket;
    int socket = file_dup(start->socket, FILTERS_FD + 1);
    filters = file_dup(filters, FILTERS_FD + 1);
    if (socket < 0 || filters < 0 || dup3(socket, SOCKET_FD, O_CLOEXEC) < 0 || dup3(filters, FILTERS_FD, O_CLOEXEC) < 0)
        return -errno;
    int r = file_close_from(FILTERS_FD + 1);
    if (r < 0)
        return r;
    if (unshare(CLONE_NEWNS) < 0)
        return -errno;
    l->socket = SOCKET_FD;
    l->files = start->files;
    struct mount_message why;
    l->proc = mount_new("proc", "proc", NULL, PROC_ATTRIBUTES, &why);
    l->message = reserve(MESSAGE_SIZE_MAX);
    l->scratch = reserve(DESCRIPTION_SCRATCH_MAX);
    l->helper_result = mmap(NULL, sizeof(pid_t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (l->proc < 0 || !l->message || !l->scratch || l->helper_result == MAP_FAILED)
        return -ENOMEM;
    return file_write_at(l->proc, "self/oom_score_adj", start->oom_score_adj);
}

/* What is ignored would stay so in payloads: of the keeper's, and of whoever started it. */
static void default_signals(void)
{
    for (int signo = 1; signo < NSIG; signo++)
        (void)signal(signo, SIG_DFL); /* refused for two, and for those of the C library */
    sigset_t none;
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

_Noreturn void launcher_run(const struct launcher_start *start)
{
    static struct launcher launcher;
    default_signals();
    (void)prctl(PR_SET_NAME, "shoal-launcher", 0, 0, 0);
    /* Inherited by every child until it execs: a payload that shares a pid namespace must not look into one of ours. */
    if (protection_on(PROTECT_DUMPABLE))
        (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    int r = settle(&launcher, start);
    if (r >= 0)
        r = install_filters(&launcher, start);
    (void)close(FILTERS_FD);
    if (r < 0) {
        log_error("a launcher cannot start: %s", strerror(-r));
        _exit(1);
    }
    for (;;) {
        struct message_fds fds;
        ssize_t n = message_receive(launcher.socket, launcher.message, MESSAGE_SIZE_MAX, &fds);
        if (n < (ssize_t)sizeof(struct launch) || fds.count < 1 ||
            (((struct launch *)launcher.message)->exec && fds.count < 2))
            _exit(n == 0 ? 0 : 1);
        carry_out(&launcher, (size_t)n, &fds);
        message_fds_close(&fds);
    }
}
