#include "keeper/keeper.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "base/str.h"
#include "ipc/socket.h"
#include "runtime/home.h"
#include "sys/files.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>

#define OOM_SCORE "-999"

static const char usage[] =
    "Usage: shoal-keeper --run-dir DIR [--background]\n"
    "\n"
    "The parent of the node's containers. Started by the daemon or the service manager; listens on DIR/keeper.sock.\n"
    "\n"
    "      --run-dir DIR   where its socket and its lock are\n"
    "      --background    returns when the socket accepts\n"
    "      --version       prints the version\n";

struct options {
    const char *run_dir;
    bool background;
    int check, resume; /* a descriptor of the state; -1 */
};

/* --- Starting ----------------------------------------------------------------------------------------------------- */

static void *reserve(size_t size, struct err *err)
{
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED || madvise(p, size, MADV_DONTFORK) < 0) {
        (void)err_errno(err, errno, "address space for %zu bytes", size);
        return NULL;
    }
    return p;
}

/* Tables, buffers, epoll and signals: what a start and a resumption have in common. */
static int init(struct keeper *k, struct err *err)
{
    for (int i = 0; i < KEEPER_LAUNCHERS_MAX; i++)
        k->launchers[i] = (struct launcher_entry){.socket = -1, .filters = -1};
    peer_init(&k->peer);
    if (table_init(&k->table, err) < 0 || store_init(k, err) < 0)
        return -1;
    k->in = reserve(MESSAGE_SIZE_MAX, err);
    k->out = k->in ? reserve(MESSAGE_SIZE_MAX, err) : NULL;
    if (!k->out)
        return -1;
    sigset_t signals;
    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGCHLD);
    (void)sigaddset(&signals, SIGTERM);
    (void)sigaddset(&signals, SIGINT);
    (void)sigprocmask(SIG_BLOCK, &signals, NULL);
    (void)signal(SIGHUP, SIG_IGN);
    (void)signal(SIGPIPE, SIG_IGN); /* its standard error may be a pipe to a daemon that died */
    k->epoll = epoll_create1(EPOLL_CLOEXEC);
    k->signals = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
    if (k->epoll < 0 || k->signals < 0)
        return err_errno(err, errno, "epoll and signals");
    (void)prctl(PR_SET_NAME, "shoal-keeper", 0, 0, 0);
    return keeper_watch(k, k->signals, EPOLLIN, WATCH_SIGNALS, 0, err);
}

/* One keeper for a run directory. The lock is held by the descriptor and dies with the last process that has it: this
 * one. */
static int lock(struct keeper *k, const char *run_dir, struct err *err)
{
    char path[sizeof(k->run_dir) + 32];
    if (snprintf(k->run_dir, sizeof(k->run_dir), "%s", run_dir) >= (int)sizeof(k->run_dir))
        return err_set(err, ERR_INVALID, "the path of the run directory is too long");
    (void)snprintf(path, sizeof(path), "%s/keeper.lock", run_dir);
    k->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (k->lock < 0)
        return err_errno(err, errno, "%s", path);
    if (flock(k->lock, LOCK_EX | LOCK_NB) < 0)
        return errno == EWOULDBLOCK ? err_set(err, ERR_CONFLICT, "another keeper runs in %s", run_dir)
                                    : err_errno(err, errno, "%s", path);
    (void)snprintf(path, sizeof(path), "%s/" KEEPER_SOCKET, run_dir);
    k->listener = socket_listen(path);
    return k->listener < 0 ? err_errno(err, k->listener, "%s", path) : 0;
}

/* Descriptors for terminals and stored sockets; and the machine must not kill the one that knows all exit codes. */
static int raise_limits(struct keeper *k, struct err *err)
{
    if (getrlimit(RLIMIT_NOFILE, &k->files) < 0)
        return err_errno(err, errno, "the limit of open files");
    struct rlimit high = {.rlim_cur = k->files.rlim_max, .rlim_max = k->files.rlim_max};
    (void)setrlimit(RLIMIT_NOFILE, &high);
    ssize_t n = file_read_at(AT_FDCWD, "/proc/self/oom_score_adj", k->oom_score_adj, sizeof(k->oom_score_adj));
    if (n < 0)
        return err_errno(err, (int)n, "oom_score_adj");
    (void)file_write_at(AT_FDCWD, "/proc/self/oom_score_adj", OOM_SCORE); /* where permitted */
    return 0;
}

/* Standard streams of its own: nobody's terminal, nobody's pipe; errors stay where they went. */
static int detach_streams(bool background, struct err *err)
{
    cleanup_fd int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0)
        return err_errno(err, errno, "/dev/null");
    return !background || setsid() >= 0 || errno == EPERM ? 0 : err_errno(err, errno, "a session");
}

