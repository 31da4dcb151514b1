#include "event/loop.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/vec.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define EVENTS_MAX 128

struct loop {
    int epoll_fd;
    bool stopped;
    VEC(struct timer *) timers; /* a binary heap, the earliest first */
    struct list deferred;
    void (*turn_end)(void *data);
    void *turn_end_data;
    /* What epoll_wait(2) fetched and has not been called yet: io_remove() takes a source out of here too. */
    struct epoll_event events[EVENTS_MAX];
    int event_count;
};

struct loop *loop_new(struct err *err)
{
    struct loop *loop = NEW(struct loop);
    list_init(&loop->deferred);
    loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (loop->epoll_fd < 0) {
        err_errno(err, errno, "cannot make an event loop");
        free(loop);
        return NULL;
    }
    return loop;
}

void loop_free(struct loop *loop)
{
    if (!loop)
        return;
    closep(&loop->epoll_fd);
    vec_done(&loop->timers);
    free(loop);
}

void loop_stop(struct loop *loop)
{
    loop->stopped = true;
}

void loop_on_turn_end(struct loop *loop, void (*f)(void *data), void *data)
{
    loop->turn_end = f;
    loop->turn_end_data = data;
}

/* --- Descriptors */

int io_add(struct io *io, struct loop *loop, int fd, uint32_t events, struct err *err)
{
    struct epoll_event event = {.events = events, .data.ptr = io};
    if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
        return err_errno(err, errno, "cannot watch a descriptor");
    io->loop = loop;
    io->fd = fd;
    io->events = events;
    return 0;
}

void io_want(struct io *io, uint32_t events)
{
    if (!io->loop || io->events == events)
        return;
    struct epoll_event event = {.events = events, .data.ptr = io};
    /* Fails only for a descriptor that is not watched, and this one is. */
    (void)epoll_ctl(io->loop->epoll_fd, EPOLL_CTL_MOD, io->fd, &event);
    io->events = events;
}

void io_remove(struct io *io)
{
    struct loop *loop = io->loop;
    if (!loop)
        return;
    (void)epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, io->fd, NULL);
    for (int i = 0; i < loop->event_count; i++)
        if (loop->events[i].data.ptr == io)
            loop->events[i].data.ptr = NULL;
    io->loop = NULL;
}

/* --- Timers: a binary heap of pointers, each timer knowing its place */

static void timer_place(struct loop *loop, size_t i, struct timer *timer)
{
    loop->timers.items[i] = timer;
    timer->index = i;
}

static void timer_sift_up(struct loop *loop, size_t i, struct timer *timer)
{
    while (i > 0) {
        size_t parent = (i - 1) / 2;
        if (loop->timers.items[parent]->at_ms <= timer->at_ms)
            break;
        timer_place(loop, i, loop->timers.items[parent]);
        i = parent;
    }
    timer_place(loop, i, timer);
}

static void timer_sift_down(struct loop *loop, size_t i, struct timer *timer)
{
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= loop->timers.count)
            break;
        if (child + 1 < loop->timers.count && loop->timers.items[child + 1]->at_ms < loop->timers.items[child]->at_ms)
            child++;
        if (timer->at_ms <= loop->timers.items[child]->at_ms)
            break;
        timer_place(loop, i, loop->timers.items[child]);
        i = child;
    }
    timer_place(loop, i, timer);
}

void timer_start(struct timer *timer, struct loop *loop, int64_t delay_ms)
{
    timer_stop(timer);
    timer->loop = loop;
    timer->at_ms = clock_monotonic_ms() + (delay_ms > 0 ? delay_ms : 0);
    vec_push(&loop->timers, timer);
    timer_sift_up(loop, loop->timers.count - 1, timer);
}

void timer_stop(struct timer *timer)
{
    struct loop *loop = timer->loop;
    if (!loop)
        return;
    timer->loop = NULL;
    struct timer *last = loop->timers.items[--loop->timers.count];
    if (last == timer)
        return;
    size_t i = timer->index;
    if (last->at_ms < timer->at_ms)
        timer_sift_up(loop, i, last);
    else
        timer_sift_down(loop, i, last);
}