static int start(struct keeper *k, const struct options *o, struct err *err)
{
    if (lock(k, o->run_dir, err) < 0 || raise_limits(k, err) < 0 || detach_streams(o->background, err) < 0 ||
        home_enter(err) < 0)
        return -1;
    return init(k, err);
}

/* Type=notify of systemd: sd_notify(3) without its library. */
static void notify(const char *path, const char *text)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (!path || (*path != '/' && *path != '@') || strlen(path) >= sizeof(address.sun_path))
        return;
    memcpy(address.sun_path, path, strlen(path));
    if (*path == '@')
        address.sun_path[0] = '\0';
    cleanup_fd int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    socklen_t length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
    if (fd >= 0)
        (void)sendto(fd, text, strlen(text), MSG_NOSIGNAL, (struct sockaddr *)&address, length);
}

/*
 * In the background: the child goes on, with the end of a pipe that it writes to when it is ready; the parent waits for
 * that and exits with the outcome. Returns the pipe's end, -1 in the foreground.
 */
static int go_to_background(bool background)
{
    int ready[2];
    if (!background || pipe2(ready, O_CLOEXEC) < 0)
        return -1;
    pid_t pid = fork();
    if (pid == 0) {
        (void)close(ready[0]);
        return ready[1];
    }
    (void)close(ready[1]);
    char ok;
    _exit(pid > 0 && read(ready[0], &ok, 1) == 1 ? EXIT_SUCCESS : EXIT_FAILURE);
}

static int serve_new(struct keeper *k, const struct options *o)
{
    struct err err;
    /* The systemd socket is a path of the host: connected to after the mount namespace was left, it would not be found.
     */
    const char *notify_path = getenv("NOTIFY_SOCKET");
    int ready = go_to_background(o->background);
    if (start(k, o, &err) < 0 || keeper_watch(k, k->listener, EPOLLIN, WATCH_LISTENER, 0, &err) < 0) {
        log_error("%s", err.message);
        return EXIT_FAILURE;
    }
    notify(notify_path, "READY=1");
    if (ready >= 0) {
        (void)!write(ready, "", 1);
        (void)close(ready);
    }
    return keeper_run(k);
}

static int serve_resumed(struct keeper *k, int state)
{
    struct err err;
    if (init(k, &err) < 0 || state_resume(k, state, &err) < 0 ||
        keeper_watch(k, k->listener, EPOLLIN, WATCH_LISTENER, 0, &err) < 0) {
        /* The check went through a moment ago. Containers live on without a parent that knows them. */
        log_error("cannot go on after replacing the program: %s", err.message);
        return EXIT_FAILURE;
    }
    (void)close(state);
    if (k->peer.fd >= 0)
        peer_reply(k, NULL, 0, -1);
    log_info("goes on as version %s with %u containers", SHOAL_VERSION, k->table.living);
    return keeper_run(k);
}

static int check(int state)
{
    struct err err;
    if (state_check(state, &err) >= 0)
        return EXIT_SUCCESS;
    log_error("cannot take over: %s", err.message);
    return EXIT_FAILURE;
}

/* --- Options ------------------------------------------------------------------------------------------------------ */

static bool parse(int argc, char **argv, struct options *ret)
{
    *ret = (struct options){.check = -1, .resume = -1};
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;
        if (str_eq(argv[i], "--background"))
            ret->background = true;
        else if (str_eq(argv[i], "--run-dir") && value)
            ret->run_dir = argv[++i];
        else if (str_eq(argv[i], "--check") && value && str_to_int(value, 0, INT32_MAX, &ret->check))
            i++;
        else if (str_eq(argv[i], "--resume") && value && str_to_int(value, 0, INT32_MAX, &ret->resume))
            i++;
        else
            return false;
    }
    return ret->run_dir || ret->check >= 0 || ret->resume >= 0;
}

int main(int argc, char **argv)
{
    static struct keeper keeper;
    struct options options;
    log_open("keeper", LOG_LEVEL_INFO);
    if (argc == 2 && str_eq(argv[1], "--version"))
        return printf("shoal-keeper %s\n", SHOAL_VERSION) < 0;
    if (!parse(argc, argv, &options)) {
        (void)fputs(usage, stderr);
        return EXIT_FAILURE;
    }
    if (options.check >= 0)
        return check(options.check);
    if (options.resume >= 0)
        return serve_resumed(&keeper, options.resume);
    struct err err;
    keeper.program = program_seal(argv, &err);
    if (keeper.program < 0) {
        log_error("%s", err.message);
        return EXIT_FAILURE;
    }
    return serve_new(&keeper, &options);
}