static int timeout_until_next(const struct loop *loop, int timeout_ms)
{
    if (!loop->timers.count)
        return timeout_ms;
    int64_t left = loop->timers.items[0]->at_ms - clock_monotonic_ms();
    if (left < 0)
        left = 0;
    if (left > INT_MAX)
        left = INT_MAX;
    return timeout_ms >= 0 && timeout_ms < left ? timeout_ms : (int)left;
}

static bool call_expired(struct loop *loop)
{
    bool any = false;
    int64_t now = clock_monotonic_ms();
    while (loop->timers.count && loop->timers.items[0]->at_ms <= now) {
        struct timer *timer = loop->timers.items[0];
        timer_stop(timer);
        timer->expired(timer);
        any = true;
    }
    return any;
}

/* --- Deferred calls */

void loop_defer(struct loop *loop, struct deferred *deferred)
{
    if (list_unlinked(&deferred->link))
        list_push(&loop->deferred, &deferred->link);
}

void deferred_cancel(struct deferred *deferred)
{
    list_remove(&deferred->link);
}

/* Calls those that wait now; what they defer in turn is called too, so that a turn ends settled. */
static bool call_deferred(struct loop *loop)
{
    bool any = false;
    while (!list_empty(&loop->deferred)) {
        struct deferred *first = container_of(loop->deferred.next, struct deferred, link);
        list_remove(&first->link);
        first->call(first);
        any = true;
    }
    return any;
}

/* --- Turns */

int loop_turn(struct loop *loop, int timeout_ms, struct err *err)
{
    int wait_ms = list_empty(&loop->deferred) ? timeout_until_next(loop, timeout_ms) : 0;
    int n = epoll_wait(loop->epoll_fd, loop->events, EVENTS_MAX, wait_ms);
    if (n < 0 && errno != EINTR)
        return err_errno(err, errno, "cannot wait for events");
    loop->event_count = n < 0 ? 0 : n;
    bool any = loop->event_count > 0;
    for (int i = 0; i < loop->event_count; i++) {
        struct io *io = loop->events[i].data.ptr;
        if (io)
            io->ready(io, loop->events[i].events);
    }
    loop->event_count = 0;
    any |= call_expired(loop);
    any |= call_deferred(loop);
    if (any && loop->turn_end)
        loop->turn_end(loop->turn_end_data);
    return 0;
}

int loop_run(struct loop *loop, struct err *err)
{
    loop->stopped = false;
    while (!loop->stopped)
        if (loop_turn(loop, -1, err) < 0)
            return -1;
    return 0;
}

/* --- Signals */

static void signal_ready(struct io *io, uint32_t events)
{
    struct signal_watch *watch = container_of(io, struct signal_watch, io);
    struct signalfd_siginfo info;
    while (io->loop && read(io->fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
        watch->arrived(watch, &info);
}

int signal_watch_add(struct signal_watch *watch, struct loop *loop, int signo, struct err *err)
{
    sigset_t set;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, signo);
    if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
        return err_errno(err, errno, "cannot block signal %d", signo);
    cleanup_fd int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0)
        return err_errno(err, errno, "cannot watch signal %d", signo);
    watch->io.ready = signal_ready;
    if (io_add(&watch->io, loop, fd, EPOLLIN, err) < 0)
        return -1;
    (void)take_fd(&fd);
    return 0;
}

void signal_watch_remove(struct signal_watch *watch)
{
    if (!watch->io.loop)
        return;
    io_remove(&watch->io);
    close_fd(&watch->io.fd);
}

/* --- Children */

static void child_ready(struct io *io, uint32_t events)
{
    struct child *child = container_of(io, struct child, io);
    int status;
    pid_t pid = waitpid(child->pid, &status, WNOHANG);
    if (pid == 0)
        return;
    child_remove(child);
    child->exited(child, pid < 0 ? 0 : status);
}

int child_add(struct child *child, struct loop *loop, pid_t pid, struct err *err)
{
    cleanup_fd int fd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (fd < 0)
        return err_errno(err, errno, "cannot watch process %d", pid);
    child->pid = pid;
    child->io.ready = child_ready;
    if (io_add(&child->io, loop, fd, EPOLLIN, err) < 0)
        return -1;
    (void)take_fd(&fd);
    return 0;
}

void child_remove(struct child *child)
{
    if (!child->io.loop)
        return;
    io_remove(&child->io);
    close_fd(&child->io.fd);
}
